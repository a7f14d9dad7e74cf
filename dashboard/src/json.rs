//! How things look in the API: times RFC 3339 in UTC with microseconds.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Bucket, Incident, Mail, MailKind, RejectedMessage, StoredReading};
use telemetry::Reading;

use crate::State;

pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[derive(Serialize)]
pub(crate) struct Device<'a> {
    device: &'a str,
    metric: &'a str,
    value: f64,
    unit: Option<&'a str>,
    measured_at: String,
    state: State,
}

pub(crate) fn device((reading, state): (&Reading, State)) -> Device<'_> {
    Device {
        device: reading.topic.device(),
        metric: reading.topic.metric(),
        value: reading.value,
        unit: reading.unit.as_deref(),
        measured_at: time(reading.measured_at),
        state,
    }
}

pub(crate) fn reading(StoredReading { reading, stored_at }: &StoredReading) -> Value {
    json!({
        "device": reading.topic.device(),
        "metric": reading.topic.metric(),
        "value": reading.value,
        "unit": reading.unit,
        "measured_at": time(reading.measured_at),
        "received_at": time(reading.received_at),
        "stored_at": time(*stored_at),
        "boot": reading.boot,
        "seq": reading.seq,
    })
}

pub(crate) fn bucket(bucket: &Bucket) -> Value {
    json!({
        "from": time(bucket.from),
        "to": time(bucket.to),
        "min": bucket.min,
        "max": bucket.max,
        "mean": bucket.mean,
        "count": bucket.count,
    })
}

pub(crate) fn alert(incident: &Incident) -> Value {
    json!({
        "rule": incident.rule,
        "device": incident.device,
        "metric": incident.metric,
        "unit": incident.unit,
        "opened_at": time(incident.opened_at),
        "resolved_at": incident.resolved_at.map(time),
        "value": incident.value,
        "mails": incident.mails.iter().map(mail).collect::<Vec<_>>(),
    })
}

fn mail(mail: &Mail) -> Value {
    let kind = match mail.kind {
        MailKind::Opened => "opened",
        MailKind::Resolved => "resolved",
    };
    json!({ "kind": kind, "to": mail.recipients, "message_id": mail.message_id, "sent_at": mail.sent_at.map(time) })
}

/// A payload that is not UTF-8 has its strange bytes replaced; all of them are kept in the store.
pub(crate) fn rejected(message: &RejectedMessage) -> Value {
    json!({
        "received_at": time(message.received_at),
        "topic": message.topic,
        "reason": message.reason,
        "payload": String::from_utf8_lossy(&message.payload),
    })
}
