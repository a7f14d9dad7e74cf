//! Readings → incidents, in the order in which they were measured; pure.

mod absence;
mod condition;
mod incident;
mod instance;
mod order;
mod resume;
mod series;
mod state;
mod unusual;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{Changes, End};
use telemetry::time::saturating_add;
use telemetry::{Clock, MAX_READINGS, Reading, Series, SteadyClock};

use crate::rules::{Condition, Rule, Rules};
use absence::Absences;
use condition::ConditionState;
use incident::Freshness;
use instance::{Recording, RuleInstance};
use order::{Newest, ReadingOrder};
use series::{Seen, SeriesState};
use state::State;

pub use resume::removed;

/// The rules, and how each device and metric stands towards them.
///
/// Evidence is readings alone: `for` and `keep_firing_for` pass from reading to reading, in `measured_at`, never by a
/// clock. Only absence goes by the time at which readings come. A device is absent when the broker took nothing
/// of it for as long as the rule says, and for at least 10 seconds since a start of ours (or as long as the rule
/// says, if that is less); any reading ends it, however old it is. That time, and the time between readings that the
/// broker stamped, is measured by a [`SteadyClock`], which no step of the wall clock changes.
#[derive(Debug)]
pub struct Evaluator {
    rules: Arc<Rules>,
    /// Indices of devices.
    numbers: HashMap<Series, u32>,
    series_states: Vec<SeriesState>,
    absences: Absences,
    steady: SteadyClock,
    firing: usize,
    instances: usize,
    /// How many series are watched for unusual values.
    unusual: u32,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// Whether a newer reading of its series was evaluated before: this one can then only end an absence.
    pub late: bool,
    /// How many rules evaluated it.
    pub evaluations: u32,
    /// Index of a rule that could not evaluate it: its unit measures something else than that of the rule.
    pub incomparable: Option<u32>,
    /// Whether it is far from the values before it, by the simple rule of [`analytics::Rolling`]; no incident opens by that.
    pub is_anomaly: bool,
}

impl Evaluator {
    /// Evaluates a reading by every rule that concerns it.
    ///
    /// One that was measured before the newest of its series, or is that again, changes nothing: what it says is no
    /// longer true. One that is more than a minute old when it comes, and comes out of step with the one before,
    /// opens an incident that is not announced until a fresh reading leaves it open.
    pub fn observe(&mut self, reading: &Reading, judged_at: Timestamp, changes: &mut Changes) -> Observed {
        let number = self.number(&reading.series);
        let Self { rules, series_states, absences, steady, firing, .. } = self;
        let SeriesState { series, newest, last_seen, last_age, last_value, rolling, instances } =
            &mut series_states[number as usize];
        let order = newest.map_or(ReadingOrder::Newer, |newest| newest.order(reading, judged_at));
        let is_stale = order::is_stale(reading, newest.as_ref());
        let is_same_instant = newest.is_some_and(|newest| newest.is_same_instant(reading));
        let mut is_anomaly = false;
        if order == ReadingOrder::Newer {
            *newest = Some(Newest::of(reading));
            *last_value = Some(reading.value);
            is_anomaly = rolling.get_or_insert_default().judge(reading.value).is_anomaly;
        }
        *last_age = reading.received_at.duration_since(reading.measured_at);
        let heard_at = SeriesState::see(last_seen, seen(steady, reading.received_at));
        let stepped = stepped(steady, reading);
        let newest = newest.map(|newest| newest.place);
        let mut incomparable = None;
        for (index, instance) in (0u32..).zip(instances.iter_mut()) {
            let rule = &rules.rules[instance.rule as usize];
            let (changes, firing) = (&mut *changes, &mut *firing);
            let mut recording = Recording { rule, series, newest, judged_at, stepped, changes, firing };
            if let Condition::Absent { after } = rule.condition {
                let is_awaited = instance.is_awaited() || !absence::is_history(*last_age, after);
                if absence::heard(instance, reading, &mut recording) && is_awaited {
                    absences.wait(instance, (number, index), heard_at, after);
                }
            } else if order == ReadingOrder::Newer {
                let freshness = Freshness { is_stale, is_same_instant };
                if !instance.evaluate(reading, freshness, &mut recording) {
                    incomparable = Some(instance.rule);
                }
            }
        }
        let evaluations = if order == ReadingOrder::Newer { instances.len() } else { 0 };
        Observed {
            late: order == ReadingOrder::Older,
            evaluations: u32::try_from(evaluations).unwrap_or(u32::MAX),
            incomparable,
            is_anomaly,
        }
    }

