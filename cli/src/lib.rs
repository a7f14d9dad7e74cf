//! The commands in a terminal: `millrace`, and those that `alerter` shares with it.

#![warn(missing_docs)]

pub mod alerts;
mod confirm_clock;
pub mod mappings;
mod table;
mod tail;
mod verify;

pub use confirm_clock::confirm_clock;
pub use tail::{TailArgs, tail};
pub use verify::{VerifyArgs, verify};
