//! Where the server hands what clients publish, and how it learns that a publish is settled.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::budget::Charge;
use super::publication::Publication;

/// A message that a client published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The topic, which is valid and without wildcards.
    pub topic: String,
    /// The payload: part of what one read brought, not a copy.
    pub payload: Bytes,
    /// What the publish is to the sink.
    pub kind: PublishKind,
    /// Who published it; none if no client did.
    pub publisher: Option<Arc<PublishingClient>>,
}

/// The client that published a message, as long as it is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishingClient {
    /// Its client id.
    pub client_id: String,
    /// The user that it has proved to be; none where everyone may connect.
    pub user: Option<Arc<str>>,
    /// Where it connects from.
    pub address: SocketAddr,
    /// Since when it is connected.
    pub connected_at: Instant,
    /// What the server publishes when it is gone without a word.
    pub last_will: Option<Box<LastWill>>,
}

/// What the server publishes for a client that is gone without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWill {
    /// The topic.
    pub topic: String,
    /// The first [`LastWill::SHOWN_BYTES`] of the payload.
    pub payload: Bytes,
    /// Whether it is retained.
    pub retain: bool,
}

impl LastWill {
    /// Bytes of a payload that are kept to be shown, at most.
    pub const SHOWN_BYTES: usize = 256;

    pub(crate) fn of(publication: &Publication) -> Self {
        let shown = publication.payload.len().min(Self::SHOWN_BYTES);
        // In memory of its own: the rest of the packet is not kept.
        let payload = Bytes::copy_from_slice(&publication.payload[..shown]);
        Self { topic: publication.topic.clone(), payload, retain: publication.retain }
    }
}

/// What a publish is to the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishKind {
    /// A message of a collected topic.
    Collected,
    /// A message that its client may not publish: to be kept as rejected.
    Denied,
    /// The server's own question whether publishes are settled: it passes through every step and leaves nothing behind.
    Probe,
}

/// Takes what clients publish.
pub trait Sink: Send + Sync + 'static {
    /// Whether messages of this topic are collected. Others are only passed on to subscribers.
    fn collects(&self, topic: &str) -> bool;

    /// Takes the publishes of one read of one connection, in the order in which they came, and settles each in that
    /// order by the receipt. A publish whose receipt is dropped unsettled is never acknowledged.
    fn take(&self, publishes: Vec<Publish>, receipt: Receipt);

    /// A client subscribes to this filter, or comes back to a session that does.
    fn subscribed(&self, filter: &str) {
        let _ = filter;
    }
}

/// The sink reports by this how many publishes of one batch are settled.
pub struct Receipt {
    progress: Arc<Progress>,
    /// What the batch takes of the memory for publishes in flight, until the sink drops the receipt.
    _charge: Option<Charge>,
    /// What else lasts as long.
    _held: Option<Box<dyn Send + Sync>>,
}

/// How far the sink is with the publishes of one batch.
#[derive(Clone)]
pub struct Settled(Arc<Progress>);

struct Progress {
    settled: AtomicUsize,
    /// The places of publishes that the sink takes nothing of, in order.
    not_taken: OnceLock<Vec<usize>>,
    /// The connection that published.
    publisher: Arc<AtomicWaker>,
    /// Those that wait: the connection itself, and the same client's next ones.
    waiting: Mutex<Vec<Waker>>,
}

impl Receipt {
    /// A receipt, and the end that learns of it: for publishes that no client made.
    #[must_use]
    pub fn new() -> (Self, Settled) {
        Self::waking(Arc::default(), None)
    }

    /// The same, which holds something until the sink drops it: what the publishes take of some limit.
    #[must_use]
    pub fn holding(self, held: Box<dyn Send + Sync>) -> Self {
        Self { _held: Some(held), ..self }
    }

    /// A receipt that wakes a task which may wait for several of them.
    pub(crate) fn waking(publisher: Arc<AtomicWaker>, charge: Option<Charge>) -> (Self, Settled) {
        let settled = AtomicUsize::new(0);
        let (not_taken, waiting) = (OnceLock::new(), Mutex::default());
        let progress = Arc::new(Progress { settled, not_taken, publisher, waiting });
        (Self { progress: Arc::clone(&progress), _charge: charge, _held: None }, Settled(progress))
    }

    /// The same, with what the batch takes.
    pub(crate) fn charged(self, charge: Charge) -> Self {
        Self { _charge: Some(charge), ..self }
    }

    /// Says at which places of the batch, in order, are publishes that the sink takes nothing of: only subscribers
    /// may. To be said at most once, and before any of them is settled.
    pub fn takes_nothing_of(&self, places: Vec<usize>) {
        let _ = self.progress.not_taken.set(places);
    }

    /// The first `count` publishes of the batch are settled: the PUBACKs that wait for them may go out.
    pub fn settled(&self, count: usize) {
        self.progress.settled.fetch_max(count, Ordering::Release);
        self.progress.publisher.wake();
        let waiting = std::mem::take(&mut *self.progress.waiting());
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Progress {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().expect("no code panics while it holds the wakers")
    }
}

impl Settled {
    /// How many publishes of the batch are settled.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.settled.load(Ordering::Acquire)
    }

    /// Whether the sink takes something of the publish at this place, as far as it has said.
    #[must_use]
    pub fn is_taken(&self, place: usize) -> bool {
        self.0.not_taken.get().is_none_or(|places| places.binary_search(&place).is_err())
    }

    /// Waits until this many are settled.
    pub async fn reached(&self, count: usize) {
        poll_fn(|context| self.poll_reached(count, context)).await;
    }

    pub(crate) fn poll_reached(&self, count: usize, context: &mut Context<'_>) -> Poll<()> {
        if self.count() >= count {
            return Poll::Ready(());
        }
        let mut waiting = self.0.waiting();
        if !waiting.iter().any(|known| known.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        drop(waiting);
        // It may have been settled before the waker was there.
        if self.count() >= count { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receipt").field(&self.progress.settled).finish()
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settled").field(&self.count()).finish()
    }
}
