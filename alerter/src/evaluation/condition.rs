//! Evaluates readings by a condition.

use std::time::Duration;

use jiff::Timestamp;

use super::state::Evaluation;
use super::unusual::{Said, Unusual};
use crate::rules::Condition;

/// What a condition has to remember of earlier readings.
#[derive(Debug, Default)]
pub(super) enum ConditionState {
    #[default]
    Nothing,
    Rate(Box<Anchors>),
    /// The value that came last, and when it came first.
    Stuck(Option<Repeated>),
    /// When the device is absent if nothing comes; none where no rule waits for it.
    Absent {
        deadline: Option<Timestamp>,
    },
    /// None where there are more such series than the rules allow.
    Unusual(Option<Box<Unusual>>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Repeated {
    pub(super) value: f64,
    pub(super) since: Timestamp,
}

/// An evaluation, and the value or change per minute that it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) evaluation: Evaluation,
    pub(super) measure: f64,
    /// The condition, with what is known of the series by now.
    pub(super) condition: Condition,
}

impl ConditionState {
    /// Empty, as a condition needs it.
    pub(super) fn of(condition: &Condition) -> Self {
        match condition {
            Condition::Rate { .. } => Self::Rate(Box::default()),
            Condition::Stuck { .. } => Self::Stuck(None),
            Condition::Absent { .. } => Self::Absent { deadline: None },
            Condition::Unusual { .. } => Self::Unusual(Some(Box::default())),
            Condition::Above { .. } | Condition::Below { .. } | Condition::Outside { .. } => Self::Nothing,
        }
    }

    /// Knows from the store what a device said last, and when, for a rate to be measured against.
    pub(super) fn know(&mut self, at: Timestamp, value: f64) {
        if let Self::Rate(anchors) = self {
            anchors.push(at.as_microsecond(), value);
        }
    }

    /// Learns a reading of the store, for unusual ones to be told from it.
    pub(super) fn learn(&mut self, at: Timestamp, value: f64) {
        if let Self::Unusual(Some(series)) = self {
            series.learn(at, value);
        }
    }

    /// Whether it is to learn what the store has.
    pub(super) fn learns(&self) -> bool {
        matches!(self, Self::Unusual(Some(series)) if series.is_new())
    }

    /// Evaluates the next reading of a series; absence is found by a timer instead.
    pub(super) fn evaluate(&mut self, condition: &Condition, at: Timestamp, value: f64) -> Evidence {
        let mut known = *condition;
        let (evaluation, measure) = match (condition, self) {
            (Condition::Rate { over, .. }, Self::Rate(anchors)) => match anchors.rate(at, value, *over) {
                Some(rate) => (of_measure(condition, rate, at), rate),
                None => (Evaluation::Unknown, 0.0),
            },
            (Condition::Stuck { .. }, Self::Stuck(same)) => (stuck(same, at, value), value),
            (&Condition::Unusual { sensitivity, .. }, Self::Unusual(series)) => {
                let said = series.as_mut().and_then(|series| series.judge(at, value, sensitivity));
                let unknown = Said { evaluation: Evaluation::Unknown, measure: value, usual: None };
                let Said { evaluation, measure, usual } = said.unwrap_or(unknown);
                known = Condition::Unusual { sensitivity, usual };
                (evaluation, measure)
            }
            _ => (of_measure(condition, value, at), value),
        };
        Evidence { evaluation, measure, condition: known }
    }
}

fn of_measure(condition: &Condition, measure: f64, at: Timestamp) -> Evaluation {
    let clear = match *condition {
        Condition::Above { limit, clear_below } => {
            clear_below.map_or(measure <= limit, |below| measure < below)
        }
        Condition::Below { limit, clear_above } => {
            clear_above.map_or(measure >= limit, |above| measure > above)
        }
        Condition::Outside { low, high, clear_above, clear_below } => {
            (clear_above.unwrap_or(low)..=clear_below.unwrap_or(high)).contains(&measure)
        }
        Condition::Rate { per_minute, clear_below, .. } => {
            clear_below.map_or(measure.abs() <= per_minute, |below| measure.abs() < below)
        }
        Condition::Absent { .. } | Condition::Stuck { .. } | Condition::Unusual { .. } => false,
    };
    match beyond(condition, measure) {
        Some(beyond) if beyond > 0.0 => Evaluation::Violated { since: at },
        _ if clear => Evaluation::Clear,
        _ => Evaluation::Between,
    }
}

/// How far a value, or change per minute, is beyond the limit; none where there is no such limit.
pub(super) fn beyond(condition: &Condition, measure: f64) -> Option<f64> {
    match *condition {
        Condition::Above { limit, .. } => Some(measure - limit),
        Condition::Below { limit, .. } => Some(limit - measure),
        Condition::Outside { low, high, .. } => Some((low - measure).max(measure - high)),
        Condition::Rate { per_minute, .. } => Some(measure.abs() - per_minute),
        Condition::Unusual { usual, .. } => usual.map(|(low, high)| (low - measure).max(measure - high)),
        Condition::Absent { .. } | Condition::Stuck { .. } => None,
    }
}

/// Violated while the value is the one before, since the first of them.
fn stuck(same: &mut Option<Repeated>, at: Timestamp, value: f64) -> Evaluation {
    match *same {
        Some(Repeated { value: before, since }) if before == value => Evaluation::Violated { since },
        _ => {
            *same = Some(Repeated { value, since: at });
            Evaluation::Clear
        }
    }
}

/// How many readings a rate is measured against.
const ANCHORS: usize = 8;

/// Some readings of the time over which a rate is measured, oldest first; after a restart, the newest in the store.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    at_micros: [i64; ANCHORS],
    value: [f64; ANCHORS],
    len: u8,
}

impl Anchors {
    /// The change per minute since the newest reading that is at least `over` old; none before there is one.
    fn rate(&mut self, at: Timestamp, value: f64, over: Duration) -> Option<f64> {
        let at = at.as_microsecond();
        let over = i64::try_from(over.as_micros()).unwrap_or(i64::MAX).max(1);
        if self.newest().is_some_and(|newest| at < newest) {
            // The device's clock was set back, or this was in the store before it was evaluated.
            self.len = 0;
        }
        let anchor = (0..usize::from(self.len)).rev().find(|&index| at - self.at_micros[index] >= over);
        let rate = anchor.map(|anchor| {
            let minutes = (at - self.at_micros[anchor]) as f64 / 60e6;
            ((value - self.value[anchor]) / minutes).clamp(f64::MIN, f64::MAX)
        });
        // The eight of them, with seven spaces between, are never less than `over` apart.
        if self.newest().is_none_or(|newest| at - newest >= over / (ANCHORS as i64 - 1)) {
            self.push(at, value);
        }
        rate
    }

    fn newest(&self) -> Option<i64> {
        usize::from(self.len).checked_sub(1).map(|last| self.at_micros[last])
    }

    fn push(&mut self, at: i64, value: f64) {
        if usize::from(self.len) == ANCHORS {
            self.at_micros.rotate_left(1);
            self.value.rotate_left(1);
            self.len -= 1;
        }
        let index = usize::from(self.len);
        (self.at_micros[index], self.value[index]) = (at, value);
        self.len += 1;
    }
}
