//! Receives messages over MQTT 3.1.1: persistent session, manual acks, endless reconnect.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, EventLoop, MqttOptions, TlsConfiguration, Transport};
use telemetry::{Clock, Message};
use tls::ClientTls;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) use self::connection::Ack;
use self::connection::{Connection, End};
use crate::backoff::Backoff;
use crate::connection_status::ConnectionStatus;
use crate::url::BrokerUrl;

/// Bytes in one MQTT packet that is sent, at most.
pub(crate) const MAX_PACKET_BYTES: usize = 1024 * 1024;

/// Bytes in one MQTT packet that is received, at most: a larger one ends the connection. Payloads above the wire format's
/// limit still arrive, to be rejected, and so does what gateways say of all their devices. The cluster's broker takes
/// packets of 8 MiB (`rabbitmq.conf`).
pub(crate) const MAX_RECEIVED_BYTES: usize = 9 * 1024 * 1024;

/// The keep-alive interval: a dead connection is noticed within twice this time.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long the broker may take to close after DISCONNECT.
const CLOSING: Duration = Duration::from_secs(1);

/// The topics to subscribe to over MQTT.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The broker.
    pub url: BrokerUrl,
    /// The name of the persistent session: a second consumer with the same name disconnects the first. With
    /// [`Qos::AtMostOnce`] there is no session, and the name gets a random suffix so that several may listen.
    pub client_id: String,
    /// MQTT topic filters.
    pub filters: Vec<String>,
    /// What is promised for each message.
    pub qos: Qos,
    /// After this time without a message the client reconnects and subscribes anew: some brokers keep a connection
    /// open whose subscriptions no longer deliver. Nothing is lost by it.
    pub idle_timeout: Duration,
    /// Gives each message its time: the broker says none.
    pub clock: Arc<dyn Clock>,
}

/// The promise of a subscription, as MQTT's quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// QoS 0: there is nothing to settle, and a receiver that cannot follow loses messages.
    AtMostOnce,
    /// QoS 1: every message is delivered until it is settled, across reconnects and restarts.
    AtLeastOnce,
}

/// A session that another client takes over is cut this soon after it began, as that one takes it back, too, ...
const TAKEN_OVER: Duration = Duration::from_secs(30);

/// ... and again and again.
const TAKEN_OVER_TIMES: u32 = 3;

fn taken_over(end: &End, subscription: &Subscription) -> String {
    format!(
        "{end}: connected and cut again and again: another consumer named {} may be running, and a broker lets only one \
         of a name in",
        subscription.client_id
    )
}

/// Receives messages until `stop`, then waits until everything that was handed over is settled. A message that is
/// delivered at most once has no ack.
pub(crate) async fn consume<D: From<(Message, Option<Ack>)>>(
    mut subscription: Subscription,
    out: mpsc::Sender<D>,
    status: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    if subscription.qos == Qos::AtMostOnce {
        subscription.client_id += &format!("-{:08x}", rand::random::<u32>());
    }
    let (mut backoff, mut cut_soon) = (Backoff::default(), 0);
    while !stop.is_cancelled() && !out.is_closed() {
        let mut connection = Connection::new(&subscription, &status);
        let end = connection.run(&out, &stop).await;
        let lasted = connection.lasted();
        if let End::Stop = end {
            status.send_modify(|status| status.disconnected(None));
            drop(out);
            connection.close().await;
            return;
        }
        // From now on settling fails: it is too late.
        drop(connection);
        let is_soon = (Duration::from_nanos(1)..TAKEN_OVER).contains(&lasted);
        cut_soon = if is_soon && matches!(end, End::Lost(_)) { cut_soon + 1 } else { 0 };
        let end = if cut_soon < TAKEN_OVER_TIMES { end.to_string() } else { taken_over(&end, &subscription) };
        status.send_modify(|status| status.disconnected(Some(format!("{}: {end}", subscription.url))));
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

/// Waits for the broker to close the connection after our DISCONNECT, within a limit.
pub(crate) async fn hung_up(events: &mut EventLoop) {
    within_closing(drained(events)).await;
}

/// Waits for the end of a connection as long as a broker may take to close it.
pub(crate) async fn within_closing(end: impl Future<Output = ()>) {
    let _ = tokio::time::timeout(CLOSING, end).await;
}

/// A client and its event loop, with room for this many requests.
pub(crate) fn client(options: MqttOptions, room: usize) -> (AsyncClient, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, room);
    let mut network = events.network_options();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}

/// Explains why a connection ended, and what to do about it.
pub(crate) fn explained(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker refused the connection ({code:?}): check user, password and rights")
        }
        other => other.to_string(),
    }
}

/// TLS as a broker's URL asks for it.
pub(crate) fn transport(tls: &ClientTls) -> Transport {
    Transport::tls_with_config(TlsConfiguration::Rustls(tls.config()))
}

pub(crate) fn options(url: &BrokerUrl, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, url.host.trim_matches(['[', ']']), url.port);
    if let Some((user, password)) = &url.credentials {
        options.set_credentials(user, password);
    }
    if let Some(tls) = &url.tls {
        options.set_transport(transport(tls));
    }
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(MAX_RECEIVED_BYTES, MAX_PACKET_BYTES);
    options
}
