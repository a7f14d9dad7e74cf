//! Where a service that runs on its own takes readings from, and where it keeps what it must not lose.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::{BrokerUrl, ConnectionStatus, Deliveries, Delivery, Qos, Queue, Subscription};
use serde::Deserialize;
use store::{Location, Store};
use telemetry::{CollectedMetrics, Decoded, Message};
use tokio::sync::{mpsc, watch};

use crate::{Check, Context, SettingError, Settings};

/// The broker in the setting `amqp.url` or `mqtt.url`.
#[derive(Debug)]
pub struct Source {
    way: Way,
    link: watch::Sender<ConnectionStatus>,
}

#[derive(Debug)]
enum Way {
    Amqp(Queue),
    Mqtt(Subscription),
}

#[derive(Deserialize)]
#[serde(transparent)]
struct IdleTimeout(#[serde(with = "humantime_serde")] Duration);

impl Source {
    /// Every message until it is settled: from the queue of the service's name where `amqp.url` is set, else from a
    /// persistent MQTT session.
    ///
    /// `ahead` is how many messages the broker sends before the first of them is settled.
    ///
    /// # Errors
    /// `amqp.url`, `mqtt.url`, `mqtt.idle_timeout` or `metrics` is wrong.
    pub fn every_message(settings: &Settings, service: &str, ahead: u16) -> Result<Self, SettingError> {
        let url: String = settings.get("amqp.url")?;
        if url.is_empty() {
            return Ok(Self::over(Way::Mqtt(subscription(settings, service, Qos::AtLeastOnce)?)));
        }
        let url = url.parse().map_err(|e| SettingError::new("amqp.url", e))?;
        let (name, connection_name) = (service.to_owned(), format!("millrace-{service}"));
        Ok(Self::over(Way::Amqp(Queue { url, name, prefetch: ahead, connection_name })))
    }

    /// What is published while we listen, over MQTT.
    ///
    /// # Errors
    /// `mqtt.url`, `mqtt.idle_timeout` or `metrics` is wrong.
    pub fn newest_messages(settings: &Settings, service: &str) -> Result<Self, SettingError> {
        Ok(Self::over(Way::Mqtt(subscription(settings, service, Qos::AtMostOnce)?)))
    }

    fn over(way: Way) -> Self {
        Self { way, link: watch::Sender::default() }
    }

    /// How the connection is doing, from now on.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<ConnectionStatus> {
        self.link.subscribe()
    }

    /// The deliveries, and the task that receives them until the context's stop. Readiness follows the connection. At
    /// most `ahead` messages wait to be decoded.
    ///
    /// A service receives `Decoded` where only it has the message, or `Arc<Decoded>` where it may be shared.
    pub fn open<D: From<Decoded>>(
        self,
        ahead: usize,
        context: &Context,
    ) -> (Deliveries<D>, impl Future<Output = ()>) {
        let (out, messages) = mpsc::channel(ahead);
        // In a cluster a payload is decoded here and nowhere else.
        let deliveries = Deliveries::decoded(messages, |message: Message| message.decode().into());
        (deliveries, self.consume(out, context))
    }

    async fn consume(self, out: mpsc::Sender<Delivery<Message>>, context: &Context) {
        let followed = follow(self.link.subscribe(), context.health.check("broker"));
        let stop = context.stop.clone();
        let consumed = async {
            match self.way {
                Way::Amqp(queue) => Box::pin(broker::consume_queue(queue, out, self.link, stop)).await,
                Way::Mqtt(subscription) => broker::consume(subscription, out, self.link, stop).await,
            }
        };
        tokio::select! { () = consumed => {}, () = followed => {} }
    }
}

fn subscription(settings: &Settings, service: &str, qos: Qos) -> Result<Subscription, SettingError> {
    let url: String = settings.get("mqtt.url")?;
    let url: BrokerUrl = url.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    let IdleTimeout(idle_timeout) = settings.get("mqtt.idle_timeout")?;
    if idle_timeout < Duration::from_secs(1) {
        return Err(SettingError::new("mqtt.idle_timeout", "must be at least 1s"));
    }
    let collected: CollectedMetrics = settings.get("metrics")?;
    let client_id = format!("millrace-{service}");
    Ok(Subscription { url, client_id, filters: collected.filters().collect(), qos, idle_timeout })
}

/// Ends only with the connection's task.
async fn follow(mut link: watch::Receiver<ConnectionStatus>, check: Check) {
    loop {
        {
            let link = link.borrow_and_update();
            match (link.connected, &link.problem) {
                (true, _) => check.pass(),
                (false, Some(problem)) => check.fail(problem.as_str()),
                (false, None) => check.fail("not connected yet"),
            }
        }
        if link.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The store in the setting `store.url`, or the file in `data_dir`.
///
/// # Errors
/// A setting is wrong, or the file cannot be opened. A database that is away is no error: the store's calls say so.
pub async fn store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let url: String = settings.get("store.url")?;
    let location = if url.is_empty() {
        Location::File(data_dir(settings)?.join(store::FILE))
    } else {
        Location::Postgres(url.parse().map_err(|e| SettingError::new("store.url", e))?)
    };
    store::open(&location).await
}

/// The folder in the setting `data_dir`, created and known to be writable.
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
    std::fs::create_dir_all(&folder).map_err(problem)?;
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe)).map_err(problem)?;
    Ok(folder)
}

/// How people reach the page: the setting `http.public_url`, or the address that is listened on.
///
/// # Errors
/// The setting is no URL.
pub fn page_url(settings: &Settings, listen: SocketAddr) -> Result<String, SettingError> {
    let public: String = settings.get("http.public_url")?;
    match public.trim_end_matches('/') {
        "" => Ok(format!("http://{listen}")),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
        _ => Err(SettingError::new("http.public_url", "write http://HOST or https://HOST")),
    }
}
