//! One device and metric before one rule: its state, and what is written of it.

use jiff::Timestamp;
use store::{AlertState, Changes, End, Incident, OrderKey, Transition};
use telemetry::{Reading, Series};

use super::evidence::{Evidence, Memory, Same, beyond};
use super::incident::{self, Arrival, Opening};
use super::machine::{Holds, Open, State, Step, Verdict};
use crate::{Condition, Rule};

#[derive(Debug)]
pub(super) struct Subject {
    /// Index of the rule.
    pub(super) rule: u32,
    /// Where its alert_state is among the changes, if these are still the same.
    written: u32,
    pub(super) state: State,
    pub(super) memory: Memory,
}

/// What a subject is judged by, and where it writes what changed.
pub(super) struct Record<'a> {
    pub(super) rule: &'a Rule,
    pub(super) series: &'a Series,
    pub(super) newest: Option<OrderKey>,
    pub(super) judged_at: Timestamp,
    pub(super) changes: &'a mut Changes,
    /// How many incidents are open.
    pub(super) firing: &'a mut usize,
}

impl Subject {
    pub(super) fn new(rule: u32, condition: &Condition) -> Self {
        Self { rule, written: u32::MAX, state: State::Normal, memory: Memory::of(condition) }
    }

    pub(super) fn is_normal(&self) -> bool {
        matches!(self.state, State::Normal)
    }

    /// Goes on from what was kept.
    pub(super) fn resume(&mut self, alert_state: AlertState) {
        let AlertState { phase, newest, value, .. } = alert_state;
        self.state = State::from_phase(phase, value);
        if let Memory::Stuck(same) = &mut self.memory {
            let since = match self.state {
                State::Pending { since } => Some(since),
                _ => newest.map(|newest| newest.measured_at),
            };
            *same = value.zip(since).map(|(value, since)| Same { value, since });
        }
    }

    /// Judges a reading whose turn it is.
    pub(super) fn judge(&mut self, reading: &Reading, arrival: Arrival, record: &mut Record<'_>) {
        let rule = record.rule;
        let lasts = if let Condition::Stuck { after } = rule.condition { after } else { rule.lasts };
        let holds = Holds { lasts, keep_firing_for: rule.keep_firing_for };
        let evidence = self.memory.judge(&rule.condition, reading);
        let moved = match self.state.step(evidence.verdict, reading.measured_at, holds) {
            Step::Stays => false,
            Step::Moves => true,
            Step::Opens { began_at } => {
                let opening = Opening { reading, measure: evidence.measure, began_at, arrival };
                self.open(incident::by_reading(rule, &opening), record);
                return;
            }
            Step::Closes(open) => {
                let (at, value) = (reading.measured_at, Some(evidence.measure));
                self.closed(*open, at, value, End::Cleared, record);
                return;
            }
        };
        let peaked = self.peak(evidence, reading.measured_at, record);
        let told = self.tell(arrival, record);
        if moved || peaked || told {
            self.write(record);
        }
    }

    /// Nobody is told of a late incident before a fresh reading says the same.
    pub(super) fn open(&mut self, incident: Incident, record: &mut Record<'_>) {
        let told = !incident.late;
        let to = if told { record.rule.to.clone() } else { Vec::new() };
        self.state = State::Firing(Box::new(Open { id: incident.id.clone(), told, peak: incident.peak }));
        let incident = Incident { judged_at: record.judged_at, ..incident };
        record.changes.transitions.push(Transition::Opened(Box::new(incident), to));
        *record.firing += 1;
        self.write(record);
    }

    /// Ends the incident, if one is open; leaves normal.
    pub(super) fn close(&mut self, at: Timestamp, value: Option<f64>, end: End, record: &mut Record<'_>) {
        match self.state.take_open() {
            Some(open) => self.closed(*open, at, value, end, record),
            None => self.write(record),
        }
    }

    fn closed(&mut self, open: Open, at: Timestamp, value: Option<f64>, end: End, record: &mut Record<'_>) {
        let judged_at = record.judged_at;
        record.changes.transitions.push(Transition::Resolved { id: open.id, at, judged_at, value, end });
        *record.firing -= 1;
        self.write(record);
    }

    /// Notes a value further beyond the limit than those before.
    fn peak(&mut self, evidence: Evidence, at: Timestamp, record: &mut Record<'_>) -> bool {
        let (State::Firing(open), Verdict::Broken { .. }) = (&mut self.state, evidence.verdict) else {
            return false;
        };
        let value = evidence.measure;
        let by = |measure| beyond(&record.rule.condition, measure);
        let further = by(value).is_some_and(|now| open.peak.and_then(by).is_none_or(|before| now > before));
        if further {
            open.peak = Some(value);
            record.changes.transitions.push(Transition::Peaked { id: open.id.clone(), at, value });
        }
        further
    }

    fn tell(&mut self, arrival: Arrival, record: &mut Record<'_>) -> bool {
        match &mut self.state {
            State::Firing(open) if !open.told && !arrival.is_stale => {
                open.told = true;
                let (id, at, to) = (open.id.clone(), record.judged_at, record.rule.to.clone());
                record.changes.transitions.push(Transition::Told { id, at, to });
                true
            }
            _ => false,
        }
    }

    /// Keeps one alert_state of a subject among the changes: the last.
    pub(super) fn write(&mut self, record: &mut Record<'_>) {
        let value = match (&self.memory, self.state.open()) {
            (Memory::Stuck(same), _) => same.map(|same| same.value),
            (_, open) => open.and_then(|open| open.peak),
        };
        let Record { rule, series: topic, newest, changes, .. } = record;
        let alert_state = AlertState {
            rule: rule.name.clone(),
            kind: Some(incident::kind(&rule.condition)),
            series: topic.clone(),
            phase: self.state.phase(),
            newest: *newest,
            value,
        };
        let alert_states = &mut changes.alert_states;
        match alert_states.get_mut(self.written as usize) {
            Some(there) if there.series == alert_state.series && there.rule == alert_state.rule => {
                *there = alert_state
            }
            _ => {
                self.written = u32::try_from(alert_states.len()).unwrap_or(u32::MAX);
                alert_states.push(alert_state);
            }
        }
    }
}
