//! The alerter as a process of its own: from a broker to the recipients.

use std::path::PathBuf;
use std::sync::Arc;

use broker::BrokerUrl;
use service::{Context, Decoder, SettingError};
use store::{Channel, Store};
use tokio::sync::watch;

use crate::alerter::Alerter;
use crate::counters::Counters;
use crate::evaluation_loop::MAX_BATCH;
use crate::message::Templates;
use crate::notices::NoticeSender;
use crate::notifier::Notifiers;
use crate::notifier::mail::{Mail, Mailer};
use crate::notifier::mqtt::Mqtt;
use crate::notifier::webhook::Webhook;
use crate::rules::{Rules, RulesFile};

/// Messages that wait between the broker and the evaluation, at most.
const AHEAD: usize = MAX_BATCH;

/// # Errors
/// A setting or the rules are wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let page = service::page_url(settings, settings.address("http.listen")?)?;
    let broker: String = settings.get("mqtt.url")?;
    let broker: BrokerUrl = broker.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    let decoder = Decoder::of_service(&context)?;
    let source = service::Source::every_message(&context, &decoder, "alerter", 2 * MAX_BATCH as u16)?;
    let store = service::store(settings, context.clock.clone()).await?;
    let name = service::instance_name();
    let notices = NoticeSender::new(&context, store.clone(), page.clone(), name.clone())?;
    let wiring = Wiring { page, broker, name, decoder: decoder.clone() };
    let prepared = prepare(&context, store.clone(), wiring)?;
    context.serve_admin()?;
    let link = source.connection_status();
    let (deliveries, received) = source.open(AHEAD, decoder, store, &context);
    let (alerter, notifiers) = prepared.start();
    let judging = alerter.run(deliveries, link, notifiers, context.health.check("store"));
    tokio::join!(received, judging, notices.run(context.stop.clone()));
    Ok(())
}

/// An alerter that has its rules and its notification channels.
pub struct Prepared {
    alerter: Alerter,
    notifiers: Notifiers,
    file: RulesFile,
    rules: watch::Sender<Arc<Rules>>,
}

/// What an alerter needs beside its settings.
pub struct Wiring {
    /// Where people see the page, without a trailing slash.
    pub page: String,
    /// Where alerts are published to.
    pub broker: BrokerUrl,
    /// This alerter's name among those that share the store.
    pub name: String,
    /// What its deliveries were decoded by.
    pub decoder: Decoder,
}

/// Reads the rules and sets up the notification channels.
///
/// # Errors
/// A setting, a template or the rules are wrong.
pub fn prepare(context: &Context, store: Arc<dyn Store>, wiring: Wiring) -> anyhow::Result<Prepared> {
    let (Context { settings, metrics, .. }, clock) = (context, context.clock.clone());
    let file = RulesFile::from_settings(settings)?;
    let mailer = Mailer::from_settings(settings)?;
    let (rules, in_force) = watch::channel(Arc::new(file.read()?));
    let notifiers = notifiers(context, mailer, store.clone(), &wiring)?;
    let counters = Counters::register(metrics);
    let Wiring { name, decoder, .. } = wiring;
    let alerter = Alerter { rules: in_force, store, counters, name, clock, decoder };
    Ok(Prepared { alerter, notifiers, file, rules })
}

fn notifiers(
    Context { settings, clock, .. }: &Context,
    mailer: Mailer,
    store: Arc<dyn Store>,
    wiring: &Wiring,
) -> anyhow::Result<Notifiers> {
    let Wiring { page, broker, name, decoder } = wiring;
    let folder: PathBuf = settings.get("alerter.templates")?;
    let folder = (!folder.as_os_str().is_empty()).then_some(folder);
    let wrong = |e: String| SettingError::new("alerter.templates", e);
    if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(wrong(format!("there is no folder {}", folder.display())).into());
    }
    let templates = Templates::load(folder.as_deref()).map_err(|e| wrong(e.to_string()))?;
    let inputs = decoder.inputs();
    let mqtt =
        Mqtt { url: broker.clone(), client_id: format!("millrace-alerts-{name}"), inputs: inputs.clone() };
    let webhook = Webhook::new(page.clone(), inputs.clone())?;
    let mail = Mail { mailer, templates, history: store, page: page.clone(), inputs, clock: clock.clone() };
    Ok(Notifiers::default()
        .with(Channel::Mail, Arc::new(mail))
        .with(Channel::Webhook, Arc::new(webhook))
        .with(Channel::Mqtt, Arc::new(mqtt)))
}

impl Prepared {
    /// Follows the file of rules from now on.
    #[must_use]
    pub fn start(self) -> (Alerter, Notifiers) {
        tokio::spawn(self.file.follow(self.rules, self.alerter.counters.clone()));
        (self.alerter, self.notifiers)
    }
}
