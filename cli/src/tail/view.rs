//! What was printed so far, and what is new in a frame. Pure: knows no socket and no time of day.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use anyhow::Context as _;
use api::forms::{Frame, FrameKind, Incident};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::frame::{self, Value};

/// What a client knows; it outlives connections, so that nothing is printed twice.
#[derive(Debug, Default)]
pub(super) struct View {
    /// By id, which is a number of this connection.
    names: HashMap<u32, Name>,
    /// By topic.
    printed: HashMap<Rc<str>, Value>,
    /// By id, whether it was still open when it was last printed.
    alerts: BTreeMap<String, bool>,
    /// The server's time in the first frame: what was over by then is no news.
    began_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Name {
    topic: Rc<str>,
    unit: Option<String>,
}

/// Something to print.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    Reading {
        topic: String,
        unit: Option<String>,
        value: f64,
        measured_at: Timestamp,
        state: &'static str,
    },
    /// Opened, or resolved where it has a `resolved_at`; with the row as it came.
    Incident(Box<Incident>, String),
}

impl View {
    /// A new connection: ids mean something else now.
    pub(super) fn begin(&mut self) {
        self.names.clear();
    }

    /// Takes a frame in, and says what is new.
    ///
    /// # Errors
    /// This is no frame of a dashboard of this version.
    pub(super) fn take(&mut self, text: &str) -> anyhow::Result<Vec<Event>> {
        self.events(text).context("the dashboard speaks differently: is it of another version?")
    }

    fn events(&mut self, text: &str) -> anyhow::Result<Vec<Event>> {
        let frame: Frame<'_> = serde_json::from_str(text)?;
        let at = frame::at(&frame)?;
        self.began_at.get_or_insert(at);
        self.learn(&frame);
        let mut events = Vec::new();
        for value in frame::values(&frame) {
            events.extend(self.reading(value?)?);
        }
        if let Some(alerts) = &frame.alerts {
            self.alerts(alerts, &mut events)?;
        }
        Ok(events)
    }

    fn learn(&mut self, frame: &Frame<'_>) {
        if frame.kind == FrameKind::Snapshot {
            self.names.clear();
        }
        for (id, topic, unit) in &frame.names {
            // The text is shared with what was printed of the topic before.
            let known = self.printed.get_key_value(topic.as_ref()).map(|(topic, _)| Rc::clone(topic));
            let topic = known.unwrap_or_else(|| topic.as_ref().into());
            self.names.insert(*id, Name { topic, unit: unit.as_deref().map(str::to_owned) });
        }
    }

    fn reading(&mut self, value: Value) -> anyhow::Result<Option<Event>> {
        let name = self.names.get(&value.id).with_context(|| format!("the id {} has no name", value.id))?;
        // Ids differ between connections, readings do not.
        let known = Value { id: 0, ..value };
        if self.printed.insert(Rc::clone(&name.topic), known) == Some(known) {
            return Ok(None);
        }
        let Value { value, measured_at, state, .. } = value;
        Ok(Some(Event::Reading {
            topic: name.topic.to_string(),
            unit: name.unit.clone(),
            value,
            measured_at,
            state: state.word(),
        }))
    }

