//! An item and its acknowledgement.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::ack::{Acknowledge, Outcome, Unsettled};
use crate::ack_handle::AckHandle;
use crate::batch::{Batch, Places};

/// An item to work on, and the acknowledgement to give once that is done.
///
/// A delivery that is dropped unsettled counts as [`Outcome::Retry`].
#[derive(Debug)]
#[must_use = "an unsettled delivery is delivered again"]
pub struct Delivery<T> {
    /// What was delivered.
    pub item: T,
    ack: AckHandle,
}

/// The acknowledgements of many deliveries, to be settled together: where the transport can, deliveries that followed
/// each other are settled by one message.
#[derive(Debug, Default)]
#[must_use = "unsettled deliveries are delivered again"]
pub struct AckGroup(Vec<AckHandle>);

impl AckGroup {
    /// Adds the acknowledgement of the next delivery.
    pub fn push(&mut self, delivery: Delivery<()>) {
        let other = match self.0.last_mut() {
            Some(last) => last.join(delivery.ack),
            None => Some(delivery.ack),
        };
        self.0.extend(other);
    }

    /// Settles all. Returns how many deliveries could not be settled any more: the broker delivers those again.
    pub async fn settle(self, outcome: Outcome) -> u64 {
        let mut unsettled = 0;
        for ack in self.0 {
            let count = ack.count();
            if ack.settle(outcome).await.is_err() {
                unsettled += count;
            }
        }
        unsettled
    }
}

/// Reports to the sender of a tracked delivery how it was settled.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Outcome>);

impl Receipt {
    /// Waits until the delivery is settled. A delivery that was dropped is [`Outcome::Retry`].
    pub async fn outcome(self) -> Outcome {
        self.0.await.unwrap_or(Outcome::Retry)
    }
}

impl<T> Delivery<T> {
    pub(crate) fn new(item: T, ack: impl Into<AckHandle>) -> Self {
        Self { item, ack: ack.into() }
    }

    /// A delivery whose settling nothing waits for.
    pub fn untracked(item: T) -> Self {
        Self { item, ack: AckHandle::Untracked }
    }

    /// A delivery within this process, and the receipt by which its sender learns how it was settled.
    pub fn tracked(item: T) -> (Self, Receipt) {
        let (waiter, receipt) = oneshot::channel();
        (Self { item, ack: AckHandle::Waiter(waiter) }, Receipt(receipt))
    }

    /// The delivery at a place of a batch within this process, to one of its receivers.
    pub fn of_batch(item: T, batch: Arc<dyn Batch>, receiver: usize, place: usize) -> Self {
        Self { item, ack: AckHandle::Places(Places::new(batch, receiver, place)) }
    }

    /// Replaces the item, and keeps the acknowledgement.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Delivery<U> {
        Delivery { item: f(self.item), ack: self.ack }
    }

    /// Parts the item from its acknowledgement, so that each can be kept where it is needed.
    pub fn split(self) -> (T, Delivery<()>) {
        (self.item, Delivery { item: (), ack: self.ack })
    }

    /// The number of the connection that it came over: each has another one. 0 within this process.
    ///
    /// A service whose state follows from the messages reads that state again from its store when the number changes:
    /// another instance may have received messages in between.
    #[must_use]
    pub fn session(&self) -> u64 {
        self.ack.session()
    }

    /// Acknowledges the delivery ("settle" is AMQP 1.0's word): once, by value.
    ///
    /// # Errors
    /// [`Unsettled`] when the connection is gone. Count it and go on: the broker delivers the message again.
    pub async fn settle(self, outcome: Outcome) -> Result<(), Unsettled> {
        self.ack.settle(outcome).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_waiter_learns_the_outcome() {
        let (delivery, receipt) = Delivery::tracked("reading");
        let (item, ack) = delivery.split();
        assert_eq!(item, "reading");
        ack.settle(Outcome::Done).await.unwrap();
        assert_eq!(receipt.outcome().await, Outcome::Done);
    }

    #[tokio::test]
    async fn a_dropped_delivery_is_retried() {
        let (delivery, receipt) = Delivery::tracked(());
        drop(delivery);
        assert_eq!(receipt.outcome().await, Outcome::Retry);
    }

    #[tokio::test]
    async fn settling_fails_when_the_waiter_is_gone() {
        let (delivery, receipt) = Delivery::tracked(());
        drop(receipt);
        assert_eq!(delivery.settle(Outcome::Done).await, Err(Unsettled));
    }
}
