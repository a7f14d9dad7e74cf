//! The acknowledgement port: what a transport implements so that its deliveries can be settled.

use rand::RngExt;

/// How a delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What was promised for the message is done: the broker may forget it.
    Done,
    /// The message is to be delivered again.
    Retry,
    /// The message can never be used: the broker may dead-letter it.
    Reject,
}

/// The broker did not learn how the delivery was settled: it delivers the message again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the delivery came over a connection that is gone: the broker delivers it again")]
pub struct Unsettled;

/// The acknowledgement of one delivery, or of several that followed each other, on the connection they came over.
///
/// One that is dropped unsettled counts as [`Outcome::Retry`].
pub(crate) trait Acknowledge: Sized {
    /// The number of the connection; 0 within this process.
    fn session(&self) -> u64;

    /// How many deliveries it settles.
    fn count(&self) -> u64 {
        1
    }

    /// Takes over the acknowledgement of the next delivery if one message to the broker can settle both; returns it
    /// otherwise.
    fn join(&mut self, next: Self) -> Option<Self> {
        Some(next)
    }

    /// Sends the outcome to the broker.
    async fn settle(self, outcome: Outcome) -> Result<(), Unsettled>;
}

/// The number of a new connection: random, so that no two processes share one.
pub(crate) fn new_session() -> u64 {
    rand::rng().random_range(1..=u64::MAX)
}
