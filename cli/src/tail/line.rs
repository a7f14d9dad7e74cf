//! How an event is printed. Pure.

use std::fmt::Write;

use api::forms::Incident;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use telemetry::Words;
use telemetry::text::number;

use super::view::Event;
use crate::table::plain;

/// A longer topic moves its own line only.
const WIDEST_TOPIC: usize = 60;

/// For whom lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) json: bool,
    /// In columns, for people.
    pub(super) aligned: bool,
}

/// Writes lines, in columns as wide as the widest so far.
#[derive(Debug)]
pub(super) struct Lines {
    style: Style,
    words: Words,
    topic_width: usize,
}

/// A row as in `GET /api/series`.
#[derive(Serialize)]
struct Device<'a> {
    device: &'a str,
    metric: &'a str,
    value: f64,
    unit: Option<&'a str>,
    measured_at: String,
    state: &'static str,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    incident: &'a RawValue,
}

impl Lines {
    pub(super) fn new(style: Style, words: Words) -> Self {
        Self { style, words, topic_width: 0 }
    }

    /// Readies the columns for all that comes at once.
    pub(super) fn make_room(&mut self, events: &[Event]) {
        let widths = events.iter().filter_map(|event| match event {
            Event::Reading { topic, .. } => Some(topic.len()),
            Event::Incident(..) => None,
        });
        self.topic_width = widths.fold(self.topic_width, usize::max).min(WIDEST_TOPIC);
    }

    pub(super) fn line(&self, event: &Event) -> String {
        match event {
            _ if self.style.json => json(event),
            Event::Reading { topic, unit, value, measured_at, state } => {
                let metric = topic.split('/').next().unwrap_or_default();
                let value = self.value(metric, *value, unit.as_deref());
                let unit = plain(unit.as_deref().unwrap_or(""));
                let state = if *state == "fresh" { "" } else { state };
                self.columns(*measured_at, topic, &value, &unit, state)
            }
            Event::Incident(incident, _) => self.incident(incident),
        }
    }

    /// A number, or for people the word for it: scripts read numbers.
    fn value(&self, metric: &str, value: f64, unit: Option<&str>) -> String {
        let word = self.words.word_for(metric, value, unit).filter(|_| self.style.aligned);
        word.map_or_else(|| number(value), plain)
    }

    fn columns(&self, at: Timestamp, topic: &str, value: &str, unit: &str, state: &str) -> String {
        let mut line = time(at);
        let _ = if self.style.aligned {
            write!(line, "  {topic:<width$}  {value:>10} {unit:<10} {state}", width = self.topic_width)
        } else {
            write!(line, " {topic} {value} {} {state}", if unit.is_empty() { "-" } else { unit })
        };
        line.truncate(line.trim_end().len());
        line
    }

    fn incident(&self, incident: &Incident) -> String {
        let Incident { rule, severity, device, metric, .. } = incident;
        let (at, happened, value) = match incident.resolved_at {
            Some(at) => (at, "resolved", incident.resolved_value),
            None => (incident.opened_at, "opened", incident.value),
        };
        let mut line = format!("{} {metric}/{device} alert {happened}: {rule} ({severity}", time(at.0));
        let condition = self.condition(incident);
        if !condition.is_empty() {
            let _ = write!(line, ", {condition}");
        }
        line.push(')');
        if let Some(value) = value {
            let _ = write!(line, " at {}", self.measure(incident, value));
            if let Some(unit) = &incident.unit {
                let _ = write!(line, " {unit}");
            }
        }
        if incident.end.as_deref() == Some("rule removed") {
            line += ", as it is no longer watched";
        }
        plain(&line)
    }

    /// The condition; for people with the word for each limit that has one.
    fn condition(&self, incident: &Incident) -> String {
        let Incident { metric, condition, unit, .. } = incident;
        if !self.style.aligned || is_rate(incident) {
            return condition.clone();
        }
        self.words.in_text(metric, condition, unit.as_deref())
    }

    fn measure(&self, incident: &Incident, value: f64) -> String {
        if is_rate(incident) {
            return number(value);
        }
        self.value(&incident.metric, value, incident.unit.as_deref())
    }
}

/// Whether its numbers are changes per minute, which have no words.
fn is_rate(incident: &Incident) -> bool {
    incident.kind == "rate"
}

fn json(event: &Event) -> String {
    let said = match event {
        Event::Reading { topic, unit, value, measured_at, state } => {
            let (metric, device) = topic.split_once('/').unwrap_or((topic, ""));
            let unit = unit.as_deref();
            let measured_at = format!("{measured_at:.6}");
            serde_json::to_string(&Device { device, metric, value: *value, unit, measured_at, state })
        }
        Event::Incident(_, row) => serde_json::from_str(row)
            .and_then(|incident: &RawValue| serde_json::to_string(&IncidentRow { incident })),
    };
    said.expect("what was read as JSON can be written as JSON")
}

