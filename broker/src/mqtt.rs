//! Takes messages over MQTT 3.1.1: persistent session, manual acks, endless reconnect.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeFilter, SubscribeReasonCode,
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
    paid: bool,
    give_back: Arc<Notify>,
    _held: mpsc::Sender<Infallible>,
}

impl Ack {
    /// MQTT 3.1.1 has no negative answer: a rejected message is acked, one to retry comes with a new connection.
    pub(crate) async fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        if outcome != Outcome::Retry {
            self.client.ack(&self.publish).await.map_err(|_| Unsettled)?;
            self.paid = true;
        }
        Ok(())
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if !self.paid {
            self.give_back.notify_one();
        }
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
        if let End::Stop = end {
            link.send_modify(|link| link.connected = false);
            drop(out);
            connection.close().await;
            return;
        }
        // Whoever settles from now on learns that it is too late.
        drop(connection);
        link.send_modify(|link| link.connected = false);
        let wait = backoff.after(lasted);
        warn!(broker = %subscription.url, retry_in = ?wait, "connection ended: {end}");
        tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.cancelled() => {} }
    }
}

#[derive(Debug, thiserror::Error)]
enum End {
    #[error("stopped")]
    Stop,
    #[error("{}", explained(.0))]
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
    heard: watch::Sender<Instant>,
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
            heard: watch::Sender::new(Instant::now()),
            give_back: Arc::default(),
            held: mpsc::channel(1),
        }
    }

    async fn run(&mut self, out: &mpsc::Sender<Delivery<Message>>, stop: &CancellationToken) -> End {
        // Holds no more than the broker sends ahead of acks. The connection goes on answering meanwhile.
        let (arrived, arriving) = mpsc::unbounded_channel();
        let give_back = Arc::clone(&self.give_back);
        let silence = self.subscription.silence;
        let silent = silent(silence, self.heard.subscribe(), self.held.0.downgrade());
        tokio::select! {
            biased;
            () = stop.cancelled() => End::Stop,
            () = out.closed() => End::Stop,
            () = give_back.notified() => End::GiveBack,
            () = hand_over(arriving, out) => End::Stop,
            end = self.listen(out, &arrived) => end,
            () = silent => End::Silent(silence),
        }
    }

    async fn listen(
        &mut self,
        out: &mpsc::Sender<Delivery<Message>>,
        arrived: &mpsc::UnboundedSender<Delivery<Message>>,
    ) -> End {
        loop {
            match self.events.poll().await {
                Err(e) => return End::Lost(Box::new(e)),
                Ok(Event::Incoming(Packet::ConnAck(_))) => self.subscribe(),
                Ok(Event::Incoming(Packet::SubAck(ack))) => {
                    if let Some(refused) = self.refused(&ack.return_codes) {
                        return End::Refused(refused);
                    }
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => self.take(publish, out, arrived),
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

    fn take(
        &self,
        publish: Publish,
        out: &mpsc::Sender<Delivery<Message>>,
        arrived: &mpsc::UnboundedSender<Delivery<Message>>,
    ) {
        self.heard.send_replace(Instant::now());
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
            // The receiver ends only together with this connection.
            Quality::AtLeastOnce => drop(arrived.send(Delivery::mqtt(message, self.ack(publish)))),
        }
    }

    fn ack(&self, publish: Publish) -> Ack {
        Ack {
            client: self.client.clone(),
            publish: Publish { payload: bytes::Bytes::new(), ..publish },
            paid: false,
            give_back: Arc::clone(&self.give_back),
            _held: self.held.0.clone(),
        }
    }

    /// Sends the acks of all that was handed over, then says goodbye.
    async fn close(self) {
        let Self { client, mut events, held: (keep, mut held), .. } = self;
        drop(keep);
        if events.network.is_none() {
            return;
        }
        let goodbye = async {
            let none = held.recv().await;
            debug_assert!(none.is_none());
            let _ = client.disconnect().await;
            tokio::time::sleep(CLOSING).await;
        };
        let polling = async {
            while !matches!(events.poll().await, Err(_) | Ok(Event::Outgoing(Outgoing::Disconnect))) {}
        };
        tokio::select! { () = goodbye => {}, () = polling => {} }
    }
}

/// Hands over until nobody receives any more.
async fn hand_over(
    mut arriving: mpsc::UnboundedReceiver<Delivery<Message>>,
    out: &mpsc::Sender<Delivery<Message>>,
) {
    while let Some(delivery) = arriving.recv().await {
        if out.send(delivery).await.is_err() {
            return;
        }
    }
}

/// Resolves when there was no message for `silence`, and none is unsettled that the broker may be waiting for.
async fn silent(silence: Duration, heard: watch::Receiver<Instant>, held: mpsc::WeakSender<Infallible>) {
    loop {
        let due = *heard.borrow() + silence;
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        } else if held.strong_count() <= 1 {
            return;
        } else {
            tokio::time::sleep(silence).await;
        }
    }
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
