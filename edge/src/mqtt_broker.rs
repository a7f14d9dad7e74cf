//! The embedded MQTT broker: its server, its users, and whether a device would get a PUBACK.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::BrokerUrl;
use broker::server::{Access, Counters, Server, Traffic, Upkeep};
use service::{Check, Metrics, RegistryView, SettingError};
use store::Store;
use telemetry::Clock;
use tokio::time::{sleep, timeout};

use crate::access::{LoginRecorder, OWN_USER, Users};
use crate::hub::Hub;
use crate::listeners::{Addresses, Listeners};
use crate::settings::Mqtt;

/// How often a publish is tried, to know whether the broker is ready.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How long that publish may take to be stored and acknowledged.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is tried while it fails.
const PROBE_AGAIN: Duration = Duration::from_millis(500);

/// A broker that listens; it serves once it is run.
pub(crate) struct EmbeddedBroker {
    server: Server,
    upkeep: Upkeep,
    listeners: Listeners,
    users: Arc<Users>,
    logins: LoginRecorder,
    store: Arc<dyn Store>,
    /// Where devices connect.
    pub(crate) addresses: Addresses,
    /// Where this process itself connects.
    pub(crate) url: BrokerUrl,
}

impl EmbeddedBroker {
    /// # Errors
    /// The password file cannot be read, or a line of it is wrong.
    pub(crate) fn new(
        mqtt: &Mqtt,
        listeners: Listeners,
        sessions: PathBuf,
        hub: Arc<Hub>,
        (store, registry, clock): (Arc<dyn Store>, RegistryView, Arc<dyn Clock>),
        metrics: &Metrics,
    ) -> Result<Self, SettingError> {
        let (file, is_open) = (mqtt.password_file.as_deref(), !mqtt.asks_for_users());
        let (users, password) = Users::read(file, &mqtt.operators, is_open, registry, metrics)
            .map_err(|e| SettingError::new("mqtt.password_file", format!("{e:#}")))?;
        let (users, logins) = users.audited(mqtt.audited_logins_per_minute, (store.clone(), clock), metrics);
        let users = Arc::new(users);
        // This process names itself only where everyone has to.
        let credentials = (!users.is_open()).then(|| (OWN_USER.to_owned(), password));
        hub.ask(users.clone());
        let access: Arc<dyn Access> = users.clone();
        let counters = counters(metrics);
        let (server, upkeep) = Server::new(mqtt.server.clone(), access, hub, counters, Some(sessions));
        let upkeep = upkeep.with_statistics(mqtt.sys_interval);
        let addresses = listeners.addresses();
        let url =
            BrokerUrl { host: own_host(addresses.tcp), port: addresses.tcp.port(), credentials, tls: None };
        Ok(Self { server, upkeep, listeners, users, logins, store, addresses, url })
    }

    pub(crate) fn server(&self) -> Server {
        self.server.clone()
    }

    /// Returns once a publish was stored, evaluated and acknowledged.
    pub(crate) fn first_puback(&self) -> impl Future<Output = ()> + use<> {
        let (server, credentials) = (self.server.clone(), self.url.credentials.clone());
        async move {
            while server.probe(credentials.as_ref()).await.is_err() {
                sleep(PROBE_AGAIN).await;
            }
        }
    }

    /// Serves until it is dropped.
    pub(crate) async fn run(self) {
        let Self { server, upkeep, listeners, users, logins, store, .. } = self;
        let cut_off = |user: &str| server.cut_off(user);
        tokio::join!(
            upkeep.run(),
            logins.run(),
            listeners.run(server.clone()),
            users.follow(cut_off),
            users.follow_registry(store.as_ref(), cut_off)
        );
    }
}

/// A broker that listens everywhere is reached here at loopback.
fn own_host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => "127.0.0.1".into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => "[::1]".into(),
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

fn counters(metrics: &Metrics) -> Counters {
    let metrics = metrics.of("edge");
    Counters {
        connections: metrics.register("connections", "Clients that are connected to the broker"),
        sessions: metrics.register("sessions", "Sessions of clients, connected or not"),
        subscriptions: metrics.register("subscriptions", "Subscriptions of all clients"),
        retained: metrics.register("retained", "Topics that keep a retained message"),
        not_collected: metrics.register("not_collected", "Messages that hold no readings"),
        client_id_conflicts: metrics
            .register("client_id_conflicts", "Connections cut off by another device with their client id"),
        refused: metrics.register("refused", "What the broker refused, by the limit or rule"),
        ends: metrics.register("ends", "Connections that have ended, by the reason"),
        traffic: traffic(&metrics),
    }
}

fn traffic(metrics: &Metrics) -> Traffic {
    Traffic {
        connects: metrics.register("connects", "Connections whose CONNECT was accepted"),
        packets_received: metrics.register("packets_received", "MQTT packets that clients sent"),
        packets_sent: metrics.register("packets_sent", "MQTT packets that the broker sent"),
        publishes_received: metrics.register("publishes_received", "PUBLISH packets that clients sent"),
        publishes_sent: metrics.register("publishes_sent", "PUBLISH packets that the broker sent"),
        publishes_dropped: metrics
            .register("publishes_dropped", "Messages that a subscriber did not get, as too many wait for it"),
        bytes_received: metrics.register("bytes_received", "MQTT bytes that clients sent"),
        bytes_sent: metrics.register("bytes_sent", "MQTT bytes that the broker sent"),
    }
}

/// Publishes now and then as a device would, and says whether that was stored, evaluated and acknowledged.
pub(crate) async fn probe(server: Server, credentials: Option<(String, String)>, ready: Check) {
    loop {
        let wait = match timeout(PROBE_TIMEOUT, server.probe(credentials.as_ref())).await {
            Ok(Ok(())) => {
                ready.pass();
                PROBE_EVERY
            }
            Ok(Err(e)) => {
                ready.fail(format!("a publish was not acknowledged: {e}"));
                PROBE_AGAIN
            }
            Err(_) => {
                ready.fail(format!("a publish was not acknowledged within {PROBE_TIMEOUT:?}"));
                PROBE_AGAIN
            }
        };
        sleep(wait).await;
    }
}
