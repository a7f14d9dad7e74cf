//! Judges every reading; tells of every transition once.

mod hours;
mod rule;
pub mod rules;
mod watch;

mod alerter;
mod counters;
mod judge;
mod judging;
mod standalone;

mod mailer;
mod message;
mod notifier;
mod outbox;
mod plan;
mod smtp;

mod rehearsal;

pub use alerter::Alerter;
pub use counters::Counters;
pub use hours::ActiveHours;
pub use judge::{Judge, Observed};
pub use mailer::Mailer;
pub use message::{Chart, ChartWords, Said, TemplateError, Templates, Written};
pub use notifier::mail::Mail;
pub use notifier::mqtt::Mqtt;
pub use notifier::webhook::Webhook;
pub use notifier::{NotTaken, Notifier, Notifiers};
pub use outbox::{Clock, Outbox};
pub use plan::{Plan, Situation, plan};
pub use rehearsal::{Rehearsed, rehearse};
pub use rule::{Condition, Recipient, Rule, Rules, Secret, Telling};
pub use standalone::{Ends, Prepared, prepare, standalone};
pub use watch::{RulesFile, known};
