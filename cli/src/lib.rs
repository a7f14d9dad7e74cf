//! The commands in a terminal: `millrace`, and those that `alerter` shares with it.

#![warn(missing_docs)]

pub mod alerts;
mod table;
mod tail;
mod verify;

pub use tail::{TailArgs, tail};
pub use verify::{VerifyArgs, verify};
