//! How a judge goes on: after a start, and with other rules.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{AlertState, Changes, End, Latest, Phase, Transition};

use super::absence::{Absences, is_remembered};
use super::device::{Device, subjects};
use super::evidence::Memory;
use super::machine::State;
use super::place::{self, Newest};
use super::subject::{Record, Subject};
use super::{Judge, incident};
use crate::{Condition, Rule, Rules};

impl Judge {
    /// Goes on from what was kept, and from the latest reading of every topic that the store knows.
    ///
    /// Readings that were judged after the last change, and are judged again in the same order, change nothing again.
    /// An incident whose rule is gone, no longer concerns the topic or has another kind of condition ends; so does the
    /// absence of a device that the store does not know and nobody expects any more. A rate is measured against the
    /// latest reading. A value that came once before the start counts as the same from the next time on.
    #[must_use]
    pub fn resume(
        rules: Arc<Rules>,
        alert_states: Vec<AlertState>,
        latest: &[Latest],
        now: Timestamp,
    ) -> (Self, Changes) {
        let mut judge = Self {
            rules,
            numbers: HashMap::new(),
            devices: Vec::new(),
            absences: Absences::new(now),
            firing: 0,
            subjects: 0,
        };
        let mut changes = Changes::default();
        for latest in latest {
            judge.know(latest);
        }
        judge.resume_standings(alert_states, now, &mut changes);
        judge.watch(now, &mut changes);
        (judge, changes)
    }

    fn know(&mut self, latest: &Latest) {
        let number = self.number(&latest.series);
        let device = &mut self.devices[number as usize];
        device.last_seen = Some(latest.received_at);
        device.last_value = Some(latest.value);
        device.subjects.iter_mut().for_each(|subject| subject.memory.know(latest));
    }

    fn resume_standings(&mut self, alert_states: Vec<AlertState>, now: Timestamp, changes: &mut Changes) {
        let rules = Arc::clone(&self.rules);
        let by_name: HashMap<_, _> =
            (0u32..).zip(&rules.rules).map(|(index, rule)| (&*rule.name, index)).collect();
        for alert_state in alert_states {
            let number = self.number(&alert_state.series);
            let device = &mut self.devices[number as usize];
            let newest = device.place().into_iter().chain(alert_state.newest).max_by(place::order);
            device.newest = newest.map(|place| Newest { place, received_at: now.max(place.measured_at) });
            let rule = by_name
                .get(&*alert_state.rule)
                .filter(|index| goes_on(&alert_state, &rules.rules[**index as usize]));
            match device.subjects.iter_mut().find(|subject| Some(&subject.rule) == rule) {
                Some(subject) => subject.resume(alert_state),
                None => end(alert_state, now, changes),
            }
        }
        let subjects = self.devices.iter().flat_map(|device| &device.subjects);
        self.firing = subjects.filter(|subject| subject.state.open().is_some()).count();
    }

    /// Goes on with other rules, from where each device stands towards those of the same name and kind of condition.
    pub fn adopt(&mut self, rules: Arc<Rules>, now: Timestamp) -> Changes {
        let old = std::mem::replace(&mut self.rules, rules);
        let rules = Arc::clone(&self.rules);
        let heirs: Vec<_> = old.rules.iter().map(|rule| heir(rule, &rules)).collect();
        let mut changes = Changes::default();
        self.subjects = 0;
        for device in &mut self.devices {
            let new = subjects(&device.series, &rules);
            let before = std::mem::replace(&mut device.subjects, new);
            for mut subject in before {
                let index = subject.rule as usize;
                let heir =
                    heirs[index].and_then(|heir| device.subjects.iter_mut().find(|new| new.rule == heir));
                if let Some(heir) = heir {
                    heir.inherit(subject, &old.rules[index].condition, &rules);
                } else if !subject.is_normal() {
                    let mut record = Record {
                        rule: &old.rules[index],
                        series: &device.series,
                        newest: device.newest.map(|newest| newest.place),
                        judged_at: now,
                        changes: &mut changes,
                        firing: &mut self.firing,
                    };
                    subject.close(now, None, End::RuleRemoved, &mut record);
                }
            }
            self.subjects += device.subjects.len();
        }
        self.watch(now, &mut changes);
        changes
    }

    /// Waits, from now on, for all devices whose absence is to be noticed.
    fn watch(&mut self, now: Timestamp, changes: &mut Changes) {
        let rules = Arc::clone(&self.rules);
        let mut expected = HashSet::new();
        for (index, rule) in (0u32..).zip(&rules.rules) {
            expected.extend(rule.expect.iter().map(|topic| (index, self.number(topic))));
        }
        self.absences.clear();
        for (number, device) in (0u32..).zip(&mut self.devices) {
            let Device { series: topic, newest, last_seen, subjects, .. } = device;
            for (place, subject) in (0u32..).zip(subjects) {
                let rule = &rules.rules[subject.rule as usize];
                let Condition::Absent { after } = rule.condition else { continue };
                subject.memory = Memory::of(&rule.condition);
                let (judged_at, newest, firing) = (now, newest.map(|newest| newest.place), &mut self.firing);
                let mut record =
                    Record { rule, series: topic, newest, judged_at, changes: &mut *changes, firing };
                let expected = expected.contains(&(subject.rule, number));
                if let Some(last) = last_sign(subject, *last_seen, expected, after, &mut record) {
                    self.absences.wait(subject, (number, place), last, after);
                }
            }
        }
    }
}

/// From when on a device is waited for: what it last said, or when it was first expected.
fn last_sign(
    subject: &mut Subject,
    last_seen: Option<Timestamp>,
    expected: bool,
    after: Duration,
    record: &mut Record<'_>,
) -> Option<Timestamp> {
    let now = record.judged_at;
    match (&subject.state, last_seen) {
        // It never spoke and need not any more.
        (State::Firing(_) | State::Recovering { .. }, None) if !expected => {
            subject.close(now, None, End::RuleRemoved, record);
            None
        }
        (State::Firing(_) | State::Recovering { .. }, _) => None,
        (&State::Pending { since }, None) if expected => Some(since),
        (State::Pending { .. }, _) => {
            subject.close(now, None, End::RuleRemoved, record);
            last_seen.filter(|&last| expected || is_remembered(last, after, now))
        }
        (State::Normal, None) if expected => {
            subject.state = State::Pending { since: now };
            subject.write(record);
            Some(now)
        }
        (State::Normal, _) => last_seen.filter(|&last| expected || is_remembered(last, after, now)),
    }
}

impl Subject {
    /// What a rate was measured against is worth nothing over another time.
    fn inherit(&mut self, before: Self, condition: &Condition, rules: &Rules) {
        self.state = before.state;
        let over = |condition: &Condition| {
            if let Condition::Rate { over, .. } = condition { Some(*over) } else { None }
        };
        if over(condition) == over(&rules.rules[self.rule as usize].condition) {
            self.memory = before.memory;
        }
    }
}

/// The rule that takes another's place.
fn heir(old: &Rule, rules: &Rules) -> Option<u32> {
    let kind = |rule: &Rule| incident::kind(&rule.condition);
    let mut heirs =
        (0u32..).zip(&rules.rules).filter(|(_, new)| new.name == old.name && kind(new) == kind(old));
    heirs.next().map(|(index, _)| index)
}

/// Whether a rule may go on from a alert_state; one that an earlier version kept does not say of what kind it is.
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
