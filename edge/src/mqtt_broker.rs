//! The embedded MQTT broker: its server, its listeners, and whether a device would get a PUBACK.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::BrokerUrl;
use broker::server::{Access, Counters, Limits, Peer, Server, Upkeep};
use service::{Check, Connection, Door, Doors, Metrics, SettingError};
use tokio::time::{sleep, timeout};

use crate::access::{Everyone, Users};
use crate::hub::Hub;
use crate::settings::Mqtt;
use crate::websocket::WebSocket;

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
    door: Door,
    websocket: Option<Door>,
    pub(crate) address: SocketAddr,
    pub(crate) websocket_address: Option<SocketAddr>,
    /// Where this process itself connects.
    pub(crate) url: BrokerUrl,
}

impl EmbeddedBroker {
    /// # Errors
    /// An address is taken, or the password file cannot be read.
    pub(crate) fn bind(
        mqtt: &Mqtt,
        doors: &Doors,
        sessions: PathBuf,
        hub: Arc<Hub>,
        metrics: &Metrics,
    ) -> Result<Self, SettingError> {
        let door = doors.open("mqtt.listen", mqtt.listen)?;
        let websocket = mqtt.websocket_listen.map(|address| doors.open("mqtt.websocket_listen", address));
        let websocket = websocket.transpose()?;
        let (access, credentials): (Arc<dyn Access>, _) = match &mqtt.password_file {
            None => (Arc::new(Everyone), None),
            Some(path) => {
                let users = Users::read(path)?;
                let credentials = users.own_credentials();
                (Arc::new(users), Some(credentials))
            }
        };
        let counters = counters(metrics);
        let (server, upkeep) = Server::new(mqtt.server.clone(), access, hub, counters, Some(sessions));
        let (address, websocket_address) = (door.local_addr(), websocket.as_ref().map(Door::local_addr));
        let url = BrokerUrl { host: own_host(address), port: address.port(), credentials };
        Ok(Self { server, upkeep, door, websocket, address, websocket_address, url })
    }

    pub(crate) fn server(&self) -> Server {
        self.server.clone()
    }

    /// Returns once a publish was stored, judged and acknowledged.
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
        let Self { server, upkeep, door, websocket, .. } = self;
        let over_websocket = async {
            match websocket {
                Some(door) => accept(door, |connection| websocket_client(server.clone(), connection)).await,
                None => std::future::pending().await,
            }
        };
        let over_tcp = accept(door, |connection| client(server.clone(), connection));
        tokio::join!(upkeep.run(), over_tcp, over_websocket);
    }
}

/// Spawns a task for each connection.
async fn accept<F>(mut door: Door, serve: impl Fn(Connection) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        tokio::spawn(serve(door.next().await));
    }
}

async fn client(server: Server, connection: Connection) {
    let peer = Peer::plain(connection.address());
    server.serve(connection, peer).await;
}

async fn websocket_client(server: Server, connection: Connection) {
    let Limits { handshake_timeout, packet_bytes, .. } = server.limits().clone();
    let peer = Peer { websocket: true, ..Peer::plain(connection.address()) };
    let upgrade = WebSocket::accept(connection, packet_bytes);
    if let Ok(Ok(stream)) = timeout(handshake_timeout, upgrade).await {
        server.serve(stream, peer).await;
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
        not_collected: metrics.register("not_collected", "Messages of metrics that are not collected"),
        refused: metrics.register("refused", "What the broker refused, by the limit or rule"),
    }
}

/// Publishes now and then as a device would, and says whether that was stored, judged and acknowledged.
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
