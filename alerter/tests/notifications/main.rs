//! Notifications, seen from their ends: the store, the mail server, the webhook and the broker.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod chance;
mod clock;
mod crashes;
mod harness;
mod journal;
mod kept;
mod layout;
mod mail_server;
mod mailing;
mod mqtt;
mod pictures;
mod planner;
mod planning;
mod store;
mod storm;
mod tls;
mod webhook;
mod wording;
