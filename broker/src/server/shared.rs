//! What all connections of a server share.

mod routing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::Access;
use super::budget::Budget;
use super::changes::Changes;
use super::client_queue::ClientQueue;
use super::contested::Contested;
use super::counters::{Counters, Rule};
use super::ends::Ends;
use super::limits::Limits;
use super::packet::{Connect, Version};
use super::publication::Publication;
use super::retained::Retained;
use super::router::Router;
use super::session::{DueWill, Key, Session, State};
use super::sink::{Publish, PublishKind, Receipt, Sink};
use super::statistics::Statistics;

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    pub(crate) handshakes: Semaphore,
    pub(crate) in_flight: Arc<Budget>,
    pub(crate) partial: Arc<Budget>,
    /// Ends every connection.
    pub(crate) stop: CancellationToken,
    /// Connections that are served.
    pub(crate) running: TaskTracker,
    pub(crate) changes: Changes,
    pub(crate) contested: Contested,
    pub(crate) ends: Ends,
    queued: Arc<Budget>,
    /// What wills take: as much as may wait for clients.
    pub(crate) wills: Arc<Budget>,
    sessions: Mutex<HashMap<Key, Arc<Session>>>,
    router: RwLock<Router<Arc<Session>>>,
    retained: Mutex<Retained>,
    numbers: AtomicU64,
    denied: Mutex<Minute>,
    pub(crate) statistics: Statistics,
    events: mpsc::UnboundedSender<Event>,
}

/// When the memory for publishes in flight is looked at again.
pub(crate) const RETRY: Duration = Duration::from_millis(20);

/// When a client that seems silent is looked at once more: by then the system has said what came while the process did not
/// run.
pub(crate) const SECOND_LOOK: Duration = Duration::from_millis(100);

/// What is done beside the connections.
pub(crate) enum Event {
    /// The will of a session that has ended, or of a client that is gone, is to be published.
    Publish(Publication),
    /// The delayed will of a session is due, and is no longer in it once it is settled.
    Will(Publication, Arc<Session>),
    /// A session is to be looked at when this time has come.
    Look(Instant, Arc<Session>),
}

/// Counts what happens in a minute.
#[derive(Debug)]
struct Minute {
    began: Instant,
    count: u32,
}

impl Shared {
    pub(crate) fn new(
        limits: Limits,
        access: Arc<dyn Access>,
        sink: Arc<dyn Sink>,
        counters: Counters,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Event>) {
        let (events, happened) = mpsc::unbounded_channel();
        let shared = Self {
            access,
            sink,
            counters,
            handshakes: Semaphore::new(limits.handshakes),
            in_flight: Budget::new(limits.in_flight_bytes_total),
            partial: Budget::new(limits.partial_bytes_total),
            stop: CancellationToken::new(),
            running: TaskTracker::new(),
            changes: Changes::default(),
            contested: Contested::default(),
            ends: Ends::default(),
            queued: Budget::new(limits.queued_bytes_total),
            wills: Budget::new(limits.queued_bytes_total),
            sessions: Mutex::default(),
            router: RwLock::default(),
            retained: Mutex::default(),
            numbers: AtomicU64::new(0),
            denied: Mutex::new(Minute { began: Instant::now(), count: 0 }),
            statistics: Statistics::new(),
            events,
            limits,
        };
        (Arc::new(shared), happened)
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<Key, Arc<Session>>> {
        self.sessions.lock().expect("no code panics while it holds the sessions")
    }

    pub(crate) fn retained(&self) -> MutexGuard<'_, Retained> {
        self.retained.lock().expect("no code panics while it holds the retained messages")
    }

