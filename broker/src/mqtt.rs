//! Takes messages over MQTT 3.1.1: persistent session, manual acks, endless reconnect.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use telemetry::Message;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Backoff, BrokerUrl, Delivery, Outcome, Unsettled};

/// Bytes in one MQTT packet, at most; payloads above the wire format's limit still arrive, to be rejected.
pub(crate) const MAX_PACKET_BYTES: usize = 1024 * 1024;

/// How often an idle connection is tried; one that is dead is noticed within twice this time.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Acks that may wait for the connection.
const ACKS_AHEAD: usize = 1024;

/// How long a closing connection may take to say so.
const CLOSING: Duration = Duration::from_secs(1);

/// What to take, and from where.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub url: BrokerUrl,
    /// Names the persistent session: two consumers with one name push each other off.
    pub client_id: String,
    pub filters: Vec<String>,
    pub quality: Quality,
    /// Without a message for this long, the connection is made anew with fresh subscriptions: some brokers keep
    /// a connection up whose subscriptions have gone silent. Nothing is lost by it.
    pub silence: Duration,
}

/// Which promise a subscription makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// The newest message or nothing: nothing is settled, and a full receiver loses messages.
    AtMostOnce,
    /// Every message until it is settled, over reconnects and restarts.
    AtLeastOnce,
}

/// How the connection is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    pub connected: bool,
    /// Grows whenever messages may have been missed: what is shown is to be read from the store again.
    pub gaps: u64,
}

/// The debt of one MQTT message: a PUBACK on the connection it came over.
#[derive(Debug)]
pub(crate) struct Ack {
    client: AsyncClient,
    publish: Publish,
    give_back: Arc<Notify>,
    _held: mpsc::Sender<Infallible>,
}

impl Ack {
    /// MQTT 3.1.1 has no negative answer: a rejected message is acked, one to retry comes with a new connection.
    pub(crate) async fn settle(self, outcome: Outcome) -> Result<(), Unsettled> {
        if outcome == Outcome::Retry {
            self.give_back.notify_one();
            return Ok(());
        }
        self.client.ack(&self.publish).await.map_err(|_| Unsettled)
    }
}

/// Takes messages until `stop`, then waits until all that was handed over is settled.
///
/// Ends early only when nobody receives any more.
pub async fn consume(
    subscription: Subscription,
    out: mpsc::Sender<Delivery<Message>>,
    link: watch::Sender<Link>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() && !out.is_closed() {
        let mut connection = Connection::new(&subscription, &link);
        let end = connection.run(&out, &stop).await;
        let lasted = connection.since.map_or(Duration::ZERO, |since| since.elapsed());
        link.send_modify(|link| link.connected = false);
        if let End::Stop = end {
            drop(out);
            connection.close().await;
            return;
        }
        let wait = backoff.after(lasted);
        warn!(broker = %subscription.url, retry_in = ?wait, "connection ended: {end}");
        tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.cancelled() => {} }
    }
}

#[derive(Debug, thiserror::Error)]
enum End {
    #[error("stopped")]
    Stop,
    #[error("{0}")]
    Lost(#[from] Box<ConnectionError>),
    #[error("no message for {0:?}: subscribing anew")]
    Silent(Duration),
    #[error("a message is to be delivered again")]
    GiveBack,
    #[error("the broker refused the subscription {0}: check the rights of this user")]
    Refused(String),
}

/// One connection with its own event loop: discarding both together is what makes cancelling a poll safe.
struct Connection<'a> {
    subscription: &'a Subscription,
    link: &'a watch::Sender<Link>,
    client: AsyncClient,
    events: EventLoop,
    since: Option<Instant>,
    give_back: Arc<Notify>,
    held: (mpsc::Sender<Infallible>, mpsc::Receiver<Infallible>),
}

impl<'a> Connection<'a> {
    fn new(subscription: &'a Subscription, link: &'a watch::Sender<Link>) -> Self {
        let mut options = options(&subscription.url, &subscription.client_id);
        options.set_clean_session(subscription.quality == Quality::AtMostOnce);
        options.set_manual_acks(true);
        let (client, events) = AsyncClient::new(options, ACKS_AHEAD);
        Self {
            subscription,
            link,
            client,
            events,
            since: None,
            give_back: Arc::default(),
            held: mpsc::channel(1),
        }
    }

    async fn run(&mut self, out: &mpsc::Sender<Delivery<Message>>, stop: &CancellationToken) -> End {
        let mut silent_at = Instant::now() + self.subscription.silence;
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return End::Stop,
                () = out.closed() => return End::Stop,
                () = self.give_back.notified() => return End::GiveBack,
                event = self.events.poll() => event,
                () = tokio::time::sleep_until(silent_at) => return End::Silent(self.subscription.silence),
            };
            match event {
                Err(e) => return End::Lost(Box::new(e)),
                Ok(Event::Incoming(Packet::ConnAck(_))) => self.subscribe(),
                Ok(Event::Incoming(Packet::SubAck(ack))) => {
                    if let Some(refused) = self.refused(&ack.return_codes) {
                        return End::Refused(refused);
                    }
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    silent_at = Instant::now() + self.subscription.silence;
                    self.hand_over(publish, out).await;
                }
                Ok(_) => {}
            }
        }
    }

    fn subscribe(&mut self) {
        let qos = match self.subscription.quality {
            Quality::AtMostOnce => QoS::AtMostOnce,
            Quality::AtLeastOnce => QoS::AtLeastOnce,
        };
        let filters = self.subscription.filters.iter().map(|f| SubscribeFilter::new(f.clone(), qos));
        if let Err(e) = self.client.try_subscribe_many(filters) {
            warn!("cannot subscribe: {e}");
        }
    }

    fn refused(&mut self, codes: &[SubscribeReasonCode]) -> Option<String> {
        let refused = codes.iter().position(|code| matches!(code, SubscribeReasonCode::Failure));
        if refused.is_none() {
            info!(broker = %self.subscription.url, filters = ?self.subscription.filters, "subscribed");
            self.since = Some(Instant::now());
            self.link.send_modify(|link| {
                link.connected = true;
                link.gaps += 1;
            });
        }
        refused.map(|index| self.subscription.filters.get(index).cloned().unwrap_or_default())
    }

    async fn hand_over(&self, publish: Publish, out: &mpsc::Sender<Delivery<Message>>) {
        let message = Message {
            topic: publish.topic.clone(),
            payload: publish.payload.clone(),
            received_at: Timestamp::now(),
        };
        match self.subscription.quality {
            Quality::AtMostOnce => {
                if out.try_send(Delivery::free(message)).is_err() {
                    self.link.send_modify(|link| link.gaps += 1);
                }
            }
            Quality::AtLeastOnce => {
                let ack = Ack {
                    client: self.client.clone(),
                    publish: Publish { payload: bytes::Bytes::new(), ..publish },
                    give_back: Arc::clone(&self.give_back),
                    _held: self.held.0.clone(),
                };
                // A receiver that is gone leaves the message unsettled, as it should be.
                let _ = out.send(Delivery::mqtt(message, ack)).await;
            }
        }
    }

    /// Sends the acks of all that was handed over, then says goodbye.
    async fn close(self) {
        let Self { client, mut events, held: (keep, mut held), .. } = self;
        drop(keep);
        loop {
            tokio::select! {
                none = held.recv() => { debug_assert!(none.is_none()); break }
                event = events.poll() => if event.is_err() { return },
            }
        }
        if client.try_disconnect().is_ok() {
            let _ = tokio::time::timeout(CLOSING, async { while events.poll().await.is_ok() {} }).await;
        }
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
