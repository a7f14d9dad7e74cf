//! The alerter's loop with a real store: what is recorded before what is settled, who is absent, and which rules hold.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod absence;
mod backlog;
mod crashes;
mod following;
mod forwarded;
mod harness;
#[path = "../notifications/journal.rs"]
mod journal;
mod order;
mod reload;
mod rights;
mod store;
