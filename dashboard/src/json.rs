//! How things look in the API: times RFC 3339 in UTC with microseconds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
pub(crate) use store::answer::{Incident, Silence, time};

use crate::State;

/// `{"<name>": [<rows>]}`.
pub(crate) fn listed<T: Serialize>(name: &str, rows: impl Iterator<Item = T>) -> String {
    text(&BTreeMap::from([(name, rows.collect::<Vec<_>>())]))
}

pub(crate) fn text(said: &impl Serialize) -> String {
    serde_json::to_string(said).expect("an answer is maps, numbers and strings")
}

/// The newest reading of a device and metric.
#[derive(Serialize)]
pub(crate) struct Series<'a> {
    device: &'a str,
    metric: &'a str,
    value: f64,
    unit: Option<&'a str>,
    measured_at: String,
    state: State,
}

impl<'a> Series<'a> {
    pub(crate) fn of((reading, state): (&'a telemetry::Reading, State)) -> Self {
        Self {
            device: reading.series.device(),
            metric: reading.series.metric(),
            value: reading.value,
            unit: reading.unit.as_deref(),
            measured_at: time(reading.measured_at),
            state,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Reading<'a> {
    device: &'a str,
    metric: &'a str,
    value: f64,
    unit: Option<&'a str>,
    measured_at: String,
    received_at: String,
    stored_at: String,
    boot: Option<u64>,
    seq: Option<u64>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(stored: &'a store::StoredReading) -> Self {
        let reading = &stored.reading;
        Self {
            device: reading.series.device(),
            metric: reading.series.metric(),
            value: reading.value,
            unit: reading.unit.as_deref(),
            measured_at: time(reading.measured_at),
            received_at: time(reading.received_at),
            stored_at: time(stored.stored_at),
            boot: reading.boot,
            seq: reading.seq,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Bucket {
    from: String,
    to: String,
    min: f64,
    max: f64,
    mean: f64,
    count: u64,
}

impl Bucket {
    pub(crate) fn of(bucket: &store::Bucket) -> Self {
        let store::Bucket { from, to, min, max, mean, count } = *bucket;
        Self { from: time(from), to: time(to), min, max, mean, count }
    }
}

#[derive(Serialize)]
pub(crate) struct Rejected<'a> {
    id: String,
    received_at: String,
    topic: &'a str,
    reason: &'a str,
    /// Bytes that are not UTF-8 are replaced; all of them are kept in the store.
    payload: Cow<'a, str>,
    resent_at: Option<String>,
}

/// What became of a rejected payload that was resent.
#[derive(Serialize)]
pub(crate) struct Resent {
    pub(crate) readings: usize,
    pub(crate) resent_at: String,
}

impl<'a> Rejected<'a> {
    pub(crate) fn of(rejection: &'a store::Rejection) -> Self {
        let message = &rejection.message;
        Self {
            id: rejection.id.to_string(),
            received_at: time(message.received_at),
            topic: &message.topic,
            reason: &message.reason,
            payload: String::from_utf8_lossy(&message.payload),
            resent_at: rejection.resent_at.map(time),
        }
    }
}

/// What is kept of one boot of a device, and what is not.
#[derive(Debug, Serialize)]
pub struct Boot<'a> {
    device: &'a str,
    boot: u64,
    first: u64,
    last: u64,
    expected: u64,
    stored: u64,
    repeated: u64,
    late: u64,
    missing: u64,
    /// First and last of each; the first hundred.
    missing_ranges: Vec<(u64, u64)>,
    newest_measured_at: String,
}

impl<'a> Boot<'a> {
    #[must_use]
    pub fn of(boot: &'a store::Boot) -> Self {
        Self {
            device: &boot.device,
            boot: boot.boot,
            first: boot.first,
            last: boot.last,
            expected: boot.expected(),
            stored: boot.stored,
            repeated: boot.repeated,
            late: boot.delayed,
            missing: boot.missing,
            missing_ranges: boot.missing_ranges.iter().map(|range| (*range.start(), *range.end())).collect(),
            newest_measured_at: time(boot.newest_measured_at),
        }
    }
}
