//! Publishes at QoS 1, each message again until its PUBACK.
//!
//! rumqttc alone drops pending publishes when a broker answers a reconnect with session_present = 0 and does not
//! say which publish a PUBACK belongs to. So every connection here has an event loop of its own, the entries live
//! outside of it, and all that is un-acked is queued again, in order, on each CONNACK.

mod line;
mod once;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::{LastWill, QoS};
use tokio::sync::{Notify, oneshot};
use tracing::{debug, warn};

use self::line::{Client, Heard, Options};
use self::state::{Entry, State};
use crate::mqtt::{MAX_PACKET_BYTES, options};
use crate::{Backoff, BrokerUrl};

/// Room in a packet for the topic and headers.
const HEADER_BYTES: usize = 1024;

/// Leaves room for the headers.
const MAX_TOPIC_BYTES: usize = 1000;

/// Where to publish, and how much may be un-acked.
#[derive(Debug, Clone)]
pub struct OutboxConfig {
    /// The broker.
    pub url: BrokerUrl,
    /// The MQTT client id: a second publisher with the same id disconnects the first.
    pub client_id: String,
    /// Publishes between the oldest un-acked one and the newest, at most: 1 to 10,000.
    pub window: u16,
    /// What is said about this publisher's presence. `None` says nothing.
    pub presence: Option<Presence>,
}

/// A retained topic that says whether this publisher is online. The broker publishes `offline` when the connection is
/// lost.
#[derive(Debug, Clone)]
pub struct Presence {
    /// The topic of both messages.
    pub topic: String,
    /// Published on each connection.
    pub online: Bytes,
    /// Published before the end, or by the broker when the connection is lost.
    pub offline: Bytes,
}

/// The publishes without a PUBACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unacked {
    /// The number of publishes.
    pub count: usize,
    /// Age of the oldest.
    pub oldest: Option<Duration>,
}

/// Why a message can never be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The payload is larger than a packet; holds its size in bytes.
    #[error("a payload of {0} bytes does not fit into an MQTT packet of {MAX_PACKET_BYTES} bytes")]
    TooLarge(usize),
    /// The topic is empty, too long, or has a wildcard.
    #[error("a topic to publish to has 1 to {MAX_TOPIC_BYTES} bytes, without + and #")]
    Topic,
}

/// A message that asks for an answer, and is of use for a while.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The topic of the answer; over MQTT 5 the receiver is told.
    pub reply_to: String,
    /// What the answer is known by; over MQTT 5 the receiver is told.
    pub correlation: String,
    /// How long the broker may keep it, in whole seconds; over MQTT 5 it is told.
    pub lasts: Duration,
    /// How long it may be published again while there is no PUBACK. Then it is given up, and has none.
    pub tries_for: Duration,
}

/// The PUBACK of one publish.
#[derive(Debug)]
pub struct Ack(oneshot::Receiver<Acked>);

/// What a PUBACK says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// The time since the message was put into the outbox.
    pub waited: Duration,
    /// Whether somebody takes the message, as far as the broker says so: MQTT 5 alone knows a PUBACK that says
    /// otherwise.
    pub answer: Answer,
}

/// What a broker says of a publish. Over MQTT 3.1.1 it says of each that it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Somebody takes it.
    Taken,
    /// Nobody subscribes to the topic, or no queue is bound to it (reason 0x10).
    NobodySubscribes,
    /// There is no room for it now (reason 0x97).
    QuotaExceeded,
    /// The publisher may not publish there (reason 0x87).
    NotAuthorized,
    /// Never as it is (reason 0x99).
    Refused,
    /// Not now, for some other reason.
    Failed,
}

impl Acked {
    /// Whether somebody takes the message.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.answer == Answer::Taken
    }
}

impl Ack {
    /// Waits for the PUBACK, however long the broker is unavailable. `None` if the outbox was dropped before.
    pub async fn acked(self) -> Option<Acked> {
        self.0.await.ok()
    }
}

