//! What the alerter must not forget: incidents, and how every device stands towards every rule.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Filter, Series};

use crate::{Attempt, Decisions, Notification, OutgoingMessage, Postponed, Result, Silence};

/// A time during which a rule was broken, with who was told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The same for the same rule, device, metric and opening, however often it is judged.
    pub id: String,
    pub rule: String,
    pub severity: Severity,
    pub device: String,
    pub metric: String,
    pub condition: Condition,
    /// When the condition first held: `measured_at` of a reading, or the last sign of life of a device that is absent.
    pub began_at: Timestamp,
    /// When it had lasted for long enough, in the same time as `began_at`.
    pub opened_at: Timestamp,
    /// When the alerter said so.
    pub judged_at: Timestamp,
    /// What opened it: the value, or for a rate the change per minute. None for a device that never spoke.
    pub value: Option<f64>,
    pub unit: Option<String>,
    /// The value, or change per minute, that was furthest beyond the threshold.
    pub peak: Option<f64>,
    pub peak_at: Option<Timestamp>,
    /// `measured_at` of the reading that ended it, or when its rule was taken away.
    pub resolved_at: Option<Timestamp>,
    pub resolved_value: Option<f64>,
    pub end: Option<End>,
    pub acknowledged: Option<Acknowledgement>,
    /// Opened by a reading that was old when it came: nobody is told before a fresh reading says the same.
    pub late: bool,
    /// In the order in which they were asked for.
    pub notifications: Vec<Notification>,
}

/// What was broken, kept so that it can be said when the rule is no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub kind: ConditionKind,
    /// In words that follow a value: `above 25`, `absent for 2m`.
    pub text: String,
    /// The limit that was crossed, in the unit of the value; none where there is no such limit.
    pub threshold: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionKind {
    Above,
    Below,
    Outside,
    Rate,
    Absent,
    Stuck,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    Info,
    #[default]
    Warning,
    Critical,
}

/// Why an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Cleared,
    /// The rule was removed, or no longer concerns the device.
    RuleRemoved,
}

/// Somebody knows and sees to it: nobody is reminded any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub at: Timestamp,
    pub by: String,
    pub note: String,
}

/// What judging changed, to be kept together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    pub transitions: Vec<Transition>,
    /// Replaces what was kept for the same rule, device and metric.
    pub alert_states: Vec<AlertState>,
}

/// A change of an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// With whom to tell; its `notifications` are empty.
    Opened(Box<Incident>, Vec<Address>),
    /// A late incident turned out to be still true: tells those whom nobody told yet.
    Told {
        id: String,
        at: Timestamp,
        to: Vec<Address>,
    },
    Peaked {
        id: String,
        at: Timestamp,
        value: f64,
    },
    /// Tells those who were told, or are to be told, of the opening.
    Resolved {
        id: String,
        at: Timestamp,
        judged_at: Timestamp,
        value: Option<f64>,
        end: End,
    },
}

/// Who is told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub channel: Channel,
    /// For mail an address; else the name of a recipient in the rules.
    pub to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Mail,
    Webhook,
    Mqtt,
}

/// How one device and metric stands towards one rule, as far as it outlives a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertState {
    pub rule: String,
    /// Of the rule's condition when this was written; none where an earlier version wrote it.
    pub kind: Option<ConditionKind>,
    pub series: Series,
    pub phase: Phase,
    /// Of the newest reading judged when this was written.
    pub newest: Option<OrderKey>,
    /// What the rule has to remember of the newest reading, such as the value that is stuck.
    pub value: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Normal,
    /// The condition holds, and not yet for long enough.
    Pending {
        since: Timestamp,
    },
    Firing {
        incident: String,
        told: bool,
    },
    /// The condition no longer holds, and not yet for long enough.
    Recovering {
        incident: String,
        told: bool,
        since: Timestamp,
    },
}

/// Where a reading stands among those of its device and metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderKey {
    pub measured_at: Timestamp,
    pub boot: Option<u64>,
    pub seq: Option<u64>,
    pub value: f64,
}

/// Which incidents: open ones first, then by opening, newest first.
#[derive(Debug, Clone, Default)]
pub struct IncidentQuery {
    pub id: Option<String>,
    pub rule: Option<String>,
    pub metric: Option<String>,
    /// Of the device's name.
    pub device: Option<Filter>,
    pub severity: Option<Severity>,
    /// Only those that are open, or only those that are not.
    pub open: Option<bool>,
    pub acknowledged: Option<bool>,
    /// Only those that were open at some time from this time on ...
    pub from: Option<Timestamp>,
    /// ... and opened before this time.
    pub to: Option<Timestamp>,
    /// 0 counts as 1.
    pub limit: usize,
}

/// A right that one process has for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// To tell people.
    Outbox,
    /// To say that a device is absent.
    Absence,
}

/// Where incidents are kept.
///
/// # Errors
/// Every call: nothing was changed; hold what you have and repeat the call.
#[async_trait]
pub trait Incidents: Send + Sync {
    /// Keeps changes, and the notifications they ask for, in one transaction; what is kept already is left as it is.
    async fn record(&self, changes: &Changes) -> Result<()>;

    /// What judging goes on from after a start, by rule, device and metric.
    async fn alert_states(&self) -> Result<Vec<AlertState>>;

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>>;

    /// How many incidents are not resolved.
    async fn open_count(&self) -> Result<u64>;

    /// Notifications that are due at this time and neither in a message nor dropped, in the order in which they were asked
    /// for, each with its incident as it is now; and when the next later one is due.
    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)>;

    /// Puts notifications into messages, holds or drops them and asks for reminders, in one transaction.
    ///
    /// A notification that has its message or was dropped stays as it is; a message left without a notification is not made.
    async fn decide(&self, decisions: &Decisions) -> Result<()>;

    /// Messages that are to be tried at this time, oldest first.
    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>>;

    /// Messages that are to be tried after this time, oldest first.
    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>>;

    /// How many messages are neither sent nor given up.
    async fn queued_count(&self) -> Result<u64>;

    /// Notes what became of a message; one that was sent or given up stays as it is.
    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()>;

    /// When messages were made for each address since a time, in order.
    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>>;

    /// Keeps a silence, if there is none with its id.
    async fn add_silence(&self, silence: &Silence) -> Result<()>;

    /// Ends a silence at a time, unless it ends earlier; false where there is none.
    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool>;

    /// Silences that end after this time, by their start.
    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>>;

    /// Notes who sees to an incident, unless somebody does already; false where there is no such incident.
    async fn acknowledge(&self, incident: &str, acknowledgement: &Acknowledgement) -> Result<bool>;

    /// Takes or renews, by the store's clock, a right; false while another has it.
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool>;

    /// Takes a right, whoever has it.
    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()>;

    /// Gives a right up at once; no harm where another has it.
    async fn release(&self, lease: Lease, holder: &str) -> Result<()>;
}