    /// The series that rules watch for unusual values and of which nothing is known yet: [`learn`](Self::learn) what the store
    /// has of them.
    #[must_use]
    pub fn to_learn(&self) -> Vec<Series> {
        let learns = |state: &&SeriesState| {
            state.last_seen.is_some()
                && state.instances.iter().any(|instance| instance.condition_state.learns())
        };
        self.series_states.iter().filter(learns).map(|state| state.series.clone()).collect()
    }

    /// Learns what a series did, oldest first, for unusual values to be told from it. Nothing is judged.
    pub fn learn(&mut self, series: &Series, readings: &[Reading]) {
        let number = self.number(series);
        let Self { series_states, steady, .. } = self;
        for instance in &mut series_states[number as usize].instances {
            for reading in readings {
                let at = state::shifted(reading.measured_at, -stepped(steady, reading));
                instance.condition_state.learn(at, reading.value);
            }
        }
    }

    /// Knows from the store that a device was heard; an absence that is open ends with the reading itself.
    pub fn heard(&mut self, series: &Series, received_at: Timestamp) {
        let number = self.number(series);
        let Self { rules, series_states, absences, steady, .. } = self;
        let device = &mut series_states[number as usize];
        let seen = seen(steady, received_at);
        if device.last_seen.is_some_and(|last| last.steady >= seen.steady) {
            return;
        }
        device.last_seen = Some(seen);
        for (index, instance) in (0u32..).zip(device.instances.iter_mut()) {
            let rule = &rules.rules[instance.rule as usize];
            if let Condition::Absent { after } = rule.condition
                && instance.state.open().is_none()
            {
                absences.wait(instance, (number, index), seen.steady, after);
            }
        }
    }

    /// Forgets what was received of devices up to the times that are given: they are waited for no more until they speak again,
    /// whatever expects them, and their open incidents end.
    pub fn forget(
        &mut self,
        forgotten: impl Fn(&str) -> Option<Timestamp>,
        judged_at: Timestamp,
        changes: &mut Changes,
    ) {
        let Self { rules, series_states, absences, firing, .. } = self;
        for (number, state) in (0u32..).zip(series_states) {
            let Some(at) = forgotten(state.series.device()) else { continue };
            if state.last_seen.is_some_and(|seen| seen.received_at > at) {
                continue;
            }
            let SeriesState { series, newest, instances, .. } = state;
            for (index, instance) in (0u32..).zip(instances.iter_mut()) {
                let rule = &rules.rules[instance.rule as usize];
                absences.forget(instance, (number, index));
                let newest = newest.map(|newest| newest.place);
                let (changes, firing, stepped) = (&mut *changes, &mut *firing, SignedDuration::ZERO);
                let mut recording = Recording { rule, series, newest, judged_at, stepped, changes, firing };
                if !instance.is_normal() {
                    instance.close(judged_at, None, End::RuleRemoved, &mut recording);
                }
            }
            *state = SeriesState::new(series.clone(), rules);
        }
    }

    /// Reads the clock; returns by how much it was stepped since the last time, if it was.
    pub fn follow(&mut self, clock: &dyn Clock) -> Option<SignedDuration> {
        self.steady.follow(clock)
    }

    /// What time it is by the clock that goes on evenly: the one that [`advance`](Self::advance) goes by.
    #[must_use]
    pub fn steady_now(&self, now: Timestamp) -> Timestamp {
        self.steady.now_or(now)
    }

