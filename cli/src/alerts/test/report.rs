//! What a dry run gives, and what differs from the rules in force: as a table and as JSON.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::Hash;

use alerter::DryRunResult;
use api::forms::{self, Time};
use jiff::Timestamp;
use serde::Serialize;
use store::{Incident, OutgoingMessage, TextCodec as _};

use crate::table::{table, time};

/// Lines of incidents that are printed, at most.
const MAX_ROWS: usize = 1_000;

/// The results of both sets of rules over the same readings.
pub(super) struct Report<'a> {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) readings: u64,
    pub(super) new: &'a DryRunResult,
    pub(super) old: &'a DryRunResult,
    pub(super) difference: Difference<'a>,
}

/// What only one of the two sets of rules gives; what begins, ends or is notified at another time is in both lists.
pub(super) struct Difference<'a> {
    incidents: Only<'a, Incident>,
    messages: Only<'a, OutgoingMessage>,
}

struct Only<'a, T> {
    added: Vec<&'a T>,
    gone: Vec<&'a T>,
}

impl<'a> Difference<'a> {
    pub(super) fn of(old: &'a DryRunResult, new: &'a DryRunResult) -> Self {
        Self {
            incidents: Only::of(&old.incidents, &new.incidents, key),
            messages: Only::of(&old.messages, &new.messages, message_key),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.incidents.is_none() && self.messages.is_none()
    }

    pub(super) fn words(&self) -> String {
        let Self { incidents, messages } = self;
        format!("the rules differ: incidents {}, messages {}", incidents.words(), messages.words())
    }
}

impl<'a, T> Only<'a, T> {
    fn of<K: Eq + Hash>(old: &'a [T], new: &'a [T], key: impl Fn(&'a T) -> K) -> Self {
        let only_in = |these: &'a [T], those: &'a [T]| {
            let known: HashSet<_> = those.iter().map(&key).collect();
            these.iter().filter(|one| !known.contains(&key(one))).collect()
        };
        Self { added: only_in(new, old), gone: only_in(old, new) }
    }

    fn is_none(&self) -> bool {
        self.added.is_empty() && self.gone.is_empty()
    }

    fn words(&self) -> String {
        format!("added {} gone {}", self.added.len(), self.gone.len())
    }
}

/// Identifies an incident by what people care about: that it was, how severe and from when to when, not at which limit.
fn key(incident: &Incident) -> impl Eq + Hash + use<'_> {
    let Incident { rule, severity, device, metric, opened_at, resolved_at, .. } = incident;
    (rule, severity, device, metric, opened_at, resolved_at)
}

/// Identifies a message by when it is sent, to whom and about what.
fn message_key(message: &OutgoingMessage) -> impl Eq + Hash + use<'_> {
    let notifications =
        message.notifications.iter().map(|(notification, incident)| (notification.kind, key(incident)));
    (message.made_at, &message.address, notifications.collect::<Vec<_>>())
}

/// The report that `--json` prints.
#[derive(Serialize)]
pub(super) struct Json {
    from: Time,
    to: Time,
    readings: u64,
    incidents: Vec<forms::Incident>,
    messages: Vec<JsonMessage>,
    difference: JsonDifference,
}

#[derive(Serialize)]
struct JsonDifference {
    added: Vec<forms::Incident>,
    gone: Vec<forms::Incident>,
    messages: JsonMessages,
}

#[derive(Serialize)]
struct JsonMessages {
    added: Vec<JsonMessage>,
    gone: Vec<JsonMessage>,
}

/// A message that would have been sent.
#[derive(Serialize)]
struct JsonMessage {
    at: Time,
    channel: &'static str,
    to: String,
    message_id: String,
    incidents: Vec<String>,
}

impl JsonMessage {
    fn of(message: &OutgoingMessage) -> Self {
        let mut incidents: Vec<_> =
            message.notifications.iter().map(|(_, incident)| incident.id.clone()).collect();
        incidents.dedup();
        Self {
            at: message.made_at.into(),
            channel: message.address.channel.word(),
            to: message.address.to.clone(),
            message_id: message.message_id.clone(),
            incidents,
        }
    }
}

impl Report<'_> {
    pub(super) fn json(&self) -> Json {
        let rows =
            |incidents: &[&Incident]| incidents.iter().map(|one| forms::Incident::from(*one)).collect();
        let sent = |messages: &[&OutgoingMessage]| messages.iter().map(|one| JsonMessage::of(one)).collect();
        let Difference { incidents, messages } = &self.difference;
        Json {
            from: self.from.into(),
            to: self.to.into(),
            readings: self.readings,
            incidents: self.new.incidents.iter().map(forms::Incident::from).collect(),
            messages: self.new.messages.iter().map(JsonMessage::of).collect(),
            difference: JsonDifference {
                added: rows(&incidents.added),
                gone: rows(&incidents.gone),
                messages: JsonMessages { added: sent(&messages.added), gone: sent(&messages.gone) },
            },
        }
    }

    pub(super) fn text(&self) -> String {
        let added: HashSet<_> = self.difference.incidents.added.iter().map(|one| one.id.as_str()).collect();
        let sign = |one: &Incident| if added.contains(&*one.id) { "+ new" } else { "same" };
        let mut rows: Vec<_> = self.new.incidents.iter().map(|one| (sign(one), one)).collect();
        rows.extend(self.difference.incidents.gone.iter().map(|one| ("- gone", *one)));
        rows.sort_by_key(|(_, incident)| incident.opened_at);
        let all = rows.len();
        let shown = rows.into_iter().take(MAX_ROWS);
        let rows: Vec<_> = shown.map(|(sign, incident)| row(sign, incident)).collect();
        let mut text = String::new();
        if !rows.is_empty() {
            text += &table(
                [
                    "",
                    "severity",
                    "rule",
                    "device",
                    "metric",
                    "condition",
                    "opened (UTC)",
                    "resolved (UTC)",
                    "peak",
                ],
                &rows,
            );
            text.push('\n');
        }
        if all > MAX_ROWS {
            let _ = writeln!(
                text,
                "… showing the first {MAX_ROWS} of {all} incidents: --json prints all of them"
            );
        }
        let counts = |played: &DryRunResult| {
            format!("incidents {}, messages {}", played.incidents.len(), played.messages.len())
        };
        let _ = write!(
            text,
            "readings {}, from {} to {} UTC; these rules: {}; rules in force: {}",
            self.readings,
            time(self.from),
            time(self.to),
            counts(self.new),
            counts(self.old)
        );
        text
    }
}

fn row(sign: &str, incident: &Incident) -> [String; 9] {
    [
        sign.into(),
        incident.severity.word().into(),
        incident.rule.clone(),
        incident.device.clone(),
        incident.metric.clone(),
        incident.condition.text.clone(),
        time(incident.opened_at),
        incident.resolved_at.map_or("open".into(), time),
        incident.peak.map(|peak| peak.to_string()).unwrap_or_default(),
    ]
}
