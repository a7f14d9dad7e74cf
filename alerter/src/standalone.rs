//! The alerter as a process of its own: from a broker to those who are told.

use std::sync::Arc;

use broker::BrokerUrl;
use service::{Context, Metrics, SettingError, Settings};
use store::Store;
use tokio::sync::{mpsc, watch};

use crate::notifier::Notifiers;
use crate::{Alerter, Counters, RulesFile, alerter::MAX_BATCH};

/// Messages between the broker and the judge.
const AHEAD: usize = MAX_BATCH;

/// # Errors
/// A setting or the rules are wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let rules = RulesFile::from_settings(settings)?;
    let page = service::page_url(settings, settings.get("http.listen")?)?;
    let broker: String = settings.get("mqtt.url")?;
    let broker: BrokerUrl = broker.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    let source = service::Source::every_message(settings, "alerter", 2 * MAX_BATCH as u16)?;
    let store = service::store(settings).await?;
    let prepared = prepare(settings, rules, &page, broker, store, &context.metrics, name())?;
    context.serve_admin().await?;
    let (out, deliveries) = mpsc::channel(AHEAD);
    let link = source.link();
    let (alerter, notifiers) = prepared.start();
    tokio::join!(
        source.consume(out, &context),
        alerter.run(deliveries, link, notifiers, context.health.check("store")),
    );
    Ok(())
}

/// An alerter that knows its rules and whom to tell.
pub struct Prepared {
    alerter: Alerter,
    notifiers: Notifiers,
    file: RulesFile,
    rules: watch::Sender<Arc<crate::Rules>>,
}

/// Reads the rules and sets up all ways to tell; alerts are published to `broker`.
///
/// # Errors
/// A setting or the rules are wrong.
pub fn prepare(
    settings: &Settings,
    file: RulesFile,
    page: &str,
    broker: BrokerUrl,
    store: Arc<dyn Store>,
    metrics: &Metrics,
    name: String,
) -> anyhow::Result<Prepared> {
    let (rules, in_force) = watch::channel(Arc::new(file.read()?));
    let notifiers = Notifiers::from_settings(settings, page, broker, store.clone())?;
    let counters = Counters::register(metrics);
    let alerter = Alerter { rules: in_force, store, counters, name };
    Ok(Prepared { alerter, notifiers, file, rules })
}

impl Prepared {
    /// Follows the file of rules from now on.
    #[must_use]
    pub fn start(self) -> (Alerter, Notifiers) {
        tokio::spawn(self.file.follow(self.rules, self.alerter.counters.clone()));
        (self.alerter, self.notifiers)
    }
}

/// The same after a restart in the same container, so that nobody has to wait for the lease of one that is gone.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
