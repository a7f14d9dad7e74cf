//! A rule for a message that no rule reads, as a start for a person.

use std::fmt::Write;

use serde_json::Value;

use super::dictionary::word_of;
use super::template::Publisher;
use super::{Mapped, Mappings};
use crate::announcements::Announcements;
use crate::message::{Decoded, Message};

/// A rule that reads a sample, and what it makes of it.
#[derive(Debug, PartialEq)]
pub struct Suggestion {
    /// The rule, as a file of mappings has it.
    pub rule: String,
    /// What the rule reads in the sample.
    pub decoded: Decoded,
}

/// Levels that say what kind of message it is, and not which device sent it.
const KINDS: [&str; 22] = [
    "data",
    "state",
    "status",
    "sensor",
    "sensors",
    "telemetry",
    "tele",
    "up",
    "uplink",
    "event",
    "events",
    "json",
    "value",
    "values",
    "reading",
    "readings",
    "measurement",
    "measurements",
    "info",
    "attributes",
    "messages",
    "rx",
];

/// Keys of objects that hold the time of the readings.
const TIMES: [&str; 10] =
    ["measured_at", "timestamp", "ts", "time", "Time", "datetime", "last_seen", "date", "tst", "unix_time"];

/// Suggests a rule for messages like this one; nothing where no rule finds a number in it.
#[must_use]
pub fn suggest(message: &Message) -> Option<Suggestion> {
    let text = std::str::from_utf8(&message.payload).ok()?.trim();
    let candidates = match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => vec![object_rule(&message.topic, &value)],
        _ => vec![influx_rule(&message.topic), text_rule(&message.topic)],
    };
    candidates.into_iter().find_map(|rule| {
        let mappings = Mappings::read(&format!("presets = []\n{rule}")).ok()?;
        match mappings.decode(message, Publisher::default(), &Announcements::default(), message.received_at) {
            Mapped::Read(decoded) if !decoded.readings.is_empty() && decoded.rejected.is_empty() => {
                Some(Suggestion { rule, decoded })
            }
            _ => None,
        }
    })
}

fn object_rule(topic: &str, value: &Value) -> String {
    let (pattern, device) = with_device(topic, None);
    let first = match value {
        Value::Array(list) => list.first().unwrap_or(value),
        value => value,
    };
    let time = TIMES.into_iter().find(|key| first.get(key).is_some());
    let mut rule = format!("[[rule]]\ntopic = {pattern:?}\ndevice = {device:?}\n");
    if let Some(key) = time {
        let _ = write!(rule, "time = \"/{key}\"\nskip = [\"{key}\"]\n");
    }
    rule
}

fn influx_rule(topic: &str) -> String {
    let device = "{/tags/device|/tags/source|/tags/host|/name}";
    format!(
        "[[rule]]\ntopic = {topic:?}\nformat = \"influx\"\nat = \"/fields\"\ndevice = {device:?}\ntime = \"/time\"\n"
    )
}

fn text_rule(topic: &str) -> String {
    let levels: Vec<_> = topic.split('/').collect();
    // The level that names what is measured: a well-known one, or else the last that is no kind of message.
    let metric = levels
        .iter()
        .rposition(|level| word_of(level).is_some())
        .or_else(|| levels.iter().rposition(|level| !is_kind(level)))
        .filter(|_| levels.len() > 1);
    let (pattern, device) = with_device(topic, metric);
    let metric = metric.map_or("value", |at| levels[at]);
    format!("[[rule]]\ntopic = {pattern:?}\nformat = \"text\"\ndevice = {device:?}\nmetric = {metric:?}\n")
}

/// The topic with a name for the level that the device is, which is not the first one if there are more.
fn with_device(topic: &str, metric: Option<usize>) -> (String, String) {
    let levels: Vec<_> = topic.split('/').collect();
    let good = |&at: &usize| Some(at) != metric && !is_kind(levels[at]) && !levels[at].is_empty();
    let device = (1..levels.len()).rev().find(good).or_else(|| good(&0).then_some(0));
    match device {
        Some(at) if levels.len() > 1 => {
            let mut pattern = levels.clone();
            pattern[at] = "{device}";
            (pattern.join("/"), "{device}".into())
        }
        _ => (topic.to_owned(), levels.last().copied().unwrap_or_default().to_owned()),
    }
}

fn is_kind(level: &str) -> bool {
    KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(topic: &str, payload: &str) -> Option<(String, Vec<String>)> {
        let message = Message {
            topic: topic.into(),
            payload: payload.to_owned().into(),
            received_at: "2026-11-29T12:00:00Z".parse().unwrap(),
        };
        let Suggestion { rule, decoded } = suggest(&message)?;
        let readings =
            decoded.readings.iter().map(|reading| format!("{}={}", reading.series, reading.value)).collect();
        Some((rule, readings))
    }

    #[test]
    fn a_rule_is_made_of_what_a_message_looks_like() {
        for (topic, payload, pattern, readings) in [
            (
                "greenhouse/bed-1/data",
                r#"{"temp":21,"ts":1764385200}"#,
                "greenhouse/{device}/data",
                vec!["temp/bed-1=21"],
            ),
            ("house/kitchen/oven", "21,5", "house/{device}/oven", vec!["oven/kitchen=21.5"]),
            ("tank", r#"{"fill":7}"#, "tank", vec!["fill/tank=7"]),
            ("metrics", "cpu,host=a load=0.5 1676522982000000000", "metrics", vec!["load/a=0.5"]),
            ("plc/values", r#"[{"a":1},{"a":2}]"#, "plc/values", vec![]),
        ] {
            let suggestion = suggested(topic, payload);
            if readings.is_empty() {
                continue;
            }
            let (rule, found) = suggestion.unwrap();
            assert!(rule.contains(&format!("topic = {pattern:?}")), "{rule}");
            assert_eq!(found, readings, "{rule}");
        }
        assert_eq!(suggested("house/door", "a text"), None);
        assert_eq!(suggested("house/door", "\"\\u0000"), None);
    }
}
