//! The body of a call, as Alertmanager's documentation of `webhook_config` has it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Incident, NotificationKind, OutgoingMessage};

use telemetry::{Words, fnv1a_64};

use crate::message::words;

type Labels = BTreeMap<&'static str, String>;

/// One alert per incident; it is resolved where the message says that it ended.
pub(super) fn of(message: &OutgoingMessage, page: &str, words: &Words) -> Value {
    let mut incidents: Vec<(&Incident, bool)> = Vec::new();
    for (notification, incident) in &message.notifications {
        let ended = notification.kind == NotificationKind::Resolved;
        match incidents.iter_mut().find(|(known, _)| known.id == incident.id) {
            Some((_, resolved)) => *resolved |= ended,
            None => incidents.push((incident, ended)),
        }
    }
    let alerts: Vec<_> =
        incidents.iter().map(|(incident, ended)| alert(incident, *ended, page, words)).collect();
    let incidents_of = || incidents.iter().map(|(incident, _)| *incident);
    let common_labels = common(incidents_of().map(labels));
    let group: Labels = common_labels.clone().into_iter().filter(|(name, _)| *name == "alertname").collect();
    let key: Vec<_> = group.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{{}}}", key.join(", ")),
        "truncatedAlerts": 0,
        "status": status(incidents.iter().all(|(_, ended)| *ended)),
        "receiver": message.address.to,
        "groupLabels": group,
        "commonLabels": common_labels,
        "commonAnnotations": common(incidents_of().map(|incident| annotations(incident, words))),
        "externalURL": page,
        "alerts": alerts,
    })
}

fn alert(incident: &Incident, ended: bool, page: &str, words: &Words) -> Value {
    let labels = labels(incident);
    let ends_at = incident.resolved_at.filter(|_| ended).map_or_else(zero_time, |at| at.to_string());
    json!({
        "status": status(ended),
        "fingerprint": fingerprint(&labels),
        "labels": labels,
        "annotations": annotations(incident, words),
        "startsAt": incident.opened_at,
        "endsAt": ends_at,
        "generatorURL": words::link(page, incident),
    })
}

fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

/// What Go, and so Alertmanager, writes for a time that has not come.
fn zero_time() -> String {
    "0001-01-01T00:00:00Z".into()
}

fn labels(incident: &Incident) -> Labels {
    BTreeMap::from([
        ("alertname", incident.rule.clone()),
        ("device", incident.device.clone()),
        ("metric", incident.metric.clone()),
        ("severity", words::severity(incident.severity).to_owned()),
    ])
}

/// Alertmanager's are texts, and so are these. A number that has a word stands beside it.
fn annotations(incident: &Incident, words: &Words) -> Labels {
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let word = |value: Option<f64>| words::word(value?, incident, words).map(str::to_owned);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let all = [
        ("summary", Some(words::summary(incident, words))),
        ("condition", Some(words::limit(incident, words))),
        ("value", number(incident.value)),
        ("value_word", word(incident.value)),
        ("threshold", number(incident.condition.threshold)),
        ("threshold_word", word(incident.condition.threshold)),
        ("unit", incident.unit.clone()),
        ("peak", number(incident.peak)),
        ("peak_word", word(incident.peak)),
        ("resolved_value", number(incident.resolved_value)),
        ("resolved_value_word", word(incident.resolved_value)),
        ("began_at", time(Some(incident.began_at))),
        ("judged_at", time(Some(incident.judged_at))),
        ("incident", Some(incident.id.clone())),
    ];
    all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// What all have in common.
fn common(all: impl Iterator<Item = Labels>) -> Labels {
    let both = |mut a: Labels, b: Labels| {
        a.retain(|name, value| b.get(name) == Some(value));
        a
    };
    all.reduce(both).unwrap_or_default()
}

/// The same for the same labels, as Prometheus computes it.
fn fingerprint(labels: &Labels) -> String {
    const SEPARATOR: u8 = 0xff;
    let bytes = labels
        .iter()
        .flat_map(|(name, value)| name.bytes().chain([SEPARATOR]).chain(value.bytes()).chain([SEPARATOR]));
    format!("{:016x}", fnv1a_64(bytes))
}
