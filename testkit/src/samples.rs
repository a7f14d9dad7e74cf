//! Samples of what a store stores, each a short call with what matters to the test.

use bytes::Bytes;
use jiff::Timestamp;
use store::{
    Address, Channel, Condition, ConditionKind, Incident, NewMessage, RejectedMessage, Severity, Silence,
};
use telemetry::{Filter, Reading, Series};

/// The time this many microseconds after 1970 began.
#[must_use]
pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

/// A reading of a series (`temperature/lab`), without a unit or numbers, received in November 2023.
#[must_use]
pub fn reading(series: &str, measured_at_micros: i64, value: f64) -> Reading {
    Reading {
        series: Series::parse(series).unwrap(),
        value,
        unit: None,
        measured_at: at(measured_at_micros),
        received_at: at(1_700_000_000_000_000),
        boot: None,
        seq: None,
    }
}

/// A message that is no reading.
#[must_use]
pub fn rejected(
    received_at_micros: i64,
    topic: &str,
    reason: &str,
    payload: &'static str,
) -> RejectedMessage {
    let payload = Bytes::from_static(payload.as_bytes());
    RejectedMessage {
        received_at: at(received_at_micros),
        topic: topic.into(),
        reason: reason.into(),
        payload,
    }
}

/// A mail address.
#[must_use]
pub fn mail(to: &str) -> Address {
    Address { channel: Channel::Mail, to: to.into() }
}

/// An open incident of the rule `too hot`, with 31.5 °C on `temperature`.
#[must_use]
pub fn incident(id: &str, device: &str, opened_at_micros: i64) -> Incident {
    Incident {
        id: id.into(),
        rule: "too hot".into(),
        severity: Severity::Critical,
        device: device.into(),
        metric: "temperature".into(),
        condition: Condition { kind: ConditionKind::Above, text: "above 25".into(), threshold: Some(25.0) },
        began_at: at(opened_at_micros - 1),
        opened_at: at(opened_at_micros),
        judged_at: at(opened_at_micros + 1000),
        value: Some(31.5),
        unit: Some("celsius".into()),
        peak: Some(31.5),
        peak_at: Some(at(opened_at_micros)),
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: Vec::new(),
    }
}

/// The message `<id>@millrace` to `a@example.org`, with these notifications.
#[must_use]
pub fn message(id: &str, notifications: &[i64]) -> NewMessage {
    NewMessage {
        message_id: format!("{id}@millrace"),
        address: mail("a@example.org"),
        made_at: at(20),
        notifications: notifications.to_vec(),
    }
}

/// A silence of everything between two times.
#[must_use]
pub fn silence(id: &str, from_micros: i64, until_micros: i64) -> Silence {
    Silence {
        id: id.into(),
        rule: None,
        metric: None,
        device: Filter::all(),
        from: at(from_micros),
        until: at(until_micros),
        reason: "a test".into(),
        by: "me".into(),
    }
}
