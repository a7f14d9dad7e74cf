//! Who is waited for, and until when.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use telemetry::time::saturating_add;
use telemetry::{Reading, is_ahead};

use super::condition::ConditionState;
use super::incident::began_micros;
use super::instance::{Recording, RuleInstance};
use store::End;

/// Devices have this long after a start of ours to come back, or as long as the rule gives them if that is less.
const COME_BACK: Duration = Duration::from_secs(10);

/// A device that is silent for longer before a start is not waited for ...
const FORGOTTEN: Duration = Duration::from_hours(24);

/// ... unless this many times the rule's time is longer still.
const FORGOTTEN_TIMES: u32 = 10;

/// Index of a device, and of a instance of it.
pub(super) type Number = (u32, u32);

/// Deadlines of all that is waited for, by the steady clock, in order; asked often and changed with every reading.
#[derive(Debug)]
pub(super) struct Absences {
    deadlines: BTreeSet<(Timestamp, Number)>,
    resumed_at: Timestamp,
}

impl Absences {
    pub(super) fn new(resumed_at: Timestamp) -> Self {
        Self { deadlines: BTreeSet::new(), resumed_at }
    }

    pub(super) fn clear(&mut self) {
        self.deadlines.clear();
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    pub(super) fn pop(&mut self, clock: Timestamp) -> Option<Number> {
        self.first().filter(|&first| first <= clock)?;
        self.deadlines.pop_first().map(|(_, number)| number)
    }

    /// Waits for a device no more.
    pub(super) fn forget(&mut self, instance: &mut RuleInstance, number: Number) {
        if let ConditionState::Absent { deadline } = &mut instance.condition_state
            && let Some(old) = deadline.take()
        {
            self.deadlines.remove(&(old, number));
        }
    }

    /// Waits for a device that was last heard, or first expected, at some time.
    pub(super) fn wait(
        &mut self,
        instance: &mut RuleInstance,
        number: Number,
        last: Timestamp,
        after: Duration,
    ) {
        let ConditionState::Absent { deadline } = &mut instance.condition_state else { return };
        let new = saturating_add(last, after).max(saturating_add(self.resumed_at, after.min(COME_BACK)));
        if *deadline == Some(new) {
            return;
        }
        if let Some(old) = deadline.replace(new) {
            self.deadlines.remove(&(old, number));
        }
        self.deadlines.insert((new, number));
    }
}

/// What a reading says of absence, whenever it was measured; false if it came before the incident did.
pub(super) fn heard(instance: &mut RuleInstance, reading: &Reading, recording: &mut Recording<'_>) -> bool {
    let began = instance.state.open().map(|open| began_micros(&open.id).unwrap_or(i64::MIN));
    let (at, value) = (reading.received_at, reading.value);
    let is_before = |began: &i64| {
        // A device that was last heard in the future was so by a clock that was wrong.
        let began = Timestamp::from_microsecond(*began).unwrap_or(Timestamp::MIN);
        at <= began && !is_ahead(began, recording.judged_at)
    };
    if began.as_ref().is_some_and(is_before) {
        return false;
    }
    if !instance.is_normal() {
        instance.close(at, Some(value), End::Cleared, recording);
    }
    true
}

/// Whether a reading of this age tells of the past alone, as a replay of old files does: a device that is heard for the first
/// time by it is not waited for.
pub(super) fn is_history(age: SignedDuration, after: Duration) -> bool {
    age.unsigned_abs() > FORGOTTEN.max(after.saturating_mul(FORGOTTEN_TIMES)) && age.is_positive()
}

/// Whether a device that was last heard then, by the steady clock, is still waited for.
pub(super) fn is_remembered(last_seen: Timestamp, after: Duration, now: Timestamp) -> bool {
    saturating_add(last_seen, FORGOTTEN.max(after.saturating_mul(FORGOTTEN_TIMES))) >= now
}
