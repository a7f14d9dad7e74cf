//! Receives messages from a broker and settles each once; publishes messages, each until its PUBACK.
//!
//! Everything outside this crate sees a [`Delivery`] and its acknowledgement, never a client library. A service stores
//! first and settles second: a crash in between repeats the message.
//!
//! ```
//! use broker::{Deliveries, Delivery, Outcome};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), broker::Unsettled> {
//! // `consume` and `consume_queue` fill such a channel from a broker; this sender waits in the same process.
//! let (out, received) = tokio::sync::mpsc::channel(10);
//! let (delivery, receipt) = Delivery::tracked("23.5");
//! out.try_send(delivery).expect("there is room");
//!
//! let mut deliveries = Deliveries::from(received);
//! let delivery = deliveries.recv().await.expect("the stream goes on");
//! assert_eq!(delivery.item, "23.5"); // store it here
//! delivery.settle(Outcome::Done).await?;
//! assert_eq!(receipt.outcome().await, Outcome::Done);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod ack;
mod ack_handle;
#[cfg(feature = "amqp")]
mod amqp;
mod backoff;
mod batch;
mod connection_status;
mod consume;
mod deliveries;
mod delivery;
mod mqtt;
mod outbox;
mod published;
pub mod server;
mod url;

pub use ack::{Outcome, Unsettled};
#[cfg(feature = "amqp")]
pub use amqp::Queue;
pub use backoff::Backoff;
pub use batch::Batch;
pub use connection_status::ConnectionStatus;
pub use consume::consume;
#[cfg(feature = "amqp")]
pub use consume::consume_queue;
pub use deliveries::Deliveries;
pub use delivery::{AckGroup, Delivery, Receipt};
pub use mqtt::{Qos, Subscription};
pub use outbox::{Ack, Acked, Answer, Asking, Outbox, OutboxConfig, Presence, PublishError, Unacked};
pub use published::Published;
pub use url::{AmqpUrl, BrokerUrl, BrokerUrlError};
