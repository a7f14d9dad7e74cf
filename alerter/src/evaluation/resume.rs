//! How an evaluator goes on after a start, and with other rules.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{AlertState, Changes, End, Latest, Phase, Transition};
use telemetry::SteadyClock;

use super::absence::{Absences, is_history, is_remembered};
use super::condition::ConditionState;
use super::instance::{Recording, RuleInstance};
use super::order::{self, Newest};
use super::series::{Seen, SeriesState, instances};
use super::state::{State, shifted};
use super::{Evaluator, admit, incident, seen, stepped};
use crate::rules::{Condition, Rule, Rules};

impl Evaluator {
    /// Goes on from the stored alert states, and from the latest reading of every series that the store knows.
    ///
    /// Readings that were evaluated after the last change, and are evaluated again in the same order, change nothing again.
    /// An incident whose rule is gone, no longer concerns the series or has another kind of condition ends; so does the
    /// absence of a device that the store does not know and no rule expects any more. A rate is measured against the
    /// latest reading. A value that came once before the start counts as the same from the next time on.
    #[must_use]
    pub fn resume(
        rules: Arc<Rules>,
        alert_states: Vec<AlertState>,
        latest: &[Latest],
        now: Timestamp,
    ) -> (Self, Changes) {
        Self::resume_by(SteadyClock::default(), rules, alert_states, latest, now)
    }

    /// As [`resume`](Self::resume), by a clock that goes on evenly.
    #[must_use]
    pub fn resume_by(
        steady: SteadyClock,
        rules: Arc<Rules>,
        alert_states: Vec<AlertState>,
        latest: &[Latest],
        now: Timestamp,
    ) -> (Self, Changes) {
        let mut evaluator = Self {
            rules,
            numbers: HashMap::new(),
            series_states: Vec::new(),
            absences: Absences::new(steady.now_or(now)),
            steady,
            firing: 0,
            instances: 0,
            unusual: 0,
        };
        let mut changes = Changes::default();
        for latest in latest {
            evaluator.know(latest);
        }
        evaluator.resume_alert_states(alert_states, now, &mut changes);
        evaluator.watch(now, &mut changes);
        (evaluator, changes)
    }

    fn know(&mut self, latest: &Latest) {
        let number = self.number(&latest.series);
        let device = &mut self.series_states[number as usize];
        device.last_seen = Some(seen(&self.steady, latest.received_at));
        device.last_age = latest.received_at.duration_since(latest.measured_at);
        device.last_value = Some(latest.value);
        let at = shifted(latest.measured_at, -stepped(&self.steady, latest));
        device.instances.iter_mut().for_each(|instance| instance.condition_state.know(at, latest.value));
    }

    fn resume_alert_states(&mut self, alert_states: Vec<AlertState>, now: Timestamp, changes: &mut Changes) {
        let rules = Arc::clone(&self.rules);
        let by_name: HashMap<_, _> =
            (0u32..).zip(&rules.rules).map(|(index, rule)| (&*rule.name, index)).collect();
        for alert_state in alert_states {
            let number = self.number(&alert_state.series);
            let device = &mut self.series_states[number as usize];
            let newest = order::newest(device.place().into_iter().chain(alert_state.newest), now);
            device.newest = newest.map(|place| Newest { place, received_at: now.max(place.measured_at) });
            let rule = by_name
                .get(&*alert_state.rule)
                .filter(|index| goes_on(&alert_state, &rules.rules[**index as usize]));
            match device.instances.iter_mut().find(|instance| Some(&instance.rule) == rule) {
                Some(instance) => instance.resume(alert_state),
                None => end(alert_state, now, changes),
            }
        }
        let instances = self.series_states.iter().flat_map(|device| &device.instances);
        self.firing = instances.filter(|instance| instance.state.open().is_some()).count();
    }

    /// Goes on with other rules, from where each device stands towards those of the same name and kind of condition.
    pub fn adopt(&mut self, rules: Arc<Rules>, now: Timestamp) -> Changes {
        let old = std::mem::replace(&mut self.rules, rules);
        let rules = Arc::clone(&self.rules);
        let heirs: Vec<_> = old.rules.iter().map(|rule| heir(rule, &rules)).collect();
        let mut changes = Changes::default();
        (self.instances, self.unusual) = (0, 0);
        for device in &mut self.series_states {
            let new = instances(&device.series, &rules);
            let before = std::mem::replace(&mut device.instances, new);
            for mut instance in before {
                let index = instance.rule as usize;
                let heir =
                    heirs[index].and_then(|heir| device.instances.iter_mut().find(|new| new.rule == heir));
                if let Some(heir) = heir {
                    heir.inherit(instance, &old.rules[index].condition, &rules);
                } else if !instance.is_normal() {
                    let mut recording = Recording {
                        rule: &old.rules[index],
                        series: &device.series,
                        newest: device.newest.map(|newest| newest.place),
                        judged_at: now,
                        stepped: SignedDuration::ZERO,
                        changes: &mut changes,
                        firing: &mut self.firing,
                    };
                    instance.close(now, None, End::RuleRemoved, &mut recording);
                }
            }
            admit(&mut device.instances, &mut self.unusual, rules.max_unusual);
            self.instances += device.instances.len();
        }
        self.watch(now, &mut changes);
        changes
    }

