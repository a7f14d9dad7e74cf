//! The embedded MQTT broker (mqtt5): the only file that names it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use broker::BrokerUrl;
use mqtt5::broker::auth::{PasswordAuthProvider, RateLimitedAuthProvider};
use mqtt5::broker::config::{StorageConfig, WebSocketConfig};
use mqtt5::broker::{
    BrokerConfig, BrokerEventHandler, BrokerShutdownHandle, ClientConnectEvent, ClientDisconnectEvent,
    ClientPublishEvent, MqttBroker, PublishAction,
};
use service::SettingError;

use crate::hub::Hub;
use crate::settings::Mqtt;

/// Bytes in one packet, at most: payloads above the wire format's limit still arrive, to be kept as rejected.
const MAX_PACKET_BYTES: usize = 1024 * 1024;

const MAX_CLIENTS: usize = 10_000;

/// The user that the simulated sensors of this process connect as.
const OWN_USER: &str = "millrace";

/// A broker that listens; it serves once it is run.
pub(crate) struct EmbeddedBroker {
    broker: MqttBroker,
    pub(crate) address: SocketAddr,
    pub(crate) websocket_address: Option<SocketAddr>,
    /// Where this process itself connects.
    pub(crate) url: BrokerUrl,
}

/// Ends a running broker.
pub(crate) struct Stop(BrokerShutdownHandle);

impl Stop {
    pub(crate) fn now(&self) {
        self.0.shutdown();
    }
}

impl EmbeddedBroker {
    /// # Errors
    /// An address is taken, or the password file cannot be read.
    pub(crate) async fn bind(mqtt: &Mqtt, folder: &Path, hub: Arc<Hub>) -> anyhow::Result<Self> {
        check_free("mqtt.listen", mqtt.listen).await?;
        let mut config = BrokerConfig::default()
            .with_bind_address(mqtt.listen)
            .with_max_clients(MAX_CLIENTS)
            .with_max_packet_size(MAX_PACKET_BYTES)
            .with_storage(StorageConfig::default().with_base_dir(folder.to_owned()));
        config.event_handler = Some(Arc::new(Publishes { hub }));
        if let Some(listen) = mqtt.websocket_listen {
            check_free("mqtt.websocket_listen", listen).await?;
            config = config.with_websocket(WebSocketConfig::default().with_bind_address(listen));
        }
        let mut broker = MqttBroker::with_config(config).await.context("start the MQTT broker")?;
        let mut credentials = None;
        if let Some(path) = &mqtt.password_file {
            let (users, password) = users(path).await?;
            // Too many wrong passwords are refused for a while: checking each costs much time.
            broker = broker
                .with_auth_provider(Arc::new(RateLimitedAuthProvider::with_default_limits(Arc::new(users))));
            credentials = Some((OWN_USER.to_owned(), password));
        }
        let address = broker.local_addr().context("the MQTT broker has no address")?;
        let websocket_address = broker.ws_local_addr();
        let url = BrokerUrl { host: own_host(address), port: address.port(), credentials };
        Ok(Self { broker, address, websocket_address, url })
    }

    pub(crate) fn stop(&self) -> Stop {
        Stop(self.broker.shutdown_handle())
    }

    /// Serves until stopped.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        self.broker.run().await.context("the MQTT broker ended")
    }
}

/// The broker's own message does not say which setting to change, and lets a WebSocket that cannot listen pass.
async fn check_free(setting: &str, address: SocketAddr) -> Result<(), SettingError> {
    service::bind(setting, address).await.map(drop)
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

async fn users(path: &Path) -> anyhow::Result<(PasswordAuthProvider, String)> {
    let problem = |e| SettingError::new("mqtt.password_file", e);
    let users = PasswordAuthProvider::from_file(path).await.map_err(problem)?;
    let password = format!("{:032x}", rand::random::<u128>());
    users.add_user(OWN_USER, &password).map_err(problem)?;
    Ok((users, password))
}

/// The hash of a password as the password file holds it.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    PasswordAuthProvider::hash_password(password).map_err(|e| anyhow!("hash the password: {e}"))
}

/// Hands each publish to the hub: the broker sends the PUBACK when this returns. Tells it who comes and goes, too.
struct Publishes {
    hub: Arc<Hub>,
}

impl BrokerEventHandler for Publishes {
    fn on_client_connect<'a>(
        &'a self,
        _: ClientConnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async { self.hub.connected() })
    }

    fn on_client_disconnect<'a>(
        &'a self,
        _: ClientDisconnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async { self.hub.disconnected() })
    }

    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            // An empty retained message takes back the one before: it is no reading.
            if !(event.retain && event.payload.is_empty()) {
                self.hub.take(&event.topic, event.payload).await;
            }
            PublishAction::Continue
        })
    }
}
