//! What the alerter promises, seen from its ends: the broker's, the store's and the mail server's.

#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod ends;
mod judging;
mod mail_server;
mod mailing;