    /// A new session that cannot be found yet.
    pub(crate) fn new_session(&self, key: Key) -> Arc<Session> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        Session::new(key, number, self.queued.charge(0))
    }

    /// How long a session may outlive its connection: not at all if there are too many of those.
    pub(crate) fn granted_expiry(&self, sessions: usize, connect: &Connect) -> Duration {
        let asked = Duration::from_secs(connect.session_expiry.into());
        // Before MQTT 5 no client asks for a time.
        if asked > self.limits.session_expiry && connect.version == Version::V5 {
            self.counters.refuse(Rule::SessionExpiry);
        }
        let asked = asked.min(self.limits.session_expiry);
        if sessions >= self.limits.sessions && !asked.is_zero() {
            self.counters.refuse(Rule::Sessions);
            return Duration::ZERO;
        }
        asked
    }

    /// Ends a session: its subscriptions and messages are gone, and its will is due.
    pub(crate) fn end(&self, sessions: &mut HashMap<Key, Arc<Session>>, session: &Arc<Session>) {
        if sessions.get(&session.key).is_some_and(|known| known.number == session.number) {
            sessions.remove(&session.key);
        }
        self.counters.sessions.set(sessions.len() as i64);
        let mut state = session.state();
        let subscriptions = std::mem::take(&mut state.subscriptions);
        if let Some(will) = state.will.take_if(|will| !will.is_out) {
            self.soon(Event::Publish(will.publication));
        }
        state.will = None;
        state.retained.clear();
        state.queue = ClientQueue::default();
        state.account();
        state.has_ended = true;
        let is_written = state.is_written;
        drop(state);
        if is_written {
            self.changes.session(session);
        }
        for filter in subscriptions.keys() {
            self.unroute(filter, session.number);
        }
    }

    /// Ends a session by its key, if there is one.
    pub(crate) fn forget(&self, key: &Key) {
        let mut sessions = self.sessions();
        if let Some(known) = sessions.get(key).cloned() {
            self.end(&mut sessions, &known);
        }
    }

    /// A connection has left its session, which lives on for its expiry.
    pub(crate) fn left(&self, session: &Arc<Session>, will: Option<Box<DueWill>>) {
        let mut sessions = self.sessions();
        let mut state = session.state();
        let now = Instant::now();
        state.line = None;
        state.ends_at = Some(now + state.expiry);
        state.will = self.not_due_yet(will, now);
        state.queue.reconnected();
        state.account();
        if state.is_expired(now) {
            drop(state);
            self.end(&mut sessions, session);
        } else {
            self.look_later(session, &mut state);
            drop(state);
            self.changes.session(session);
        }
        session.left.notify_waiters();
    }

    /// A will without a delay is published at once: the client's next connection must not discard it.
    fn not_due_yet(&self, will: Option<Box<DueWill>>, now: Instant) -> Option<Box<DueWill>> {
        let will = will?;
        if will.at > now {
            return Some(will);
        }
        self.soon(Event::Publish(will.publication));
        None
    }

    /// Has the session looked at when something is due in it.
    pub(crate) fn look_later(&self, session: &Arc<Session>, state: &mut State) {
        let Some(at) = state.next_change() else { return };
        if state.checked_at.is_none_or(|planned| at < planned) {
            state.checked_at = Some(at);
            self.soon(Event::Look(at, Arc::clone(session)));
        }
    }

    pub(crate) fn soon(&self, event: Event) {
        // Once no task takes events any more, the server has stopped.
        let _ = self.events.send(event);
    }

    /// Whether one more denied publish is kept as rejected.
    pub(crate) fn keeps_denied(&self) -> bool {
        let mut minute = self.denied.lock().expect("no code panics while it holds the count");
        if minute.began.elapsed() >= Duration::from_secs(60) {
            *minute = Minute { began: Instant::now(), count: 0 };
        }
        minute.count = minute.count.saturating_add(1);
        minute.count <= self.limits.denied_kept_per_minute
    }

    /// Publishes what no connection does: to the sink, if it is collected, and then to subscribers.
    pub(crate) async fn publish(&self, publication: Publication) {
        if self.sink.collects(&publication.topic) && !publication.payload.is_empty() {
            let bytes = publication.bytes();
            if self.in_flight.is_too_small_for(bytes) {
                self.counters.refuse(Rule::InFlightBytesTotal);
            }
            // What everybody was promised waits for room, and is not left out.
            while self.in_flight.is_too_small_for(bytes) && !self.in_flight.is_free() {
                tokio::time::sleep(RETRY).await;
            }
            let Publication { topic, payload, .. } = publication.clone();
            let (receipt, settled) = Receipt::waking(Arc::default(), Some(self.in_flight.charge(bytes)));
            self.sink.take(
                vec![Publish { topic, payload, kind: PublishKind::Collected, publisher: None }],
                receipt,
            );
            settled.reached(1).await;
        }
        if publication.retain {
            self.retain(&publication);
        }
        self.route(&publication);
    }
}
