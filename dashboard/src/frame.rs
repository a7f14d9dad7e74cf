//! One frame as a page gets it: what changed, in JSON that is short.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::newest::{Id, Sensor, Version};

/// Fields with nothing in them are left out.
#[derive(Debug, Serialize)]
pub(crate) struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The server's time in Unix microseconds.
    at: i64,
    /// What ids stand for: id, topic, unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<(Id, &'a str, Option<&'a str>)>,
    /// Newest readings: id, value, age in microseconds, state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<(Id, f64, i64, u8)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alerts: Option<Vec<&'a RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_alerts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rejected: Option<u64>,
    /// Seconds; known to be unknown is `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) behind: Option<Option<f64>>,
}

impl<'a> Frame<'a> {
    /// A snapshot, where the page has seen no frame.
    pub(crate) fn new(since: Option<Version>, now: Timestamp) -> Self {
        Self {
            kind: if since.is_some() { "changes" } else { "snapshot" },
            at: now.as_microsecond(),
            names: Vec::new(),
            values: Vec::new(),
            alerts: None,
            open_alerts: None,
            rejected: None,
            behind: None,
        }
    }

    pub(crate) fn add(&mut self, id: Id, sensor: &'a Sensor, since: Option<Version>) {
        let reading = &sensor.reading;
        if since.is_none_or(|since| sensor.named >= since) {
            self.names.push((id, reading.series.as_str(), reading.unit.as_deref()));
        }
        let age_micros = self.at - reading.measured_at.as_microsecond();
        self.values.push((id, reading.value, age_micros, sensor.state as u8));
    }

    pub(crate) fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("a frame is lists, numbers and strings").into()
    }
}
