//! Judges every reading; one mail per transition.

mod alerter;
mod counters;
mod judge;
mod mailer;
mod message;
mod outbox;
mod rule;
mod smtp;
mod standalone;

pub use alerter::{Alerter, Config};
pub use counters::Counters;
pub use judge::Judge;
pub use mailer::Mailer;
pub use rule::{Rule, Verdict};
pub use standalone::standalone;
