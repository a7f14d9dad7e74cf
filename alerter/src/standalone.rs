//! The alerter as a process of its own: from a broker to the inbox.

use service::Context;
use tokio::sync::mpsc;

use crate::{Alerter, Config, Counters, Mailer, alerter::MAX_BATCH};

/// Messages between the broker and the judge.
const AHEAD: usize = MAX_BATCH;

/// # Errors
/// A setting is wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let config = Config::from_settings(settings)?;
    let page = service::page_url(settings, settings.get("http.listen")?)?;
    let mailer = Mailer::from_settings(settings, page)?;
    let source = service::Source::every_message(settings, "alerter", 2 * MAX_BATCH as u16)?;
    let store = service::store(settings).await?;
    context.serve_admin().await?;
    let (out, deliveries) = mpsc::channel(AHEAD);
    let counters = Counters::register(&context.metrics);
    let alerter = Alerter { config, store, counters, name: name() };
    tokio::join!(
        source.consume(out, &context),
        alerter.run(deliveries, mailer, context.health.check("store")),
    );
    Ok(())
}

/// The same after a restart in the same container, so that nobody has to wait for the lease of one that is gone.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
