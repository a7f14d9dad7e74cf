//! Takes messages from a broker and settles each once; publishes and forgets nothing before its PUBACK.
//!
//! Everything outside this crate sees a [`Delivery`] with one debt, never a client library.

mod amqp;
mod backoff;
mod connection_status;
mod deliveries;
mod delivery;
mod mqtt;
mod outbox;
mod url;

pub use amqp::{Queue, consume_queue};
pub use backoff::Backoff;
pub use connection_status::ConnectionStatus;
pub use deliveries::Deliveries;
pub use delivery::{Debts, Delivery, Outcome, Receipt, Unsettled};
pub use mqtt::{Qos, Subscription, consume};
pub use outbox::{Ack, Outbox, Presence, PublishError, Publisher, Unacked};
pub use url::{AmqpUrl, BrokerUrl, BrokerUrlError};
