//! An evaluator with a store that keeps its changes, and short words for what happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerter::rules::{self, Known};
use alerter::{Evaluator, Observed, Rules};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::{Address, AlertState, Changes, End, Incident, Phase, Transition};
use telemetry::{Reading, Series};

/// Second 0 of every test.
pub(crate) fn at(second: f64) -> Timestamp {
    Timestamp::from_second(1_768_473_000).unwrap()
        + SignedDuration::from_micros((second * 1e6).round() as i64)
}

pub(crate) fn second(at: Timestamp) -> f64 {
    at.duration_since(self::at(0.0)).as_secs_f64()
}

pub(crate) fn rules(text: &str) -> Arc<Rules> {
    let known = Known {
        metrics: vec!["temperature".into(), "humidity".into()],
        mail_to: vec!["operator@localhost".into()],
        zone: TimeZone::UTC,
    };
    let text = if text.is_empty() { "rules = []" } else { text };
    Arc::new(rules::read(text, &known).unwrap_or_else(|error| panic!("{error}")))
}

/// One rule that is called `x`.
pub(crate) fn rule(keys: &str) -> Arc<Rules> {
    rules(&format!("[[rules]]\nname = \"x\"\n{keys}"))
}

pub(crate) fn lab() -> Series {
    Series::parse("temperature/lab").unwrap()
}

/// Rules with limits, with hysteresis and with times; more may follow.
pub(crate) const LIMITS: &str = r#"
        [[rules]]
        name = "above"
        above = 3
        clear_below = 2
        [[rules]]
        name = "for"
        above = 2
        for = "4s"
        keep_firing_for = "3s"
        [[rules]]
        name = "outside"
        outside = [1, 3]
"#;

/// Received when it was measured.
pub(crate) fn reading(measured: f64, value: f64) -> Reading {
    Reading {
        series: lab(),
        value,
        unit: Some("celsius".into()),
        measured_at: at(measured),
        received_at: at(measured),
        boot: None,
        seq: None,
    }
}

/// What was kept of an incident.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeptIncident {
    pub(crate) opened: Incident,
    pub(crate) notified: Vec<Address>,
    pub(crate) peak: Option<f64>,
    pub(crate) resolved: Option<(Timestamp, Option<f64>, End)>,
}

/// What a store keeps of changes; checks that no incident opens or ends twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) incidents: BTreeMap<String, KeptIncident>,
    pub(crate) alert_states: BTreeMap<(String, Series), StandingKept>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StandingKept(pub(crate) AlertState);

impl Kept {
    pub(crate) fn record(&mut self, changes: &Changes) {
        for transition in &changes.transitions {
            self.transition(transition);
        }
        let mut written = std::collections::HashSet::new();
        for alert_state in &changes.alert_states {
            let key = (alert_state.rule.clone(), alert_state.series.clone());
            assert!(written.insert(key.clone()), "two alert_states of one subject: {changes:?}");
            self.alert_states.insert(key, StandingKept(alert_state.clone()));
        }
    }

    fn transition(&mut self, transition: &Transition) {
        match transition {
            Transition::Opened(incident, to) => {
                let kept = KeptIncident {
                    opened: *incident.clone(),
                    notified: to.clone(),
                    peak: incident.peak,
                    resolved: None,
                };
                let of = |i: &Incident| (i.rule.clone(), i.device.clone(), i.metric.clone());
                let open =
                    self.incidents.values().find(|i| i.resolved.is_none() && of(&i.opened) == of(incident));
                assert!(open.is_none(), "open already: {open:?} {transition:?}");
                assert!(incident.late == to.is_empty(), "{transition:?}");
                assert!(
                    self.incidents.insert(incident.id.clone(), kept).is_none(),
                    "an id again: {transition:?}"
                );
            }
            Transition::Announced { id, to, .. } => {
                let incident = self.open(id);
                assert!(
                    incident.opened.late && incident.notified.is_empty(),
                    "announced twice: {incident:?}"
                );
                incident.notified.clone_from(to);
            }
            Transition::Peaked { id, value, .. } => self.open(id).peak = Some(*value),
            Transition::Resolved { id, at, value, end, .. } => {
                let incident = self.open(id);
                incident.resolved = Some((*at, *value, *end));
            }
        }
    }

    fn open(&mut self, id: &str) -> &mut KeptIncident {
        let incident = self.incidents.get_mut(id).unwrap_or_else(|| panic!("{id} never opened"));
        assert!(incident.resolved.is_none(), "{id} is over");
        incident
    }

