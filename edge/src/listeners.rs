//! Where MQTT comes in: over TCP, TLS and WebSocket. Each connection is served in a task of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::server::{Peer, Server};
use service::{Connection, Door, Doors, HttpConfig, Metrics, SettingError, Tls};
use tokio_util::sync::CancellationToken;

use crate::settings::Mqtt;
use crate::websocket::{self, Origins};

/// Listeners that are open; they serve once they are run.
pub(crate) struct Listeners {
    tcp: Door,
    tls: Option<Door>,
    websocket: Option<Door>,
    websocket_tls: Option<Door>,
    certificate: Option<Arc<Tls>>,
    origins: Origins,
    handshake_timeout: Duration,
}

/// Where they listen, with their ports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) websocket: Option<SocketAddr>,
    pub(crate) websocket_tls: Option<SocketAddr>,
}

impl Listeners {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// An address is taken, or a TLS file is wrong.
    pub(crate) fn open(
        mqtt: &Mqtt,
        doors: &Doors,
        origins: Origins,
        metrics: &Metrics,
    ) -> Result<Self, SettingError> {
        let open = |setting: &str, address: Option<SocketAddr>| {
            address.map(|address| doors.open(setting, address)).transpose()
        };
        let certificate = mqtt.tls.clone().map(|files| Tls::read(files, metrics)).transpose()?;
        Ok(Self {
            tcp: doors.open("mqtt.listen", mqtt.listen)?,
            tls: open("mqtt.tls_listen", mqtt.tls_listen)?,
            websocket: open("mqtt.websocket_listen", mqtt.websocket_listen)?,
            websocket_tls: open("mqtt.websocket_tls_listen", mqtt.websocket_tls_listen)?,
            certificate: certificate.map(Arc::new),
            origins,
            handshake_timeout: mqtt.server.handshake_timeout,
        })
    }

    pub(crate) fn addresses(&self) -> Addresses {
        let address = |door: &Option<Door>| door.as_ref().map(Door::local_addr);
        Addresses {
            tcp: self.tcp.local_addr(),
            tls: address(&self.tls),
            websocket: address(&self.websocket),
            websocket_tls: address(&self.websocket_tls),
        }
    }

    /// Serves until it is dropped.
    pub(crate) async fn run(self, server: Server) {
        let Self { tcp, tls, websocket, websocket_tls, certificate, origins, handshake_timeout } = self;
        let stop = CancellationToken::new();
        let _stopped = stop.clone().drop_guard();
        let over_websocket = |door: Option<Door>, tls: Option<Arc<Tls>>| {
            let routes = websocket::route(server.clone(), origins.clone());
            let stop = stop.clone();
            async move {
                if let Some(door) = door {
                    let config = HttpConfig {
                        idle_timeout: handshake_timeout,
                        ..HttpConfig::admin(door.local_addr())
                    };
                    service::serve_http(door, tls, routes, config, stop).await;
                }
            }
        };
        let follow = async {
            if let Some(tls) = &certificate {
                tls.follow(stop.clone()).await;
            }
        };
        tokio::join!(
            over_tcp(tcp, server.clone()),
            over_tls(tls.zip(certificate.clone()), server.clone()),
            over_websocket(websocket, None),
            over_websocket(websocket_tls, certificate.clone()),
            follow,
        );
    }
}

async fn over_tcp(mut door: Door, server: Server) {
    loop {
        let (connection, server) = (door.next().await, server.clone());
        let peer = Peer::plain(connection.address());
        tokio::spawn(async move { Box::pin(server.serve(connection, peer)).await });
    }
}

async fn over_tls(listener: Option<(Door, Arc<Tls>)>, server: Server) {
    let Some((mut door, tls)) = listener else { return };
    loop {
        let connection = door.next().await;
        tokio::spawn(serve_tls(connection, tls.clone(), server.clone()));
    }
}

async fn serve_tls(connection: Connection, tls: Arc<Tls>, server: Server) {
    let address = connection.address();
    match tls.accept(connection).await {
        Ok((stream, certificate_name)) => {
            let peer = Peer { address, tls: true, certificate_name, websocket: false };
            Box::pin(server.serve(stream, peer)).await;
        }
        Err(e) => tracing::debug!(%address, "a TLS handshake failed: {e}"),
    }
}
