//! Where the server hands what clients publish, and how it learns that a publish is settled.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use bytes::Bytes;
use futures_util::task::AtomicWaker;

/// A message that a client published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The topic, which is valid and without wildcards.
    pub topic: String,
    /// The payload: part of what one read brought, not a copy.
    pub payload: Bytes,
    /// What the publish is to the sink.
    pub kind: PublishKind,
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
}

/// By this the sink tells the server how many publishes of one batch are settled.
pub struct Receipt(Arc<Progress>);

/// How far the sink is with the publishes of one batch.
pub struct Settled(Arc<Progress>);

struct Progress {
    settled: AtomicUsize,
    waiting: Arc<AtomicWaker>,
}

impl Receipt {
    /// A receipt, and the end that learns of it by itself: for publishes that no client made.
    #[must_use]
    pub fn new() -> (Self, Settled) {
        Self::waking(Arc::default())
    }

    /// A receipt that wakes a task which may wait for several of them.
    pub(crate) fn waking(waiting: Arc<AtomicWaker>) -> (Self, Settled) {
        let progress = Arc::new(Progress { settled: AtomicUsize::new(0), waiting });
        (Self(Arc::clone(&progress)), Settled(progress))
    }

    /// The first `count` publishes of the batch are settled: the PUBACKs that wait for them may go out.
    pub fn settled(&self, count: usize) {
        self.0.settled.fetch_max(count, Ordering::Release);
        self.0.waiting.wake();
    }
}

impl Settled {
    /// How many publishes of the batch are settled.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.settled.load(Ordering::Acquire)
    }

    /// Waits until this many are settled.
    pub async fn reached(&self, count: usize) {
        poll_fn(|context| {
            self.0.waiting.register(context.waker());
            if self.count() >= count { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receipt").field(&self.0.settled).finish()
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settled").field(&self.count()).finish()
    }
}
