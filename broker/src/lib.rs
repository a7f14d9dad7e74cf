//! Takes messages from a broker and settles each once; publishes and forgets nothing before its PUBACK.
//!
//! Everything outside this crate sees a [`Delivery`] with one debt, never a client library.

mod ack;
mod ack_handle;
mod amqp;
mod backoff;
mod connection_status;
mod consume;
mod deliveries;
mod delivery;
mod mqtt;
mod outbox;
mod url;

pub use ack::{Outcome, Unsettled};
pub use amqp::Queue;
pub use backoff::Backoff;
pub use connection_status::ConnectionStatus;
pub use consume::{consume, consume_queue};
pub use deliveries::Deliveries;
pub use delivery::{AckGroup, Delivery, Receipt};
pub use mqtt::{Qos, Subscription};
pub use outbox::{Ack, Outbox, Presence, PublishError, Publisher, Unacked};
pub use url::{AmqpUrl, BrokerUrl, BrokerUrlError};
