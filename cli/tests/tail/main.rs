//! `millrace tail` beside a server that does what a dashboard does, and what it should not.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

mod lines;
mod refusals;
mod server;
mod terminal;
mod tls;
