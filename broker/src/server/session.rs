//! What the server knows of one client, across its connections.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::Charge;
use super::client_queue::{ClientQueue, Outgoing};
use super::counters::Rule;
use super::limits::Limits;
use super::packet::{Options, Qos, Reason};
use super::publication::Publication;
use super::sink::{PublishingClient, Settled};
use super::turn::Turns;

/// What a session is found by: every user has client ids of its own, so that none can take over another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) user: Option<Arc<str>>,
    pub(crate) client_id: String,
}

/// The connection of a session: how its task is woken and ended.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) waker: Arc<AtomicWaker>,
    /// The reason code with which it is to end; 0 while it is not.
    closing: AtomicU8,
    client: OnceLock<Arc<PublishingClient>>,
}

impl Line {
    /// Says once which client it is the connection of.
    pub(crate) fn is_of(&self, client: &Arc<PublishingClient>) {
        let _ = self.client.set(Arc::clone(client));
    }

    pub(crate) fn client(&self) -> Option<&Arc<PublishingClient>> {
        self.client.get()
    }

    pub(crate) fn close(&self, reason: Reason) {
        self.closing.store(reason.0, Ordering::Release);
        self.waker.wake();
    }

    pub(crate) fn closing(&self) -> Option<Reason> {
        match self.closing.load(Ordering::Acquire) {
            0 => None,
            reason => Some(Reason(reason)),
        }
    }
}

/// A session. It may outlive its connection.
pub(crate) struct Session {
    pub(crate) key: Key,
    /// No two sessions of one server have the same.
    pub(crate) number: u64,
    /// Notified when a connection has left the session.
    pub(crate) left: Notify,
    /// Whether it is to be written down.
    changed: AtomicBool,
    state: Mutex<State>,
}

/// A publish that waits for the sink: the batch and the place in it.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) settled: Settled,
    pub(crate) count: usize,
}

/// A will that waits until it is due.
#[derive(Debug)]
pub(crate) struct DueWill {
    pub(crate) at: Instant,
    pub(crate) publication: Publication,
    /// Whether it is on its way. It stays until it is settled, so that a restart meanwhile does not lose it.
    pub(crate) is_out: bool,
    pub(crate) _charge: Charge,
}

/// The retained messages that a new subscription is still to get.
#[derive(Debug, Clone)]
pub(crate) struct RetainedDelivery {
    pub(crate) filter: String,
    pub(crate) options: Options,
    /// The topic of the last one that it got: they come in the order of their topics.
    pub(crate) after: Option<String>,
}

/// What changes in a session.
pub(crate) struct State {
    /// The connection; none while the client is away.
    pub(crate) line: Option<Arc<Line>>,
    /// How long the session outlives its connection.
    pub(crate) expiry: Duration,
    /// When the session ends if its client stays away; none while the client is connected.
    pub(crate) ends_at: Option<Instant>,
    pub(crate) will: Option<Box<DueWill>>,
    /// Whether it has ended: it cannot be found any more.
    pub(crate) has_ended: bool,
    /// Whether the file of sessions has it.
    pub(crate) is_written: bool,
    pub(crate) subscriptions: HashMap<String, Options>,
    /// New subscriptions that have not got all retained messages: at most one for each.
    pub(crate) retained: VecDeque<RetainedDelivery>,
    pub(crate) queue: ClientQueue,
    /// The packet ids of QoS 2 that the client has not released, and what each waits for.
    pub(crate) received: BTreeMap<u16, Option<Wait>>,
    /// Which connections have not passed all their messages on.
    pub(crate) turns: Turns,
    /// When the session is looked at next.
    pub(crate) checked_at: Option<Instant>,
    charge: Charge,
}

/// What became of a message for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    Queued,
    /// The client is away and does not get it later.
    Away,
    /// There is no room, by this limit.
    Dropped(Rule),
}

impl Session {
    pub(crate) fn new(key: Key, number: u64, charge: Charge) -> Arc<Self> {
        let state = State {
            line: None,
            expiry: Duration::ZERO,
            ends_at: None,
            will: None,
            has_ended: false,
            is_written: false,
            subscriptions: HashMap::new(),
            retained: VecDeque::new(),
            queue: ClientQueue::default(),
            received: BTreeMap::new(),
            turns: Turns::default(),
            checked_at: None,
            charge,
        };
        let (left, changed) = (Notify::new(), AtomicBool::new(false));
        Arc::new(Self { key, number, left, changed, state: Mutex::new(state) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds a session")
    }

    /// Notes that the session has changed. False if that is noted already.
    pub(crate) fn mark_changed(&self) -> bool {
        !self.changed.swap(true, Ordering::AcqRel)
    }

    /// Later changes are noted anew.
    pub(crate) fn unmark_changed(&self) {
        self.changed.store(false, Ordering::Release);
    }

    /// Queues a message and wakes the connection.
    pub(crate) fn deliver(&self, message: Outgoing, limits: &Limits, is_room: bool) -> Delivered {
        let mut state = self.state();
        if state.line.is_none() && (message.qos == Qos::AtMostOnce || state.expiry.is_zero()) {
            return Delivered::Away;
        }
        let bytes = state.queue.bytes() + message.publication.bytes();
        let passed = [
            (state.queue.len() >= limits.queued, Rule::Queued),
            // One large message alone, such as what a gateway says of all its devices, is bounded by its packet.
            (bytes > limits.queued_bytes && state.queue.len() > 0, Rule::QueuedBytes),
            (!is_room, Rule::QueuedBytesTotal),
        ];
        if let Some((_, limit)) = passed.into_iter().find(|(is_passed, _)| *is_passed) {
            return Delivered::Dropped(limit);
        }
        state.queue.push(message);
        state.account();
        if let Some(line) = &state.line {
            line.waker.wake();
        }
        Delivered::Queued
    }

    /// Ends the connection, if there is one.
    pub(crate) fn close(&self, reason: Reason) {
        if let Some(line) = &self.state().line {
            line.close(reason);
        }
    }
}

impl State {
    /// A subscription is to get no more retained messages.
    pub(crate) fn stop_retained(&mut self, filter: &str) {
        self.retained.retain(|delivery| delivery.filter != filter);
    }

    /// Reports to the budget what waits now.
    pub(crate) fn account(&mut self) {
        self.charge.set(self.queue.bytes());
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.line.is_none() && self.ends_at.is_some_and(|at| at <= now)
    }

    /// When something happens by itself: the will is due, or the session ends.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        let will = self.will.as_ref().filter(|will| !will.is_out).map(|will| will.at);
        [will, self.ends_at].into_iter().flatten().min()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.key)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
