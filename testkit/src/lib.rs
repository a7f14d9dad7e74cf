//! What tests of several crates need: a store in memory, and samples of what it stores.
//!
//! [`MemoryStore`] passes the contract that the stores on disk pass (`store/tests/contract`), so that a test of a service
//! needs neither a file nor a server.

#![allow(clippy::disallowed_methods, reason = "what is stored is stamped as a database does")]
#![warn(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

mod clock;
mod memory;
pub mod samples;

pub use clock::{FakeClock, PausableClock};
pub use memory::MemoryStore;