    fn alerts(&mut self, rows: &[&RawValue], events: &mut Vec<Event>) -> anyhow::Result<()> {
        let mut listed = HashSet::new();
        for row in rows {
            let incident: Incident = serde_json::from_str(row.get()).context("read an incident")?;
            listed.insert(incident.id.clone());
            let open = incident.resolved_at.is_none();
            let was_open = self.alerts.insert(incident.id.clone(), open);
            let news = match was_open {
                Some(was_open) => was_open != open,
                // One that is over may come into the list only because others leave it.
                None => open || Some(incident.judged_at.0) > self.began_at,
            };
            if news {
                events.push(Event::Incident(Box::new(incident), row.get().to_owned()));
            }
        }
        // One that is over and no more listed is not heard of again; an open one may have been crowded out.
        self.alerts.retain(|id, open| *open || listed.contains(id));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const AT: i64 = 1_768_473_030_400_000;

    /// Series, value, unit, age in milliseconds and state of each reading; id and fate of each alert.
    fn events(view: &mut View, frame: &Json) -> Vec<String> {
        let events = view.take(&frame.to_string()).unwrap();
        let lines = events.into_iter().map(|event| match event {
            Event::Reading { topic, unit, value, measured_at, state } => {
                let age = AT / 1000 - measured_at.as_millisecond();
                format!("{topic} {value} {} {age} {state}", unit.unwrap_or_default())
            }
            Event::Incident(incident, _) => {
                format!(
                    "{} {}",
                    incident.id,
                    if incident.resolved_at.is_some() { "resolved" } else { "opened" }
                )
            }
        });
        lines.collect()
    }

    fn snapshot() -> Json {
        let names = json!([[3, "temperature/lab", "celsius"], [4, "humidity/lab", null]]);
        json!({"type": "snapshot", "at": AT, "names": names, "values": [[3, 26.1, 250_000, 0], [4, 48.2, -1000, 2]],
               "alerts": [], "open_alerts": 0, "rejected": 0, "behind": 0.2})
    }

    fn alert(id: &str, judged_at: &str, resolved_at: Option<&str>) -> Json {
        json!({"id": id, "rule": "hot", "severity": "warning", "device": "lab", "metric": "temperature",
               "kind": "above", "condition": "above 25", "threshold": 25.0, "began_at": judged_at,
               "opened_at": judged_at, "judged_at": judged_at, "resolved_at": resolved_at, "end": null, "value": 26.5,
               "unit": null, "peak": null, "peak_at": null, "resolved_value": null, "acknowledged": null,
               "late": false, "notifications": []})
    }

    fn alerts(kind: &str, alerts: &[Json]) -> Json {
        json!({"type": kind, "at": AT, "alerts": alerts})
    }

    #[test]
    fn a_snapshot_is_printed_whole_and_then_what_changes() {
        let mut view = View::default();
        let all = ["temperature/lab 26.1 celsius 250 fresh", "humidity/lab 48.2  -1 offline"];
        assert_eq!(events(&mut view, &snapshot()), all);
        assert_eq!(
            events(&mut view, &json!({"type": "changes", "at": AT + 2_000_000})),
            [""; 0],
            "a heartbeat"
        );
        let warmer = json!({"type": "changes", "at": AT + 100_000, "values": [[3, 26.2, 90_000, 0]]});
        assert_eq!(events(&mut view, &warmer), ["temperature/lab 26.2 celsius -10 fresh"]);
        let aged = json!({"type": "changes", "at": AT + 30_000_000, "values": [[3, 26.2, 29_990_000, 1]]});
        assert_eq!(events(&mut view, &aged), ["temperature/lab 26.2 celsius -10 stale"]);
    }

    #[test]
    fn a_name_and_a_unit_hold_from_their_frame_on() {
        let mut view = View::default();
        events(&mut view, &snapshot());
        let names = json!([[4, "humidity/lab", "percent"], [5, "pressure/lab", null]]);
        let values = json!([[4, 48.0, 0, 0], [5, 1013.0, 0, 0]]);
        let frame = json!({"type": "changes", "at": AT, "names": names, "values": values});
        assert_eq!(
            events(&mut view, &frame),
            ["humidity/lab 48 percent 0 fresh", "pressure/lab 1013  0 fresh"]
        );
    }

    #[test]
    fn after_a_reconnect_only_what_has_changed_is_printed() {
        let mut view = View::default();
        events(&mut view, &snapshot());
        view.begin();
        let names = json!([[0, "humidity/lab", null], [1, "temperature/lab", "celsius"]]);
        let values = json!([[0, 48.2, 999_000, 2], [1, 26.3, 0, 0]]);
        let again = json!({"type": "snapshot", "at": AT + 1_000_000, "names": names, "values": values});
        assert_eq!(events(&mut view, &again), ["temperature/lab 26.3 celsius -1000 fresh"]);
    }

    #[test]
    fn an_incident_is_printed_once_when_it_opens_and_once_when_it_resolves() {
        let mut view = View::default();
        let (before, later) = ("2026-01-15T10:30:00Z", "2026-01-15T10:31:00Z");
        let (old, open) = (alert("old", before, Some(before)), alert("open", before, None));
        assert_eq!(events(&mut view, &alerts("snapshot", &[open.clone(), old.clone()])), ["open opened"]);
        let mut acknowledged = open;
        acknowledged["acknowledged"] = json!({"at": later, "by": "ann", "note": null});
        let new = alert("new", later, None);
        assert_eq!(events(&mut view, &alerts("changes", &[new, acknowledged, old.clone()])), ["new opened"]);
        let (over, brief) = (alert("open", before, Some(later)), alert("brief", later, Some(later)));
        let older = alert("older", before, Some(before));
        let frame = alerts("changes", &[alert("new", later, None), brief, over, old, older]);
        assert_eq!(events(&mut view, &frame), ["brief resolved", "open resolved"]);
        assert_eq!(events(&mut view, &frame), [""; 0]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"type":"snapshot","server_time":"2026-01-15T10:30:00Z","devices":[]}"#,
            r#"{"type":"changes","at":0,"values":[[7,1.0,0,0]]}"#,
            r#"{"type":"changes","at":0,"names":[[7,"a/b",null]],"values":[[7,1.0,0,3]]}"#,
            r#"{"type":"changes","at":9223372036854775807}"#,
            r#"{"type":"changes","at":0,"alerts":[{}]}"#,
        ] {
            let refused = View::default().take(text).unwrap_err();
            assert!(format!("{refused:#}").contains("of another version"), "{text}: {refused:#}");
        }
    }
}