/// To the millisecond, in UTC.
fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(topic: &str, value: f64, unit: Option<&str>, state: &'static str) -> Event {
        let (unit, measured_at) = (unit.map(str::to_owned), "2026-01-15T10:30:00.25Z".parse().unwrap());
        Event::Reading { topic: topic.to_owned(), unit, value, measured_at, state }
    }

    fn alert(row: &str) -> Event {
        Event::Incident(Box::new(serde_json::from_str(row).unwrap()), row.to_owned())
    }

    fn printed(json: bool, aligned: bool, events: &[Event]) -> Vec<String> {
        let mut lines = Lines::new(Style { json, aligned }, Words::default());
        lines.make_room(events);
        events.iter().map(|event| lines.line(event)).collect()
    }

    const OPENED: &str = r#"{"id":"1","rule":"hot","severity":"warning","device":"lab","metric":"temperature",
        "kind":"above","condition":"above 25","threshold":25.0,"began_at":"2026-01-15T10:30:00Z",
        "opened_at":"2026-01-15T10:30:30Z","judged_at":"2026-01-15T10:30:31Z","resolved_at":null,"end":null,"value":26.5,
        "unit":"celsius","peak":26.5,"peak_at":"2026-01-15T10:30:30Z","resolved_value":null,"acknowledged":null,
        "late":false,"notifications":[]}"#;

    #[test]
    fn a_line_has_what_a_script_cuts_out() {
        let events = [
            reading("temperature/lab", 26.1, Some("celsius"), "fresh"),
            reading("humidity/lab", 48.0, None, "stale"),
            reading("humidity/lab", 1e-7, Some("\x1b[2J\u{202e}"), "offline"),
            reading("humidity/lab", 1e308, None, "fresh"),
        ];
        let expected = [
            "2026-01-15T10:30:00.250Z temperature/lab 26.1 celsius",
            "2026-01-15T10:30:00.250Z humidity/lab 48 - stale",
            "2026-01-15T10:30:00.250Z humidity/lab 1e-7 ?[2J? offline",
            "2026-01-15T10:30:00.250Z humidity/lab 1e308 -",
        ];
        assert_eq!(printed(false, false, &events), expected);
    }

    #[test]
    fn a_person_sees_columns() {
        let events = [
            reading("temperature/site-a/rack-1", 26.1, Some("celsius"), "fresh"),
            reading("humidity/lab", 48.25, None, "stale"),
            alert(OPENED),
        ];
        let expected = [
            "2026-01-15T10:30:00.250Z  temperature/site-a/rack-1        26.1 celsius",
            "2026-01-15T10:30:00.250Z  humidity/lab                    48.25            stale",
            "2026-01-15T10:30:30.000Z temperature/lab alert opened: hot (warning, above 25) at 26.5 celsius",
        ];
        assert_eq!(printed(false, true, &events), expected);
    }

    #[test]
    fn a_person_reads_words_and_a_script_numbers() {
        let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nmetric = \"hatch\"\nwords = { ajar = 0.5 }";
        let words = telemetry::Mappings::read(rules).unwrap().words();
        let line = |aligned, topic, value| {
            let mut lines = Lines::new(Style { json: false, aligned }, words.clone());
            let event = reading(topic, value, None, "fresh");
            lines.make_room(std::slice::from_ref(&event));
            lines.line(&event)
        };
        assert!(line(true, "hatch/barn", 0.5).ends_with("ajar"));
        assert!(line(true, "door/barn", 1.0).ends_with("open"));
        assert!(line(false, "hatch/barn", 0.5).ends_with("0.5 -"));
    }

    #[test]
    fn an_alert_has_words_for_people_and_numbers_for_scripts() {
        let opened = OPENED
            .replace("\"metric\":\"temperature\"", "\"metric\":\"door\"")
            .replace("above 25", "above 0")
            .replace("\"value\":26.5", "\"value\":1.0")
            .replace("\"unit\":\"celsius\"", "\"unit\":null");
        let rate = opened.replace("\"kind\":\"above\"", "\"kind\":\"rate\"");
        let ends = |aligned, incident: &str, end: &str| {
            let line = printed(false, aligned, &[alert(incident)]).remove(0);
            assert!(line.ends_with(end), "{line}");
        };
        ends(true, &opened, "door/lab alert opened: hot (warning, above closed) at open");
        ends(false, &opened, "door/lab alert opened: hot (warning, above 0) at 1");
        ends(true, &rate, "door/lab alert opened: hot (warning, above 0) at 1");
    }

    #[test]
    fn an_alert_that_is_over_says_how() {
        let resolved = OPENED.replace("\"resolved_at\":null", "\"resolved_at\":\"2026-01-15T10:32:00Z\"");
        let by_itself = resolved.replace("\"resolved_value\":null", "\"resolved_value\":23.5");
        let removed = resolved.replace("\"end\":null", "\"end\":\"rule removed\"");
        let expected = [
            "2026-01-15T10:32:00.000Z temperature/lab alert resolved: hot (warning, above 25) at 23.5 celsius",
            "2026-01-15T10:32:00.000Z temperature/lab alert resolved: hot (warning, above 25), as it is no longer watched",
        ];
        assert_eq!(printed(false, false, &[alert(&by_itself), alert(&removed)]), expected);
    }

    #[test]
    fn json_has_the_names_of_the_api() {
        let row = r#"{"id":"1","rule":"hot"}"#;
        let whole = alert(OPENED);
        let Event::Incident(said, _) = whole else { unreachable!() };
        let events =
            [reading("temperature/site-a/lab", 26.0, None, "fresh"), Event::Incident(said, row.to_owned())];
        let expected = [
            r#"{"device":"site-a/lab","metric":"temperature","value":26.0,"unit":null,"measured_at":"2026-01-15T10:30:00.250000Z","state":"fresh"}"#,
            r#"{"incident":{"id":"1","rule":"hot"}}"#,
        ];
        assert_eq!(printed(true, true, &events), expected);
    }
}
