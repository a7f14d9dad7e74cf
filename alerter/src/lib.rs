//! Evaluates every reading by rules, opens and resolves incidents, and sends notifications of them.
//!
//! Readings flow through [`Alerter::run`]: a pure [`Evaluator`] turns them into changes of incidents, the store records these,
//! and the [`AlertingOutbox`] turns the notifications that were queued with them into messages and sends those.

#![warn(missing_docs)]

mod alerter;
mod counters;
mod dry_run;
mod evaluation;
mod evaluation_loop;
mod message;
mod notices;
mod notifier;
mod outbox;
mod plan;
pub mod rules;
mod run;
mod standalone;

pub use alerter::Alerter;
pub use counters::Counters;
pub use dry_run::{DryRunResult, Progress, dry_run};
pub use evaluation::{Evaluator, Observed, removed};
pub use message::{Chart, ChartCaption, MessageContext, TemplateError, Templates, Written};
pub use notices::{CertificateFile, NoticeSender};
pub use notifier::mail::{Mail, Mailer};
pub use notifier::mqtt::Mqtt;
pub use notifier::webhook::Webhook;
pub use notifier::{Notifier, Notifiers, SendError};
pub use outbox::AlertingOutbox;
pub use plan::{MadeMails, Plan, PlanInput, plan};
pub use rules::{ActiveHours, Condition, Grouping, Recipient, Rule, Rules, RulesFile, Secret, known};
pub use standalone::{Prepared, Wiring, prepare, standalone};
