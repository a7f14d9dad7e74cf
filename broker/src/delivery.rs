//! A message and the one debt it carries.

use rand::RngExt;
use tokio::sync::oneshot;

use crate::{amqp, mqtt};

/// How a message's debt is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that was promised of it is kept: the broker may forget it.
    Done,
    /// It is to be delivered again.
    Retry,
    /// It cannot be used and never will: the broker may set it aside.
    Reject,
}

/// Something to be done, and who is to be told once it is.
///
/// A delivery that is dropped unsettled counts as [`Outcome::Retry`].
#[derive(Debug)]
#[must_use = "an unsettled delivery is delivered again"]
pub struct Delivery<T> {
    pub item: T,
    debt: Debt,
}

#[derive(Debug)]
enum Debt {
    Nobody,
    Giver(oneshot::Sender<Outcome>),
    Mqtt(mqtt::Ack),
    Amqp(amqp::Debt),
}

/// The settling did not reach the broker; the message will come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the delivery came over a connection that is gone: the broker delivers it again")]
pub struct Unsettled;

/// The number of a new connection.
pub(crate) fn session() -> u64 {
    rand::rng().random_range(1..=u64::MAX)
}

/// The debts of many deliveries, to be paid together: those that followed each other cost no more than one.
#[derive(Debug, Default)]
#[must_use = "unsettled deliveries are delivered again"]
pub struct Debts(Vec<Debt>);

impl Debts {
    pub fn push(&mut self, delivery: Delivery<()>) {
        let other = match self.0.last_mut() {
            Some(last) => last.join(delivery.debt),
            None => Some(delivery.debt),
        };
        self.0.extend(other);
    }

    /// Pays all; returns of how many deliveries the broker cannot be told any more, so that they come again.
    pub async fn settle(self, outcome: Outcome) -> u64 {
        let mut unsettled = 0;
        for debt in self.0 {
            let count = debt.count();
            if debt.settle(outcome).await.is_err() {
                unsettled += count;
            }
        }
        unsettled
    }
}

impl Debt {
    /// Deliveries.
    fn count(&self) -> u64 {
        if let Self::Amqp(debt) = self { debt.count() } else { 1 }
    }

    /// Takes over the debt of the next delivery where both can be paid as one; returns any other.
    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Amqp(debt), Self::Amqp(next)) => debt.join(next).map(Self::Amqp),
            (_, next) => Some(next),
        }
    }

    async fn settle(self, outcome: Outcome) -> Result<(), Unsettled> {
        match self {
            Self::Nobody => Ok(()),
            Self::Giver(giver) => giver.send(outcome).map_err(|_| Unsettled),
            Self::Mqtt(ack) => ack.settle(outcome).await,
            Self::Amqp(debt) => debt.settle(outcome),
        }
    }
}

/// Tells how a delivery was settled to the one who gave it.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Outcome>);

impl Receipt {
    /// Waits until the delivery is settled; a delivery that was dropped is [`Outcome::Retry`].
    pub async fn outcome(self) -> Outcome {
        self.0.await.unwrap_or(Outcome::Retry)
    }
}

impl<T> Delivery<T> {
    /// A delivery that nobody waits for.
    pub fn untracked(item: T) -> Self {
        Self { item, debt: Debt::Nobody }
    }

    /// A delivery within this process, and where its giver learns how it was settled.
    pub fn tracked(item: T) -> (Self, Receipt) {
        let (giver, receipt) = oneshot::channel();
        (Self { item, debt: Debt::Giver(giver) }, Receipt(receipt))
    }

    pub(crate) fn mqtt(item: T, ack: mqtt::Ack) -> Self {
        Self { item, debt: Debt::Mqtt(ack) }
    }

    pub(crate) fn amqp(item: T, debt: amqp::Debt) -> Self {
        Self { item, debt: Debt::Amqp(debt) }
    }

    /// Replaces the item, and keeps the acknowledgement.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Delivery<U> {
        Delivery { item: f(self.item), debt: self.debt }
    }

    /// Parts the message from its debt, so that each can be kept where it is needed.
    pub fn split(self) -> (T, Delivery<()>) {
        (self.item, Delivery { item: (), debt: self.debt })
    }

    /// The connection over which it came: each has another number. 0 within this process.
    ///
    /// Whatever keeps a state that the messages build up reads it again from its store when the number changes:
    /// somebody else may have been given the messages in between.
    #[must_use]
    pub fn session(&self) -> u64 {
        match &self.debt {
            Debt::Nobody | Debt::Giver(_) => 0,
            Debt::Mqtt(ack) => ack.session(),
            Debt::Amqp(debt) => debt.session(),
        }
    }

    /// Pays the debt: once, by value.
    ///
    /// # Errors
    /// [`Unsettled`] when the broker cannot be told any more. Count it and go on: the message comes again.
    pub async fn settle(self, outcome: Outcome) -> Result<(), Unsettled> {
        self.debt.settle(outcome).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_giver_learns_the_outcome() {
        let (delivery, receipt) = Delivery::tracked("reading");
        let (item, debt) = delivery.split();
        assert_eq!(item, "reading");
        debt.settle(Outcome::Done).await.unwrap();
        assert_eq!(receipt.outcome().await, Outcome::Done);
    }

    #[tokio::test]
    async fn a_dropped_delivery_is_to_come_again() {
        let (delivery, receipt) = Delivery::tracked(());
        drop(delivery);
        assert_eq!(receipt.outcome().await, Outcome::Retry);
    }

    #[tokio::test]
    async fn settling_towards_nobody_left_says_so() {
        let (delivery, receipt) = Delivery::tracked(());
        drop(receipt);
        assert_eq!(delivery.settle(Outcome::Done).await, Err(Unsettled));
    }
}