/// Publishes messages, each again until its PUBACK. Clones share one connection and one window.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
    window: u64,
    presence: Option<Presence>,
}

impl OutboxConfig {
    /// The outbox, and the task that keeps its connection: spawn it. It ends after [`Outbox::close`].
    pub fn open(self) -> (Outbox, impl Future<Output = ()> + Send + 'static) {
        let mut options = options(&self.url, &self.client_id);
        // A publisher needs no session at the broker: un-acked messages are here.
        options.set_clean_session(true);
        options.set_inflight(self.in_flight());
        if let Some(presence) = &self.presence {
            options.set_last_will(LastWill::new(
                &presence.topic,
                presence.offline.to_vec(),
                QoS::AtLeastOnce,
                true,
            ));
        }
        self.with(Options::V311(Box::new(options)))
    }

    /// The same over MQTT 5 and without a presence: its PUBACKs say whether somebody takes a message. The broker must speak
    /// MQTT 5.
    pub fn open_over_mqtt_5(self) -> (Outbox, impl Future<Output = ()> + Send + 'static) {
        let options = Options::over_5(&self.url, &self.client_id, self.in_flight());
        Self { presence: None, ..self }.with(options)
    }

    /// Packet identifiers turn over later than the window, so that two un-acked publishes never share one.
    fn in_flight(&self) -> u16 {
        self.window.saturating_mul(2).max(16)
    }

    fn with(self, options: Options) -> (Outbox, impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
            window: u64::from(self.window.clamp(1, 10_000)),
            presence: self.presence,
        });
        (Outbox { shared: Arc::clone(&shared) }, drive(shared, options, self.url))
    }
}

impl Outbox {
    /// Puts a publish into the outbox; waits while the window is full.
    ///
    /// # Errors
    /// The message can never be published. The outbox goes on.
    pub async fn publish(&self, topic: &str, payload: Bytes) -> Result<Ack, PublishError> {
        self.add(topic, payload, |entry| entry).await
    }

    /// Puts a publish into the outbox that asks for an answer; waits while the window is full.
    ///
    /// # Errors
    /// The message can never be published. The outbox goes on.
    pub async fn ask(&self, topic: &str, payload: Bytes, asking: Asking) -> Result<Ack, PublishError> {
        self.add(topic, payload, |entry| entry.asking(Some(asking.clone()))).await
    }

    /// Puts a publish into the outbox that is given up where so many connections have ended without its PUBACK: it may be why
    /// they ended. Waits while the window is full.
    ///
    /// # Errors
    /// The message can never be published. The outbox goes on.
    pub async fn publish_over(
        &self,
        topic: &str,
        payload: Bytes,
        connections: u32,
    ) -> Result<Ack, PublishError> {
        self.add(topic, payload, |entry| entry.over_at_most(Some(connections))).await
    }

    async fn add(
        &self,
        topic: &str,
        payload: Bytes,
        with: impl Fn(Entry) -> Entry + Send,
    ) -> Result<Ack, PublishError> {
        check(topic, &payload)?;
        let (sender, receiver) = oneshot::channel();
        let mut sender = Some(sender);
        self.shared
            .until(|state| {
                state.give_up();
                let room = state.span() < self.shared.window;
                if room && let Some(acked) = sender.take() {
                    let entry = Entry::awaited(topic.to_owned(), payload.clone(), acked);
                    state.add(with(entry));
                }
                room
            })
            .await;
        Ok(Ack(receiver))
    }

    /// The publishes that have no PUBACK yet.
    #[must_use]
    pub fn unacked(&self) -> Unacked {
        let state = self.shared.state();
        let oldest = state.entries.values().next().map(|entry| entry.since.elapsed());
        Unacked { count: state.entries.len(), oldest }
    }

    /// Waits until everything published so far is acked.
    pub async fn flush(&self) {
        self.shared.until(|state| state.entries.is_empty()).await;
    }

