//! The writer as a process of its own: from any MQTT broker into the store.

use std::sync::Arc;

use service::Context;
use store::{ReadingStore, Sqlite};
use tokio::sync::mpsc;

use crate::{Config, Counters, Retention, forget_old, run};

/// Messages between the broker and the writer.
const AHEAD: usize = 10_000;

/// # Errors
/// A setting is wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let config = Config::from_settings(settings)?;
    let retention = Retention::from_settings(settings)?;
    let source = service::Source::from_settings(settings, "db-writer", broker::Quality::AtLeastOnce)?;
    let store: Arc<dyn ReadingStore> =
        Arc::new(Sqlite::open(&service::data_dir(settings)?.join(store::FILE))?);
    context.serve_admin().await?;
    tokio::spawn(forget_old(retention, Arc::clone(&store), context.stop.clone()));
    let (out, deliveries) = mpsc::channel(AHEAD);
    let counters = Counters::register(&context.metrics);
    tokio::join!(
        source.consume(out, &context),
        run(config, deliveries, store, counters, context.health.check("store")),
    );
    Ok(())
}
