//! What the alerter must not forget: incidents, and the mails that are owed for them.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Result;

/// A time during which a rule was broken, with the mails about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The same for the same rule, device, metric and opening, however often it is judged.
    pub id: String,
    pub rule: String,
    pub device: String,
    pub metric: String,
    /// `measured_at` of the reading that opened it.
    pub opened_at: Timestamp,
    /// The value that opened it.
    pub value: f64,
    pub unit: Option<String>,
    /// `measured_at` of the reading that ended it.
    pub resolved_at: Option<Timestamp>,
    pub resolved_value: Option<f64>,
    pub mails: Vec<Mail>,
}

/// A mail that is owed or was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its Message-ID without angle brackets: fixed when it is owed, the same on every try.
    pub message_id: String,
    pub incident: String,
    pub kind: MailKind,
    /// Addresses, separated by a comma and a space.
    pub recipients: String,
    pub sent_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    Opened,
    Resolved,
}

/// A change of an incident together with the mail that it asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    Opened(Opened),
    Resolved(Resolved),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub id: String,
    pub rule: String,
    pub device: String,
    pub metric: String,
    pub at: Timestamp,
    pub value: f64,
    pub unit: Option<String>,
    pub mail: Option<Mail>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub id: String,
    pub at: Timestamp,
    pub value: f64,
    pub mail: Option<Mail>,
}

/// Where incidents are kept.
///
/// # Errors
/// Every call: nothing was changed; hold what you have and repeat the call.
#[async_trait]
pub trait Incidents: Send + Sync {
    /// Keeps changes and the mails they ask for in one transaction; what is kept already is left as it is.
    async fn record(&self, transitions: &[Transition]) -> Result<()>;

    /// The newest incident of every rule, device and metric: what judging goes on from after a start.
    async fn newest_per_subject(&self) -> Result<Vec<Incident>>;

    /// The newest incidents, open ones first, then by opening, newest first.
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>>;

    /// Mails that are owed, in the order in which they were asked for, each with its incident as it is now.
    async fn owed_mails(&self, limit: usize) -> Result<Vec<(Mail, Incident)>>;

    /// Marks a mail as sent.
    async fn mail_sent(&self, message_id: &str, at: Timestamp) -> Result<()>;

    /// Takes or renews, by the store's clock, the exclusive right to send mails; false while another has it.
    async fn hold_outbox(&self, holder: &str, lease: Duration) -> Result<bool>;

    /// Gives that right up at once; no harm where another has it.
    async fn release_outbox(&self, holder: &str) -> Result<()>;
}
