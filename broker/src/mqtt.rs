//! Takes messages over MQTT 3.1.1: persistent session, manual acks, endless reconnect.

mod connection;

use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, EventLoop, MqttOptions};
use telemetry::Message;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) use self::connection::Ack;
use self::connection::{Connection, End};
use crate::{Backoff, BrokerUrl, ConnectionStatus, Delivery};

/// Bytes in one MQTT packet, at most; payloads above the wire format's limit still arrive, to be rejected.
pub(crate) const MAX_PACKET_BYTES: usize = 1024 * 1024;

/// How often an idle connection is tried; one that is dead is noticed within twice this time.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long a closing connection may take to say so.
const CLOSING: Duration = Duration::from_secs(1);

/// What to take, and from where.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub url: BrokerUrl,
    /// Names the persistent session: two consumers with one name push each other off. A subscription at most once has
    /// no session, and its name gets a random end, so that several may listen.
    pub client_id: String,
    pub filters: Vec<String>,
    pub qos: Qos,
    /// Without a message for this long, the connection is made anew with fresh subscriptions: some brokers keep
    /// a connection up whose subscriptions have gone silent. Nothing is lost by it.
    pub silence: Duration,
}

/// Which promise a subscription makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// The newest message or nothing: nothing is settled, and a full receiver loses messages.
    AtMostOnce,
    /// Every message until it is settled, over reconnects and restarts.
    AtLeastOnce,
}

/// Takes messages until `stop`, then waits until all that was handed over is settled.
///
/// Ends early only when nobody receives any more.
pub async fn consume(
    mut subscription: Subscription,
    out: mpsc::Sender<Delivery<Message>>,
    link: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    if subscription.qos == Qos::AtMostOnce {
        subscription.client_id += &format!("-{:08x}", rand::random::<u32>());
    }
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() && !out.is_closed() {
        let mut connection = Connection::new(&subscription, &link);
        let end = connection.run(&out, &stop).await;
        let lasted = connection.lasted();
        if let End::Stop = end {
            link.send_modify(|link| link.disconnected(None));
            drop(out);
            connection.close().await;
            return;
        }
        // Whoever settles from now on learns that it is too late.
        drop(connection);
        link.send_modify(|link| link.disconnected(Some(format!("{}: {end}", subscription.url))));
        let wait = backoff.after(lasted);
        warn!(broker = %subscription.url, retry_in = ?wait, "connection ended: {end}");
        tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.cancelled() => {} }
    }
}

/// Resolves when the broker has ended the connection too. Ending it earlier, with something unread, would reset it
/// and throw away what the broker has not yet read.
async fn drained(events: &mut EventLoop) {
    while events.poll().await.is_ok() {}
}

/// Waits a moment for the broker to end a connection that has said DISCONNECT.
pub(crate) async fn hung_up(events: &mut EventLoop) {
    let _ = tokio::time::timeout(CLOSING, drained(events)).await;
}

/// A connection in the making, with room for so many requests.
pub(crate) fn client(options: MqttOptions, room: usize) -> (AsyncClient, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, room);
    let mut network = events.network_options();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}

/// What a person can do about a connection's end.
pub(crate) fn explained(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker refused the connection ({code:?}): check user, password and rights")
        }
        other => other.to_string(),
    }
}

pub(crate) fn options(url: &BrokerUrl, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, url.host.trim_matches(['[', ']']), url.port);
    if let Some((user, password)) = &url.credentials {
        options.set_credentials(user, password);
    }
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    options
}
