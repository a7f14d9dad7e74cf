//! The source of readings and the store of a service that runs as a process of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::{BrokerUrl, ConnectionStatus, Deliveries, Delivery, Published, Qos, Subscription};
use prometheus_client::metrics::counter::Counter;
use serde::Deserialize;
use store::{Location, Store};
use telemetry::{Clock, Decoded, Publisher};
use tokio::sync::{mpsc, watch};

use crate::{Check, Context, Decoder, Retry, SettingError, Settings, UnknownDevices};

/// Within this time every service has seen a change of the registry.
const JUDGED_WITHIN: Duration = Duration::from_secs(5);

/// The broker in the setting `amqp.url` or `mqtt.url`.
#[derive(Debug)]
pub struct Source {
    transport: Transport,
    status: watch::Sender<ConnectionStatus>,
    registry_delay: Duration,
}

#[derive(Debug)]
enum Transport {
    #[cfg(feature = "amqp")]
    Amqp(broker::Queue),
    Mqtt(Subscription),
}

#[derive(Deserialize)]
#[serde(transparent)]
struct IdleTimeout(#[serde(with = "humantime_serde")] Duration);

impl Source {
    /// Every message, again until it is settled: from the queue with the service's name if `amqp.url` is set, else from
    /// a persistent MQTT session.
    ///
    /// `ahead` is how many messages the broker sends before the first of them is settled.
    ///
    /// # Errors
    /// `amqp.url`, `mqtt.url` or `mqtt.idle_timeout` is wrong.
    pub fn every_message(
        context: &Context,
        decoder: &Decoder,
        service: &str,
        ahead: u16,
    ) -> Result<Self, SettingError> {
        let settings = &context.settings;
        let url: String = settings.get("amqp.url")?;
        if url.is_empty() {
            let filters = decoder.inputs().borrow().filters();
            let subscription = subscription(context, service, filters, Qos::AtLeastOnce)?;
            return Ok(Self::over(Transport::Mqtt(subscription)));
        }
        Self::queue(&url, service, ahead)
    }

    #[cfg(feature = "amqp")]
    fn queue(url: &str, service: &str, ahead: u16) -> Result<Self, SettingError> {
        let url = url.parse().map_err(|e| SettingError::new("amqp.url", e))?;
        let (name, connection_name) = (service.to_owned(), format!("millrace-{service}"));
        Ok(Self::over(Transport::Amqp(broker::Queue { url, name, prefetch: ahead, connection_name })))
    }

    #[cfg(not(feature = "amqp"))]
    fn queue(_: &str, _: &str, _: u16) -> Result<Self, SettingError> {
        Err(SettingError::new("amqp.url", "this program was built without AMQP: set mqtt.url instead"))
    }

    /// The messages that are published while this service listens, over MQTT: all of them, so that what no rule reads is
    /// seen, too.
    ///
    /// # Errors
    /// `mqtt.url` or `mqtt.idle_timeout` is wrong.
    pub fn newest_messages(context: &Context, service: &str) -> Result<Self, SettingError> {
        let subscription = subscription(context, service, vec!["#".to_owned()], Qos::AtMostOnce)?;
        Ok(Self::over(Transport::Mqtt(subscription)))
    }

    fn over(transport: Transport) -> Self {
        Self { transport, status: watch::Sender::default(), registry_delay: Duration::ZERO }
    }

    /// Takes devices for registered only once those that judge their readings do: otherwise one could be stored that
    /// nobody judges.
    #[must_use]
    pub fn judged_elsewhere(self) -> Self {
        Self { registry_delay: JUDGED_WITHIN, ..self }
    }

    /// The status of the connection, from now on.
    #[must_use]
    pub fn connection_status(&self) -> watch::Receiver<ConnectionStatus> {
        self.status.subscribe()
    }

    /// The deliveries, and the task that receives them until the context's stop, once the store has said what devices
    /// announced, and follows the decoder's rules
    /// meanwhile. Readiness follows the connection. At most `ahead` messages wait to be decoded.
    ///
    /// A service receives `Decoded` where only it has the message, or `Arc<Decoded>` where it may be shared.
    pub fn open<D: From<Decoded>>(
        self,
        ahead: usize,
        decoder: Decoder,
        store: Arc<dyn Store>,
        context: &Context,
    ) -> (Deliveries<D>, impl Future<Output = ()>) {
        let Self { transport, status, registry_delay } = self;
        let (out, messages) = mpsc::channel(ahead);
        let following = decoder.clone();
        // RabbitMQ says who published a message; over MQTT no broker does.
        let decode = move |message: Published| {
            let publisher = Publisher { client: message.client_id.as_deref(), user: None };
            let decoded = decoder.decode(&message, publisher);
            decoded.unwrap_or_else(|| message.without_readings()).into()
        };
        let consumed = consume(transport, out, status, context);
        let (check, stop) = (context.health.check("announcements"), context.stop.clone());
        let received = async move {
            // What comes is read by what devices announced before.
            let loaded = load(&following, store.as_ref(), check);
            if stop.run_until_cancelled(loaded).await.is_some() {
                tokio::select! {
                    () = consumed => {},
                    () = following.follow() => {},
                    () = follow_registry(&following, store.as_ref(), registry_delay) => {},
                }
            }
        };
        (Deliveries::decoded(messages, decode), received)
    }
}

/// Knows which devices are registered, and which were forgotten. Never ends.
async fn follow_registry(decoder: &Decoder, store: &dyn Store, delay: Duration) {
    let Some(registry) = decoder.registry() else { return std::future::pending().await };
    // Only where unknown devices are not accepted it matters who knows of one first.
    let delay = if registry.unknown() == UnknownDevices::Accept { Duration::ZERO } else { delay };
    let mut seen = None;
    loop {
        seen = Some(registry.changed(store, delay, seen).await.1);
    }
}

async fn load(decoder: &Decoder, store: &dyn Store, check: Check) {
    let load = || async {
        if let Some(registry) = decoder.registry() {
            registry.load(store).await?;
        }
        decoder.load(store).await
    };
    Retry::new(Counter::default()).with_readiness(check).call(load).await;
}

async fn consume(
    transport: Transport,
    out: mpsc::Sender<Delivery<Published>>,
    status: watch::Sender<ConnectionStatus>,
    context: &Context,
) {
    let skipped = context.metrics.of("broker").register(
        "skipped",
        "Messages that are no new readings: retained ones, which come with a subscription, and empty ones",
    );
    let followed = follow(status.subscribe(), context.health.check("broker"), skipped);
    let stop = context.stop.clone();
    let consumed = async {
        match transport {
            #[cfg(feature = "amqp")]
            Transport::Amqp(queue) => Box::pin(broker::consume_queue(queue, out, status, stop)).await,
            Transport::Mqtt(subscription) => broker::consume(subscription, out, status, stop).await,
        }
    };
    tokio::select! { () = consumed => {}, () = followed => {} }
}

fn subscription(
    context: &Context,
    service: &str,
    filters: Vec<String>,
    qos: Qos,
) -> Result<Subscription, SettingError> {
    let Context { settings, clock, .. } = context;
    let url: String = settings.get("mqtt.url")?;
    let url: BrokerUrl = url.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    let IdleTimeout(idle_timeout) = settings.get("mqtt.idle_timeout")?;
    if idle_timeout < Duration::from_secs(1) {
        return Err(SettingError::new("mqtt.idle_timeout", "must be at least 1s"));
    }
    let client_id = format!("millrace-{service}");
    Ok(Subscription { url, client_id, filters, qos, idle_timeout, clock: clock.clone() })
}

/// Keeps readiness and the counter of skipped messages in step with the connection. Never ends.
async fn follow(mut status: watch::Receiver<ConnectionStatus>, check: Check, skipped: Counter) {
    loop {
        {
            let status = status.borrow_and_update();
            skipped.inc_by(status.skipped.saturating_sub(skipped.get()));
            match (status.connected, &status.problem) {
                (true, _) => check.pass(),
                (false, Some(problem)) => check.fail(problem.as_str()),
                (false, None) => check.fail("not connected yet"),
            }
        }
        if status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The store in the setting `store.url`, or the file in `data_dir`.
///
/// # Errors
/// A setting is wrong, or the file cannot be opened. An unavailable database is no error here: the store's calls report it.
pub async fn store(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Store>> {
    let url: String = settings.get("store.url")?;
    let location = if url.is_empty() {
        Location::File(data_dir(settings)?.join(store::FILE))
    } else {
        Location::Postgres(url.parse().map_err(|e| SettingError::new("store.url", e))?)
    };
    store::open(&location, clock).await
}

/// The folder in the setting `data_dir`. It is created if needed, and checked to be writable.
///
/// # Errors
/// It cannot be created or written.
pub fn data_dir(settings: &Settings) -> Result<PathBuf, SettingError> {
    let folder: PathBuf = settings.get("data_dir")?;
    let problem = |e: std::io::Error| {
        SettingError::new(
            "data_dir",
            format!("cannot write in {}: {e}. Choose another folder", folder.display()),
        )
    };
    crate::private_folder(&folder).map_err(problem)?;
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe)).map_err(problem)?;
    Ok(folder)
}
