//! A page, as it sees the frames that it takes.

use std::collections::BTreeMap;

use api::forms::State;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::super::super::newest::Version;
use super::super::super::topics::Topics;
use super::super::View;

/// Unit, value, measured_at and state.
pub(super) type Shown = (Option<String>, f64, i64, State);

/// Applies frames as a page does.
pub(super) struct Page {
    pub(super) topics: Topics,
    pub(super) notified: watch::Receiver<()>,
    pub(super) since: Option<Version>,
    names: BTreeMap<u64, (String, Option<String>)>,
    pub(super) shown: BTreeMap<String, Shown>,
    /// The codes of series that are not 0.
    pub(super) alerting: BTreeMap<String, u64>,
    pub(super) counts: BTreeMap<&'static str, Value>,
}

impl Page {
    pub(super) fn enter(view: &mut View, subscription: &str) -> Self {
        let topics = Topics::of_list(subscription).unwrap();
        let notified = view.enter(&topics);
        let (names, shown, counts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { topics, notified, since: None, names, shown, alerting: BTreeMap::new(), counts }
    }

    pub(super) fn subscribe(&mut self, view: &mut View, subscription: &str) {
        view.leave(&self.topics);
        *self = Self::enter(view, subscription);
    }

    /// Takes a frame only if it was notified of one, or has seen none.
    pub(super) fn take(&mut self, view: &mut View, now: Timestamp) {
        if self.since.is_some() && !self.notified.has_changed().unwrap() {
            return;
        }
        self.notified.mark_unchanged();
        let (frame, version) = view.take(&self.topics, self.since, now);
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!(frame["type"] == "snapshot", self.since.is_none());
        self.since = Some(version);
        self.apply(&frame);
    }

    fn apply(&mut self, frame: &Value) {
        let rows = |name: &str| frame.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for row in rows("names") {
            let (id, topic) = (row[0].as_u64().unwrap(), row[1].as_str().unwrap().to_owned());
            self.names.insert(id, (topic, row[2].as_str().map(str::to_owned)));
        }
        for row in rows("values") {
            let (topic, unit) = self.names.get(&row[0].as_u64().unwrap()).expect("an id has a name").clone();
            let state = [State::Fresh, State::Stale, State::Offline][row[3].as_u64().unwrap() as usize];
            let measured_at = frame["at"].as_i64().unwrap() - row[2].as_i64().unwrap();
            self.shown.insert(topic, (unit, row[1].as_f64().unwrap(), measured_at, state));
        }
        for row in rows("alerting") {
            let (topic, code) = (self.names[&row[0].as_u64().unwrap()].0.clone(), row[1].as_u64().unwrap());
            match code {
                0 => drop(self.alerting.remove(&topic)),
                code => drop(self.alerting.insert(topic, code)),
            }
        }
        for name in ["alerts", "open_alerts", "rejected", "behind", "unmapped"] {
            if let Some(counts) = frame.get(name) {
                self.counts.insert(name, counts.clone());
            }
        }
    }
}