    /// Waits, from now on, for all devices whose absence is to be noticed.
    fn watch(&mut self, now: Timestamp, changes: &mut Changes) {
        let rules = Arc::clone(&self.rules);
        let mut expected = HashSet::new();
        for (index, rule) in (0u32..).zip(&rules.rules) {
            expected.extend(rule.expect.iter().map(|series| (index, self.number(series))));
        }
        self.absences.clear();
        for (number, device) in (0u32..).zip(&mut self.series_states) {
            let SeriesState { series, newest, last_seen, last_age, instances, .. } = device;
            for (place, instance) in (0u32..).zip(instances) {
                let rule = &rules.rules[instance.rule as usize];
                let Condition::Absent { after } = rule.condition else { continue };
                instance.condition_state = ConditionState::of(&rule.condition);
                let (judged_at, newest, firing) = (now, newest.map(|newest| newest.place), &mut self.firing);
                let (changes, stepped) = (&mut *changes, SignedDuration::ZERO);
                let mut recording = Recording { rule, series, newest, judged_at, stepped, changes, firing };
                let expected = expected.contains(&(instance.rule, number));
                let is_history = is_history(*last_age, after);
                let is_recent = |last: &Seen| is_remembered(last.steady, after, self.steady.now_or(now));
                let remembered = last_seen
                    .filter(|last| expected || (!is_history && is_recent(last)))
                    .map(|last| last.received_at);
                let signs = Signs { has_spoken: last_seen.is_some(), remembered, expected };
                if let Some(last) = last_sign(instance, signs, &mut recording) {
                    self.absences.wait(instance, (number, place), self.steady.heard(last), after);
                }
            }
        }
    }
}

/// What is known of a device that may be absent.
struct Signs {
    has_spoken: bool,
    /// When it spoke last, unless that is too long ago to wait for it.
    remembered: Option<Timestamp>,
    expected: bool,
}

/// From when on a device is waited for: what it last said, or when it was first expected.
fn last_sign(instance: &mut RuleInstance, signs: Signs, recording: &mut Recording<'_>) -> Option<Timestamp> {
    let (now, Signs { has_spoken, remembered, expected }) = (recording.judged_at, signs);
    match (&instance.state, has_spoken) {
        // It never spoke and need not any more.
        (State::Firing(_) | State::Recovering { .. }, false) if !expected => {
            instance.close(now, None, End::RuleRemoved, recording);
            None
        }
        (State::Firing(_) | State::Recovering { .. }, _) => None,
        (&State::Pending { since }, false) if expected => Some(since),
        (State::Pending { .. }, _) => {
            instance.close(now, None, End::RuleRemoved, recording);
            remembered
        }
        (State::Normal, false) if expected => {
            instance.state = State::Pending { since: now };
            instance.write(recording);
            Some(now)
        }
        (State::Normal, _) => remembered,
    }
}

impl RuleInstance {
    /// Readings that a rate was measured against are of no use over another time.
    fn inherit(&mut self, before: Self, condition: &Condition, rules: &Rules) {
        self.state = before.state;
        let over = |condition: &Condition| {
            if let Condition::Rate { over, .. } = condition { Some(*over) } else { None }
        };
        if over(condition) == over(&rules.rules[self.rule as usize].condition) {
            self.condition_state = before.condition_state;
        }
    }
}

/// How many open incidents end because their rules are gone, by rule.
#[must_use]
pub fn removed(changes: &Changes) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for transition in &changes.transitions {
        if let Transition::Resolved { id, end: End::RuleRemoved, .. } = transition {
            // The id begins with the rule.
            *counts.entry(id.split('/').next().unwrap_or(id)).or_default() += 1;
        }
    }
    counts
}

/// The rule that takes another's place.
fn heir(old: &Rule, rules: &Rules) -> Option<u32> {
    let kind = |rule: &Rule| incident::kind(&rule.condition);
    let mut heirs =
        (0u32..).zip(&rules.rules).filter(|(_, new)| new.name == old.name && kind(new) == kind(old));
    heirs.next().map(|(index, _)| index)
}

/// Whether a rule may go on from an alert state; one that an earlier version kept does not say of what kind it is.
fn goes_on(alert_state: &AlertState, rule: &Rule) -> bool {
    alert_state.kind.is_none_or(|kind| kind == incident::kind(&rule.condition))
}

/// The rule is gone, concerns other topics now or is of another kind.
fn end(alert_state: AlertState, now: Timestamp, changes: &mut Changes) {
    let id = match &alert_state.phase {
        Phase::Normal => return,
        Phase::Pending { .. } => None,
        Phase::Firing { incident, .. } | Phase::Recovering { incident, .. } => Some(incident.clone()),
    };
    if let Some(id) = id {
        let end = Transition::Resolved { id, at: now, judged_at: now, value: None, end: End::RuleRemoved };
        changes.transitions.push(end);
    }
    changes.alert_states.push(AlertState { phase: Phase::Normal, value: None, ..alert_state });
}
