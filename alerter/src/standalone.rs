//! The alerter as a process of its own: from any MQTT broker to the inbox.

use std::sync::Arc;

use service::Context;
use store::Sqlite;
use tokio::sync::mpsc;

use crate::{Alerter, Config, Counters, Mailer};

/// Messages between the broker and the judge.
const AHEAD: usize = 10_000;

/// # Errors
/// A setting is wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let config = Config::from_settings(settings)?;
    let data_dir = service::data_dir(settings)?;
    let page = service::page_url(settings, settings.get("http.listen")?)?;
    let mailer = Mailer::from_settings(settings, &data_dir.join("mails"), page)?;
    let source = service::Source::from_settings(settings, "alerter", broker::Quality::AtLeastOnce)?;
    let store = Arc::new(Sqlite::open(&data_dir.join(store::FILE))?);
    context.serve_admin().await?;
    let (out, deliveries) = mpsc::channel(AHEAD);
    let alerter = Alerter { config, store, counters: Counters::register(&context.metrics) };
    tokio::join!(
        source.consume(out, &context),
        alerter.run(deliveries, mailer, context.health.check("store")),
    );
    Ok(())
}