    pub(crate) fn alert_states(&self) -> Vec<AlertState> {
        self.alert_states.values().map(|kept| kept.0.clone()).collect()
    }

    pub(crate) fn phase(&self, rule: &str) -> Option<&Phase> {
        self.alert_states.get(&(rule.to_string(), lab())).map(|kept| &kept.0.phase)
    }
}

/// An evaluator, its store and what happened.
pub(crate) struct Harness {
    pub(crate) evaluator: Evaluator,
    pub(crate) kept: Kept,
    events: Vec<String>,
    /// The newest reading of each topic, as a store has it.
    latest: BTreeMap<Series, Reading>,
    /// What is delivered again is judged now, not when the broker took it.
    now: Timestamp,
}

impl Harness {
    pub(crate) fn open(rules: Arc<Rules>) -> Self {
        let (evaluator, changes) = Evaluator::resume(rules, vec![], &[], at(0.0));
        let (kept, latest, now) = (Kept::default(), BTreeMap::new(), at(0.0));
        let mut harness = Self { evaluator, kept, events: vec![], latest, now };
        harness.note(&changes);
        harness
    }

    /// Kills the evaluator and starts another.
    pub(crate) fn restart(&mut self, rules: Arc<Rules>, now: f64) {
        let latest: Vec<_> = self.latest.values().cloned().collect();
        let (evaluator, changes) = Evaluator::resume(rules, self.kept.alert_states(), &latest, at(now));
        self.evaluator = evaluator;
        self.note(&changes);
    }

    pub(crate) fn adopt(&mut self, rules: Arc<Rules>, now: f64) {
        let changes = self.evaluator.adopt(rules, at(now));
        self.note(&changes);
    }

    pub(crate) fn observe(&mut self, reading: &Reading) -> Observed {
        let mut changes = Changes::default();
        self.now = self.now.max(reading.received_at);
        let observed = self.evaluator.observe(reading, self.now, &mut changes);
        keep_latest(&mut self.latest, reading);
        self.note(&changes);
        observed
    }

    /// All that is overdue at a time is said; nothing else is.
    pub(crate) fn advance(&mut self, clock: f64) {
        let (overdue, before) = (self.evaluator.overdue(at(clock)), self.events.len());
        let mut changes = Changes::default();
        self.evaluator.advance(at(clock), at(clock), &mut changes);
        self.note(&changes);
        assert_eq!(overdue, self.events.len() > before);
        assert!(self.evaluator.next_deadline().is_none_or(|deadline| deadline > at(clock)));
    }

    /// Forgets what was received of a device until now.
    pub(crate) fn forget(&mut self, device: &str, now: f64) {
        let mut changes = Changes::default();
        let forgotten = |name: &str| (name == device).then(|| at(now));
        self.evaluator.forget(forgotten, at(now), &mut changes);
        self.note(&changes);
    }

    fn note(&mut self, changes: &Changes) {
        self.kept.record(changes);
        self.events.extend(changes.transitions.iter().map(word));
        let open = self.kept.incidents.values().filter(|incident| incident.resolved.is_none()).count();
        assert_eq!(self.evaluator.firing(), open);
    }

    /// What happened since the last question.
    pub(crate) fn events(&mut self) -> String {
        std::mem::take(&mut self.events).join(" ")
    }
}

/// Keeps the newest reading of each topic.
pub(crate) fn keep_latest(latest: &mut BTreeMap<Series, Reading>, reading: &Reading) {
    let kept = latest.entry(reading.series.clone()).or_insert_with(|| reading.clone());
    let place = |reading: &Reading| (reading.measured_at, reading.boot, reading.seq);
    if place(reading) > place(kept) {
        *kept = reading.clone();
    }
}

/// `^26@3` opened by 26 at second 3, in brackets a late one; `!` announced; `*27` a peak; `v24@5` resolved; `x@6` rule gone.
fn word(transition: &Transition) -> String {
    let number =
        |value: Option<f64>| value.map_or("?".into(), |value| format!("{}", (value * 100.0).round() / 100.0));
    match transition {
        Transition::Opened(incident, _) => {
            let word = format!("^{}@{}", number(incident.value), second(incident.opened_at));
            if incident.late { format!("({word})") } else { word }
        }
        Transition::Announced { .. } => "!".into(),
        Transition::Peaked { value, .. } => format!("*{}", number(Some(*value))),
        Transition::Resolved { at, value, end: End::Cleared, .. } => {
            format!("v{}@{}", number(*value), second(*at))
        }
        Transition::Resolved { at, end: End::RuleRemoved, .. } => format!("x@{}", second(*at)),
    }
}
