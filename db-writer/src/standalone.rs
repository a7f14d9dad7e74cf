//! The writer as a process of its own: from a broker into the store.

use service::{Context, Decoder};
use telemetry::Decoded;

use crate::{Config, Counters, Retention, forget_old, keep_history, keep_rollups, run};

/// Messages between the broker and the writer.
const AHEAD: usize = 10_000;

/// Runs the writer until the context's stop, with its broker and store from the settings.
///
/// # Errors
/// A setting is wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let config = Config::from_settings(settings)?;
    let retention = Retention::from_settings(settings)?;
    let decoder = Decoder::of_service(&context)?;
    let source = service::Source::every_message(&context, &decoder, "db-writer", config.two_batches())?
        .judged_elsewhere();
    let store = service::store(settings, context.clock.clone()).await?;
    context.serve_admin()?;
    let Context { clock, metrics, stop, .. } = context.clone();
    tokio::spawn(keep_history(store.clone(), clock.clone(), stop.clone()));
    tokio::spawn(keep_rollups(store.clone(), clock.clone(), metrics.clone(), stop.clone()));
    tokio::spawn(forget_old(retention, store.clone(), clock, metrics, stop));
    let (deliveries, received) = source.open::<Decoded>(AHEAD, decoder, store.clone(), &context);
    let counters = Counters::register(&context.metrics, context.clock.clone());
    tokio::join!(received, run(config, deliveries, store, counters, context.health.check("store")),);
    Ok(())
}
