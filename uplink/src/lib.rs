//! Forwards what an edge stored to the cloud, and lets the cloud ask for what is missing.
//!
//! There is no second queue: the edge's store is it. Its journal gives each new reading a number in the transaction that
//! stores it. [`Uplink`] reads by these numbers, and what the cloud's broker has acknowledged is noted as ranges of them.
//! The cloud merges readings and numbers in one transaction, so that what comes again changes nothing. [`Asker`] is the
//! cloud's part that asks for numbers that do not arrive.

#![warn(missing_docs)]

mod ask;
mod asker;
mod batch;
mod config;
mod counters;
mod progress;
mod uplink;

pub use ask::Ask;
pub use asker::{AskOutlet, Asker, AskerCounters};
pub use config::Config;
pub use counters::Counters;
pub use uplink::Uplink;
