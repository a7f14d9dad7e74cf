//! Incidents: from the opening, through acknowledgement, to the end.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::Filter;

use super::alert_states::AlertState;
use super::notifications::{Address, Notification};
use crate::engine::row::Row;
use crate::text_codec::text_codec;
use crate::unavailable::Result;

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

    /// How many incidents are not resolved.
    async fn open_count(&self) -> Result<u64>;

    /// Notes who looks after an incident, unless somebody does already; false where there is no such incident.
    async fn acknowledge(&self, incident: &str, acknowledgement: &Acknowledgement) -> Result<bool>;
}

text_codec!(Severity: Info "info", Warning "warning", Critical "critical");
text_codec!(ConditionKind: Above "above", Below "below", Outside "outside", Rate "rate", Absent "absent", Stuck "stuck");
text_codec!(End: Cleared "cleared", RuleRemoved "rule removed");

/// The columns that [`read`] reads, in its order.
const COLUMNS: &str = "
    i.number, i.id, i.rule, i.severity, i.device, i.metric, i.condition_kind, i.condition_text, i.threshold, i.began_at,
    i.opened_at, i.judged_at, i.value, i.unit, i.peak, i.peak_at, i.resolved_at, i.resolved_value, i.ending,
    i.acknowledged_at, i.acknowledged_by, i.acknowledged_note, i.late";

/// Where the device stands in [`COLUMNS`].
const DEVICE: usize = 4;

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