    /// When, by that clock, the broker took what it stamped so.
    #[must_use]
    pub fn steady_at(&self, received_at: Timestamp) -> Timestamp {
        self.steady.at(received_at)
    }

    /// The clock that goes on evenly, for the evaluator that takes over from this one.
    #[must_use]
    pub fn steady_clock(&self) -> &SteadyClock {
        &self.steady
    }

    /// Whether [`advance`](Self::advance) would open an incident.
    #[must_use]
    pub fn overdue(&self, clock: Timestamp) -> bool {
        self.next_deadline().is_some_and(|deadline| deadline <= clock)
    }

    /// Opens incidents for devices that are absent at a time of the steady clock, up to which every reading that the broker
    /// received was evaluated.
    pub fn advance(&mut self, clock: Timestamp, judged_at: Timestamp, changes: &mut Changes) {
        let Self { rules, series_states, absences, firing, .. } = self;
        while let Some((number, index)) = absences.pop(clock) {
            let SeriesState { series, newest, last_seen, last_value, instances, .. } =
                &mut series_states[number as usize];
            let instance = &mut instances[index as usize];
            instance.condition_state = ConditionState::Absent { deadline: None };
            let rule = &rules.rules[instance.rule as usize];
            let expected_since =
                if let State::Pending { since } = instance.state { Some(since) } else { None };
            let (Condition::Absent { after }, Some(began_at)) =
                (rule.condition, last_seen.map(|seen| seen.received_at).or(expected_since))
            else {
                continue;
            };
            let opened_at = saturating_add(began_at, after);
            let newest = newest.map(|newest| newest.place);
            let incident = incident::by_absence(rule, series, *last_value, began_at, opened_at);
            let (changes, firing) = (&mut *changes, &mut *firing);
            let stepped = SignedDuration::ZERO;
            let mut recording = Recording { rule, series, newest, judged_at, stepped, changes, firing };
            instance.open(incident, &mut recording);
        }
    }

    /// When the next device is absent if nothing comes; exact.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.absences.first()
    }

    /// The rule with this index among those in force.
    pub(crate) fn rule(&self, index: u32) -> &Rule {
        &self.rules.rules[index as usize]
    }

    /// How many incidents are open.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.firing
    }

    /// How many pairs of a rule with a device and metric there are.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// How many series are watched for unusual values.
    #[must_use]
    pub fn unusual(&self) -> u32 {
        self.unusual
    }

    fn number(&mut self, series: &Series) -> u32 {
        if let Some(&number) = self.numbers.get(series) {
            return number;
        }
        let number =
            u32::try_from(self.series_states.len()).expect("memory for 4 billion devices is never there");
        let mut device = SeriesState::new(series.clone(), &self.rules);
        admit(&mut device.instances, &mut self.unusual, self.rules.max_unusual);
        self.instances += device.instances.len();
        self.numbers.insert(series.clone(), number);
        self.series_states.push(device);
        number
    }
}

/// Leaves those out that would watch more series for unusual values than there may be.
fn admit(instances: &mut [RuleInstance], unusual: &mut u32, max: u32) {
    for instance in instances {
        if let ConditionState::Unusual(series) = &mut instance.condition_state {
            let is_room = *unusual < max;
            *unusual += u32::from(is_room);
            match is_room {
                true => drop(series.get_or_insert_default()),
                false => *series = None,
            }
        }
    }
}

fn seen(steady: &SteadyClock, received_at: Timestamp) -> Seen {
    Seen { received_at, steady: steady.heard(received_at) }
}

/// How far the broker's clock was ahead of the steady one when it stamped this; zero where the device sent the time.
fn stepped(steady: &SteadyClock, reading: &Reading) -> SignedDuration {
    let later = reading.measured_at.duration_since(reading.received_at);
    if later.unsigned_abs().as_micros() > MAX_READINGS as u128 {
        return SignedDuration::ZERO;
    }
    reading.received_at.duration_since(steady.at(reading.received_at))
}
