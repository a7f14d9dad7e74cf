//! The un-acked publishes, and how far each is on the current connection.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::warn;

use super::line::Client;
use super::{Acked, Asking, Presence};

/// The entries, and how far each is on the current connection.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Un-acked, by the order in which they were published.
    pub(super) entries: BTreeMap<u64, Entry>,
    next: u64,
    /// The client of the current connection.
    pub(super) client: Option<Client>,
    /// Handed to the client, not yet numbered by it; it numbers them in this order.
    pub(super) handed: VecDeque<u64>,
    /// By packet identifier.
    pub(super) on_wire: HashMap<u16, u64>,
    /// Presence says `offline` from now on.
    pub(super) leaving: bool,
    /// All is acked: the connection is to end.
    pub(super) closing: bool,
}

/// A publish until its PUBACK.
#[derive(Debug)]
pub(super) struct Entry {
    topic: String,
    payload: Bytes,
    retain: bool,
    asking: Option<Asking>,
    /// Connections over which it was published, ...
    connections: u32,
    /// ... and over how many it may be, at most.
    most_connections: Option<u32>,
    pub(super) since: Instant,
    pub(super) acked: Option<oneshot::Sender<Acked>>,
}

impl State {
    /// How far the newest is ahead of the oldest.
    pub(super) fn span(&self) -> u64 {
        self.entries.keys().next().map_or(0, |oldest| self.next - oldest)
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let key = self.next;
        self.next += 1;
        self.entries.insert(key, entry);
        self.hand_over(key);
    }

    /// Forgets what is not to be published any more.
    pub(super) fn give_up(&mut self) {
        self.entries.retain(|_, entry| !entry.is_over());
    }

    pub(super) fn say_presence(&mut self, presence: Option<&Presence>) {
        let Some(presence) = presence else { return };
        let payload = if self.leaving { &presence.offline } else { &presence.online };
        self.add(Entry::retained(presence.topic.clone(), payload.clone()));
    }

    pub(super) fn leave(&mut self, presence: Option<&Presence>) {
        self.leaving = true;
        self.say_presence(presence);
    }

    pub(super) fn hang_up(&mut self) {
        if let Some(client) = self.client.take() {
            client.try_disconnect();
        }
    }

    pub(super) fn hand_over(&mut self, key: u64) {
        let (Some(client), Some(entry)) = (&self.client, self.entries.get_mut(&key)) else { return };
        entry.connections += 1;
        match client.try_publish(&entry.topic, entry.retain, entry.payload.clone(), entry.asking.as_ref()) {
            Ok(()) => self.handed.push_back(key),
            // The connection is going down: the entry is queued again on the next one.
            Err(e) => warn!("publish waits for the next connection: {e}"),
        }
    }
}

impl Entry {
    fn new(topic: String, payload: Bytes) -> Self {
        let (connections, most_connections, since) = (0, None, Instant::now());
        Self {
            topic,
            payload,
            retain: false,
            asking: None,
            connections,
            most_connections,
            since,
            acked: None,
        }
    }

    pub(super) fn awaited(topic: String, payload: Bytes, acked: oneshot::Sender<Acked>) -> Self {
        Self { acked: Some(acked), ..Self::new(topic, payload) }
    }

    fn retained(topic: String, payload: Bytes) -> Self {
        Self { retain: true, ..Self::new(topic, payload) }
    }

    /// The same, as a message that may ask for an answer.
    pub(super) fn asking(self, asking: Option<Asking>) -> Self {
        Self { asking, ..self }
    }

    /// The same, over so many connections at most.
    pub(super) fn over_at_most(self, most_connections: Option<u32>) -> Self {
        Self { most_connections, ..self }
    }

    fn is_over(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| self.since.elapsed() >= asking.tries_for)
    }

    /// Whether it is not to be published over one more connection.
    pub(super) fn is_tried_enough(&self) -> bool {
        self.most_connections.is_some_and(|most| self.connections >= most)
    }

    pub(super) fn is_presence(&self) -> bool {
        self.retain
    }
}
