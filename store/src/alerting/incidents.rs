//! Incidents: from the opening, through acknowledgement, to the end.

mod cursor;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Filter, Scope};

use super::alert_states::AlertState;
use super::conditions::Condition;
use super::notifications::{Address, Notification};
use super::silences::RuleInstance;
use crate::engine::row::Row;
use crate::engine::statement::Statement;
use crate::text_codec::text_codec;
use crate::unavailable::Result;

pub use self::cursor::{IncidentCursor, IncidentCursorError};

/// A time during which a rule was violated by one series, with its notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The same for the same rule, series and opening, however often it is evaluated.
    pub id: String,
    /// The name of the rule.
    pub rule: String,
    /// How serious the rule says it is.
    pub severity: Severity,
    /// The device's name.
    pub device: String,
    /// The metric's name.
    pub metric: String,
    /// What was violated.
    pub condition: Condition,
    /// When the condition first held: `measured_at` of a reading, or when an absent device was last heard.
    pub began_at: Timestamp,
    /// When the condition had held for as long as the rule asks, in the same time as `began_at`.
    pub opened_at: Timestamp,
    /// When the alerter decided that.
    pub judged_at: Timestamp,
    /// What opened it: the value, or for a rate the change per minute. None for a device that was never heard.
    pub value: Option<f64>,
    /// The unit of `value`, as the device sent it.
    pub unit: Option<String>,
    /// The value, or change per minute, that was furthest beyond the threshold.
    pub peak: Option<f64>,
    /// `measured_at` of the peak.
    pub peak_at: Option<Timestamp>,
    /// `measured_at` of the reading that ended it, or when its rule was removed. None while it is open.
    pub resolved_at: Option<Timestamp>,
    /// The value that ended it.
    pub resolved_value: Option<f64>,
    /// Why it is over. None while it is open.
    pub end: Option<End>,
    /// Who looks after it.
    pub acknowledged: Option<Acknowledgement>,
    /// It was opened by a reading that was old when it arrived: notifications wait until a fresh reading confirms it.
    pub late: bool,
    /// In the order in which they were asked for.
    pub notifications: Vec<Notification>,
}

impl Incident {
    /// The rule and the series that it is an incident of.
    #[must_use]
    pub fn instance(&self) -> RuleInstance<'_> {
        RuleInstance { rule: &self.rule, metric: &self.metric, device: &self.device }
    }
}

/// What is counted of an incident, where there may be many: all but its values, times and notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentSummary {
    /// As [`Incident::id`].
    pub id: String,
    /// As [`Incident::rule`].
    pub rule: String,
    /// As [`Incident::severity`].
    pub severity: Severity,
    /// As [`Incident::device`].
    pub device: String,
    /// As [`Incident::metric`].
    pub metric: String,
    /// As [`Incident::opened_at`].
    pub opened_at: Timestamp,
    /// Whether it is not resolved.
    pub open: bool,
    /// Whether it is acknowledged.
    pub acknowledged: bool,
}

impl IncidentSummary {
    /// The rule and the series that it is an incident of.
    #[must_use]
    pub fn instance(&self) -> RuleInstance<'_> {
        RuleInstance { rule: &self.rule, metric: &self.metric, device: &self.device }
    }
}

/// How serious an incident is; a greater one is more serious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// Good to know.
    Info,
    /// A person should look at it.
    #[default]
    Warning,
    /// A person should act now.
    Critical,
}

/// Why an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The condition no longer holds.
    Cleared,
    /// The rule was removed, or no longer applies to the device, or the device was forgotten.
    RuleRemoved,
}

/// An acknowledgement: a person sees to the incident, and no more reminders are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it.
    pub by: String,
    /// What they wrote; may be empty.
    pub note: String,
}

/// What evaluation changed, to be stored in one transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Changes of incidents, in order.
    pub transitions: Vec<Transition>,
    /// Each replaces what was stored for the same rule and series.
    pub alert_states: Vec<AlertState>,
}

/// A change of an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// The incident opened, and these addresses are notified; its own `notifications` are empty.
    Opened(Box<Incident>, Vec<Address>),
    /// A late incident turned out to be still true: notifies those who were not notified yet.
    Announced {
        /// The incident.
        id: String,
        /// When that was decided.
        at: Timestamp,
        /// Whom to notify.
        to: Vec<Address>,
    },
    /// An open incident has a new peak.
    Peaked {
        /// The incident.
        id: String,
        /// `measured_at` of the peak.
        at: Timestamp,
        /// The peak.
        value: f64,
    },
    /// The incident is over. Notifies those who were notified of the opening, or will be.
    Resolved {
        /// The incident.
        id: String,
        /// As [`Incident::resolved_at`].
        at: Timestamp,
        /// When the alerter decided that.
        judged_at: Timestamp,
        /// As [`Incident::resolved_value`].
        value: Option<f64>,
        /// Why it is over.
        end: End,
    },
}

