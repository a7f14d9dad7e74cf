//! The acknowledgement of a delivery, whichever transport it came over.
//!
//! An enum above the transports rather than a boxed trait object: a delivery needs no allocation, and joining a batch
//! no downcast (decision 0027).

use tokio::sync::oneshot;

use crate::ack::{Acknowledge, Outcome, Unsettled};
#[cfg(feature = "amqp")]
use crate::amqp;
use crate::batch::Places;
use crate::mqtt;

/// What is notified when a delivery is settled.
#[derive(Debug)]
pub(crate) enum AckHandle {
    /// Nothing waits: the message was delivered at most once.
    Untracked,
    /// A task of this process.
    Waiter(oneshot::Sender<Outcome>),
    /// The sender of a batch within this process.
    Places(Places),
    Mqtt(mqtt::Ack),
    #[cfg(feature = "amqp")]
    Amqp(amqp::Ack),
}

impl Acknowledge for AckHandle {
    fn session(&self) -> u64 {
        match self {
            Self::Untracked | Self::Waiter(_) | Self::Places(_) => 0,
            Self::Mqtt(ack) => ack.session(),
            #[cfg(feature = "amqp")]
            Self::Amqp(ack) => ack.session(),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Untracked | Self::Waiter(_) => 1,
            Self::Places(ack) => ack.count(),
            Self::Mqtt(ack) => ack.count(),
            #[cfg(feature = "amqp")]
            Self::Amqp(ack) => ack.count(),
        }
    }

    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            #[cfg(feature = "amqp")]
            (Self::Amqp(ack), Self::Amqp(next)) => ack.join(next).map(Self::Amqp),
            (Self::Places(ack), Self::Places(next)) => ack.join(next).map(Self::Places),
            (_, next) => Some(next),
        }
    }

    async fn settle(self, outcome: Outcome) -> Result<(), Unsettled> {
        match self {
            Self::Untracked => Ok(()),
            Self::Waiter(waiter) => waiter.send(outcome).map_err(|_| Unsettled),
            Self::Places(ack) => ack.settle(outcome).await,
            Self::Mqtt(ack) => ack.settle(outcome).await,
            #[cfg(feature = "amqp")]
            Self::Amqp(ack) => ack.settle(outcome).await,
        }
    }
}

impl From<Option<mqtt::Ack>> for AckHandle {
    fn from(ack: Option<mqtt::Ack>) -> Self {
        ack.map_or(Self::Untracked, Self::Mqtt)
    }
}

#[cfg(feature = "amqp")]
impl From<amqp::Ack> for AckHandle {
    fn from(ack: amqp::Ack) -> Self {
        Self::Amqp(ack)
    }
}
