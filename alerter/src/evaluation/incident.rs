//! A new incident: its id and what is known of it when it opens.

use humantime::format_duration;
use jiff::Timestamp;
use store::{ConditionKind, Incident};
use telemetry::{Reading, Series};

use super::condition::beyond;
use crate::rules::{Condition, Rule};

/// The id follows from the reading, so that evaluating it again after a crash gives the same incident.
///
/// The value is part of it, as a device without `seq` may measure twice in one microsecond.
fn id_by_reading(rule: &Rule, reading: &Reading, is_same_instant: bool) -> String {
    let apart = match reading.seq {
        Some(seq) => format!("-{seq}"),
        None if is_same_instant => format!("-x{:x}", reading.value.to_bits()),
        None => String::new(),
    };
    format!("{}/{}/{}{apart}", rule.name, reading.series, reading.measured_at.as_microsecond())
}

/// The id follows from the last time that the device was heard.
fn id_by_absence(rule: &Rule, series: &Series, began_at: Timestamp) -> String {
    format!("{}/{series}/{}", rule.name, began_at.as_microsecond())
}

/// The microsecond at which the device was last heard, from an incident's id.
pub(super) fn began_micros(id: &str) -> Option<i64> {
    id.rsplit('/').next()?.parse().ok()
}

/// A reading that opens an incident, and what is known beside it.
pub(super) struct Opening<'a> {
    pub(super) reading: &'a Reading,
    /// What it violates, in its own unit.
    pub(super) condition: &'a Condition,
    /// The value, or the change per minute.
    pub(super) measure: f64,
    pub(super) began_at: Timestamp,
    pub(super) freshness: Freshness,
}

/// What is known of a reading's freshness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    /// The reading may no longer be true.
    pub(super) is_stale: bool,
    /// Another reading of the same microsecond was evaluated before.
    pub(super) is_same_instant: bool,
}

pub(super) fn by_reading(rule: &Rule, opening: &Opening<'_>) -> Incident {
    let &Opening { reading, condition, measure, began_at, freshness } = opening;
    let id = id_by_reading(rule, reading, freshness.is_same_instant);
    let peak = beyond(condition, measure).map(|_| measure);
    Incident {
        value: Some(measure),
        unit: reading.unit.clone(),
        peak,
        peak_at: peak.map(|_| reading.measured_at),
        opened_at: reading.measured_at,
        late: freshness.is_stale,
        ..empty(rule, &reading.series, id, describe_converted(rule, condition, measure), began_at)
    }
}

/// An incident that opens because no reading came for long enough.
pub(super) fn by_absence(
    rule: &Rule,
    series: &Series,
    last_value: Option<f64>,
    began_at: Timestamp,
    opened_at: Timestamp,
) -> Incident {
    let id = id_by_absence(rule, series, began_at);
    Incident {
        value: last_value,
        opened_at,
        ..empty(rule, series, id, describe(&rule.condition, 0.0), began_at)
    }
}

fn empty(
    rule: &Rule,
    series: &Series,
    id: String,
    condition: store::Condition,
    began_at: Timestamp,
) -> Incident {
    Incident {
        id,
        rule: rule.name.clone(),
        severity: rule.severity,
        device: series.device().to_owned(),
        metric: series.metric().to_owned(),
        condition,
        began_at,
        opened_at: began_at,
        judged_at: began_at,
        value: None,
        unit: None,
        peak: None,
        peak_at: None,
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: Vec::new(),
    }
}

/// Describes a condition in the unit of a reading. A limit that nobody wrote so has few digits.
fn describe_converted(rule: &Rule, condition: &Condition, measure: f64) -> store::Condition {
    let exact = describe(condition, measure);
    if *condition == rule.condition {
        return exact;
    }
    store::Condition { text: describe(&condition.rounded(), measure).text, ..exact }
}

/// Describes the condition that a value, or a change per minute, violates.
fn describe(condition: &Condition, measure: f64) -> store::Condition {
    let (text, threshold) = match *condition {
        Condition::Above { limit, .. } => (format!("above {limit}"), Some(limit)),
        Condition::Below { limit, .. } => (format!("below {limit}"), Some(limit)),
        Condition::Outside { low, high, .. } => {
            (format!("outside {low} to {high}"), Some(if measure < low { low } else { high }))
        }
        Condition::Rate { per_minute, .. } => {
            (format!("changing by more than {per_minute} per minute"), Some(per_minute))
        }
        Condition::Absent { after } => (format!("absent for {}", format_duration(after)), None),
        Condition::Stuck { after } => (format!("the same for {}", format_duration(after)), None),
        Condition::Unusual { usual, .. } => describe_unusual(usual, measure),
    };
    store::Condition { kind: kind(condition), text, threshold }
}

/// With what most values were until then; and, where the value is outside of that, the end that it is beyond.
fn describe_unusual(usual: Option<(f64, f64)>, measure: f64) -> (String, Option<f64>) {
    let Some((low, high)) = usual else { return ("unusual".to_owned(), None) };
    let crossed = if measure < low { Some(low) } else { Some(high).filter(|high| measure > *high) };
    (format!("unusual, mostly {} to {}", short(low), short(high)), crossed)
}

/// With four digits.
fn short(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

pub(super) fn kind(condition: &Condition) -> ConditionKind {
    match condition {
        Condition::Above { .. } => ConditionKind::Above,
        Condition::Below { .. } => ConditionKind::Below,
        Condition::Outside { .. } => ConditionKind::Outside,
        Condition::Rate { .. } => ConditionKind::Rate,
        Condition::Absent { .. } => ConditionKind::Absent,
        Condition::Stuck { .. } => ConditionKind::Stuck,
        Condition::Unusual { .. } => ConditionKind::Unusual,
    }
}