/// Which incidents to read: open ones come first, then the newest opening.
///
/// What is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct IncidentQuery {
    /// The incident's id.
    pub id: Option<String>,
    /// The rule's name.
    pub rule: Option<String>,
    /// The metric's name.
    pub metric: Option<String>,
    /// A filter of device names.
    pub device: Option<Filter>,
    /// Only of these devices.
    pub scope: Scope,
    /// Exactly this severity.
    pub severity: Option<Severity>,
    /// Only open incidents, or only those that are over.
    pub open: Option<bool>,
    /// Only incidents that were acknowledged, or only those that were not.
    pub acknowledged: Option<bool>,
    /// Only incidents that were open at this time or later ...
    pub from: Option<Timestamp>,
    /// ... and opened before this time.
    pub to: Option<Timestamp>,
    /// Only what comes after this cursor.
    pub after: Option<IncidentCursor>,
    /// Incidents, at most; 0 counts as 1.
    pub limit: usize,
}

/// Where incidents are stored, and the alert states that belong to them.
///
/// # Errors
/// Every call: nothing was changed; keep what you have and repeat the call.
#[async_trait]
pub trait Incidents: Send + Sync {
    /// Stores changes, and the notifications they ask for, in one transaction; what is stored already is left as it is.
    async fn record(&self, changes: &Changes) -> Result<()>;

    /// What evaluation goes on from after a start, by rule, device and metric.
    async fn alert_states(&self) -> Result<Vec<AlertState>>;

    /// The incidents that a query asks for, in its order.
    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>>;

    /// The same incidents, in the same order, as far as they are counted.
    async fn incident_summaries(&self, query: &IncidentQuery) -> Result<Vec<IncidentSummary>>;

    /// How many incidents are not resolved.
    async fn open_count(&self) -> Result<u64>;

    /// Notes who looks after incidents, in one transaction; returns of how many. What is acknowledged or resolved
    /// already, or unknown, stays as it is.
    async fn acknowledge(&self, incidents: &[String], acknowledgement: &Acknowledgement) -> Result<u64>;
}

text_codec!(Severity: Info "info", Warning "warning", Critical "critical");
text_codec!(End: Cleared "cleared", RuleRemoved "rule removed");

/// The columns that [`read`] reads, in its order.
const COLUMNS: &str = "
    i.number, i.id, i.rule, i.severity, i.device, i.metric, i.condition_kind, i.condition_text, i.threshold, i.began_at,
    i.opened_at, i.judged_at, i.value, i.unit, i.peak, i.peak_at, i.resolved_at, i.resolved_value, i.ending,
    i.acknowledged_at, i.acknowledged_by, i.acknowledged_note, i.late";

/// Where the device stands in [`COLUMNS`].
const DEVICE: usize = 4;

/// The columns that [`read_summary`] reads, in its order; the device stands where it stands in [`COLUMNS`].
const SUMMARY_COLUMNS: &str = "
    i.id, i.rule, i.severity, i.metric, i.device, i.opened_at, i.resolved_at, i.acknowledged_at";

fn read_summary(row: &Row<'_>) -> anyhow::Result<IncidentSummary> {
    Ok(IncidentSummary {
        id: row.get(0)?,
        rule: row.get(1)?,
        severity: row.word(2)?,
        metric: row.get(3)?,
        device: row.get(DEVICE)?,
        opened_at: row.time(5)?,
        open: row.time_if_any(6)?.is_none(),
        acknowledged: row.time_if_any(7)?.is_some(),
    })
}

/// An incident without its notifications, with its number.
type Numbered = (i64, Incident);

fn read(row: &Row<'_>) -> anyhow::Result<Numbered> {
    let incident = Incident {
        id: row.get(1)?,
        rule: row.get(2)?,
        severity: row.word(3)?,
        device: row.get(DEVICE)?,
        metric: row.get(5)?,
        condition: Condition { kind: row.word(6)?, text: row.get(7)?, threshold: row.get(8)? },
        began_at: row.time(9)?,
        opened_at: row.time(10)?,
        judged_at: row.time(11)?,
        value: row.get(12)?,
        unit: row.get(13)?,
        peak: row.get(14)?,
        peak_at: row.time_if_any(15)?,
        resolved_at: row.time_if_any(16)?,
        resolved_value: row.get(17)?,
        end: row.word_if_any(18)?,
        acknowledged: acknowledgement(row)?,
        late: row.get(22)?,
        notifications: Vec::new(),
    };
    Ok((row.get(0)?, incident))
}

fn acknowledgement(row: &Row<'_>) -> anyhow::Result<Option<Acknowledgement>> {
    let Some(at) = row.time_if_any(19)? else { return Ok(None) };
    Ok(Some(Acknowledgement { at, by: row.get(20)?, note: row.get(21)? }))
}

/// Notes who looks after an incident that is open and not acknowledged.
pub(crate) fn acknowledge_one(
    id: &str,
    acknowledgement: &Acknowledgement,
    stored_at: Timestamp,
) -> Statement {
    const UPDATE: &str = "
        UPDATE incidents SET acknowledged_at = $2, acknowledged_by = $3, acknowledged_note = $4, stored_at = $5
        WHERE id = $1 AND acknowledged_at IS NULL AND resolved_at IS NULL";
    let Acknowledgement { at, by, note } = acknowledgement;
    let params = [id.into(), (*at).into(), by.into(), note.into(), stored_at.into()];
    Statement::new("acknowledge an incident", UPDATE, params)
}