    /// Waits until everything is acked, publishes `offline` if there is a presence, and disconnects.
    pub async fn close(self) {
        self.shared.state().leave(self.shared.presence.as_ref());
        self.flush().await;
        let mut state = self.shared.state();
        state.closing = true;
        state.hang_up();
        drop(state);
        self.shared.changed.notify_waiters();
    }
}

/// An entry that the client library refuses would stay in the outbox for ever.
fn check(topic: &str, payload: &Bytes) -> Result<(), PublishError> {
    if !(1..=MAX_TOPIC_BYTES).contains(&topic.len()) || topic.contains(['+', '#', '\0']) {
        return Err(PublishError::Topic);
    }
    if payload.len() > MAX_PACKET_BYTES - HEADER_BYTES {
        return Err(PublishError::TooLarge(payload.len()));
    }
    Ok(())
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the outbox")
    }

    /// Waits until the condition holds, which is checked after each change.
    async fn until(&self, mut condition: impl FnMut(&mut State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if condition(&mut self.state()) {
                return;
            }
            changed.await;
        }
    }

    fn connected(&self, client: &Client) {
        let mut state = self.state();
        state.client = Some(client.clone());
        state.entries.retain(|_, entry| !entry.is_presence() && !entry.is_tried_enough());
        state.give_up();
        let un_acked: Vec<u64> = state.entries.keys().copied().collect();
        if !state.leaving {
            state.say_presence(self.presence.as_ref());
        }
        un_acked.into_iter().for_each(|key| state.hand_over(key));
        if state.leaving {
            state.say_presence(self.presence.as_ref());
        }
        if state.closing {
            state.hang_up();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn disconnected(&self) {
        let mut state = self.state();
        state.client = None;
        state.handed.clear();
        state.on_wire.clear();
    }

    fn heard(&self, heard: Heard) {
        match heard {
            Heard::Numbered(packet_id) => self.numbered(packet_id),
            Heard::Acked { id, answer } => self.acked(id, answer),
            Heard::Connected | Heard::HungUp | Heard::Other => {}
        }
    }

    fn numbered(&self, packet_id: u16) {
        let mut state = self.state();
        if let Some(key) = state.handed.pop_front() {
            state.on_wire.insert(packet_id, key);
        }
    }

    fn acked(&self, packet_id: u16, answer: Answer) {
        let mut state = self.state();
        let Some(key) = state.on_wire.remove(&packet_id) else { return };
        let Some(entry) = state.entries.remove(&key) else { return };
        drop(state);
        if let Some(acked) = entry.acked {
            // The publisher may not wait for it.
            let _ = acked.send(Acked { waited: entry.since.elapsed(), answer });
        }
        self.changed.notify_waiters();
    }
}

/// Keeps the connection until the outbox is closed.
///
/// `service::Retry` cannot do this: it repeats one call until it succeeds. Here every connection ends some time, how long
/// it lasted decides on the pause, and closing the outbox ends the pause.
async fn drive(shared: Arc<Shared>, options: Options, url: BrokerUrl) {
    let mut backoff = Backoff::default();
    loop {
        let since = Instant::now();
        // Room for the whole window and for presence, so that handing over never waits.
        let (client, mut line) = options.clone().open(shared.window as usize + 16);
        let why = loop {
            match line.listen().await {
                Ok(Heard::Connected) => {
                    debug!(broker = %url, "connected for publishing");
                    shared.connected(&client);
                }
                Ok(Heard::HungUp) => return line.hung_up().await,
                Ok(heard) => shared.heard(heard),
                Err(e) => break e,
            }
        };
        // PUBACKs that arrived together with the end of the connection count as well.
        line.last().into_iter().for_each(|heard| shared.heard(heard));
        shared.disconnected();
        if shared.state().closing {
            return;
        }
        let wait = backoff.after(since.elapsed());
        let un_acked = shared.state().entries.len();
        warn!(broker = %url, un_acked, retry_in = ?wait, "connection ended: {why}");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.until(|state| state.closing) => return,
        }
    }
}
