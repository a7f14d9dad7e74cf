//! One rule for one series: its state, and the changes that are written of it.

use jiff::{SignedDuration, Timestamp};
use store::{AlertState, Changes, End, Incident, OrderKey, Transition};
use telemetry::{Reading, Series};

use super::condition::{ConditionState, Evidence, Repeated, beyond};
use super::incident::{self, Freshness, Opening};
use super::state::{Durations, Evaluation, Open, State, Step, shifted};
use crate::rules::{Condition, Rule};

#[derive(Debug)]
pub(super) struct RuleInstance {
    /// Index of the rule.
    pub(super) rule: u32,
    /// Where its alert state is among the changes, if these are still the same.
    written: u32,
    pub(super) state: State,
    pub(super) condition_state: ConditionState,
}

/// What an evaluation needs, and where it writes what changed.
pub(super) struct Recording<'a> {
    pub(super) rule: &'a Rule,
    pub(super) series: &'a Series,
    pub(super) newest: Option<OrderKey>,
    pub(super) judged_at: Timestamp,
    /// How far the reading's time is ahead of the steady clock's, by which time passes for a rule.
    pub(super) stepped: SignedDuration,
    pub(super) changes: &'a mut Changes,
    /// How many incidents are open.
    pub(super) firing: &'a mut usize,
}

impl RuleInstance {
    pub(super) fn new(rule: u32, condition: &Condition) -> Self {
        Self { rule, written: u32::MAX, state: State::Normal, condition_state: ConditionState::of(condition) }
    }

    /// Whether the device is waited for.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.condition_state, ConditionState::Absent { deadline: Some(_) })
    }

    pub(super) fn is_normal(&self) -> bool {
        matches!(self.state, State::Normal)
    }

    /// Goes on from a stored alert state.
    pub(super) fn resume(&mut self, alert_state: AlertState) {
        let AlertState { phase, newest, value, .. } = alert_state;
        self.state = State::from_phase(phase, value);
        if let ConditionState::Stuck(same) = &mut self.condition_state {
            let since = match self.state {
                State::Pending { since } => Some(since),
                _ => newest.map(|newest| newest.measured_at),
            };
            *same = value.zip(since).map(|(value, since)| Repeated { value, since });
        }
    }

    /// Evaluates a reading that is newer than those before. False where its unit measures something else than the rule's:
    /// nothing changes.
    pub(super) fn evaluate(
        &mut self,
        reading: &Reading,
        freshness: Freshness,
        recording: &mut Recording<'_>,
    ) -> bool {
        let condition = recording.rule.condition_in(reading.unit.as_deref());
        if let Some(condition) = &condition {
            self.evaluate_by(condition, reading, freshness, recording);
        }
        condition.is_some()
    }

    /// Evaluates a reading by a condition in its own unit.
    fn evaluate_by(
        &mut self,
        condition: &Condition,
        reading: &Reading,
        freshness: Freshness,
        recording: &mut Recording<'_>,
    ) {
        let rule = recording.rule;
        let pending_for =
            if let Condition::Stuck { after } = rule.condition { after } else { rule.pending_for };
        let durations = Durations { pending_for, keep_firing_for: rule.keep_firing_for };
        let at = shifted(reading.measured_at, -recording.stepped);
        let evidence = self.condition_state.evaluate(condition, at, reading.value);
        let condition = &evidence.condition;
        let moved = match self.state.step(evidence.evaluation, at, durations) {
            Step::Stays => false,
            Step::Moves => true,
            Step::Opens { began_at } => {
                let began_at = shifted(began_at, recording.stepped);
                let opening = Opening { reading, condition, measure: evidence.measure, began_at, freshness };
                self.open(incident::by_reading(rule, &opening), recording);
                return;
            }
            Step::Closes(open) => {
                let (at, value) = (reading.measured_at, Some(evidence.measure));
                self.closed(*open, at, value, End::Cleared, recording);
                return;
            }
        };
        let peaked = self.peak(condition, evidence, reading.measured_at, recording);
        let announced = self.announce(freshness, recording);
        if moved || peaked || announced {
            self.write(recording);
        }
    }

    /// A late incident is announced only once a fresh reading leaves it open.
    pub(super) fn open(&mut self, incident: Incident, recording: &mut Recording<'_>) {
        let announced = !incident.late;
        let to = if announced { recording.rule.to.clone() } else { Vec::new() };
        self.state =
            State::Firing(Box::new(Open { id: incident.id.clone(), announced, peak: incident.peak }));
        let incident = Incident { judged_at: recording.judged_at, ..incident };
        recording.changes.transitions.push(Transition::Opened(Box::new(incident), to));
        *recording.firing += 1;
        self.write(recording);
    }

    /// Resolves the incident, if one is open, and leaves the state normal.
    pub(super) fn close(
        &mut self,
        at: Timestamp,
        value: Option<f64>,
        end: End,
        recording: &mut Recording<'_>,
    ) {
        match self.state.take_open() {
            Some(open) => self.closed(*open, at, value, end, recording),
            None => self.write(recording),
        }
    }

    fn closed(
        &mut self,
        open: Open,
        at: Timestamp,
        value: Option<f64>,
        end: End,
        recording: &mut Recording<'_>,
    ) {
        let judged_at = recording.judged_at;
        recording.changes.transitions.push(Transition::Resolved { id: open.id, at, judged_at, value, end });
        *recording.firing -= 1;
        self.write(recording);
    }

    /// Notes a value further beyond the limit than those before.
    fn peak(
        &mut self,
        condition: &Condition,
        evidence: Evidence,
        at: Timestamp,
        recording: &mut Recording<'_>,
    ) -> bool {
        let (State::Firing(open), Evaluation::Violated { .. }) = (&mut self.state, evidence.evaluation)
        else {
            return false;
        };
        let value = evidence.measure;
        let by = |measure| beyond(condition, measure);
        let further = by(value).is_some_and(|now| open.peak.and_then(by).is_none_or(|before| now > before));
        if further {
            open.peak = Some(value);
            recording.changes.transitions.push(Transition::Peaked { id: open.id.clone(), at, value });
        }
        further
    }

    fn announce(&mut self, freshness: Freshness, recording: &mut Recording<'_>) -> bool {
        match &mut self.state {
            State::Firing(open) if !open.announced && !freshness.is_stale => {
                open.announced = true;
                let (id, at, to) = (open.id.clone(), recording.judged_at, recording.rule.to.clone());
                recording.changes.transitions.push(Transition::Announced { id, at, to });
                true
            }
            _ => false,
        }
    }

    /// Keeps one alert state of an instance among the changes: the last.
    pub(super) fn write(&mut self, recording: &mut Recording<'_>) {
        let value = match (&self.condition_state, self.state.open()) {
            (ConditionState::Stuck(same), _) => same.map(|same| same.value),
            (_, open) => open.and_then(|open| open.peak),
        };
        let Recording { rule, series, newest, stepped, changes, .. } = recording;
        let alert_state = AlertState {
            rule: rule.name.clone(),
            kind: Some(incident::kind(&rule.condition)),
            series: series.clone(),
            phase: self.state.phase(*stepped),
            newest: *newest,
            value,
        };
        let alert_states = &mut changes.alert_states;
        match alert_states.get_mut(self.written as usize) {
            Some(there) if there.series == alert_state.series && there.rule == alert_state.rule => {
                *there = alert_state;
            }
            _ => {
                self.written = u32::try_from(alert_states.len()).unwrap_or(u32::MAX);
                alert_states.push(alert_state);
            }
        }
    }
}
