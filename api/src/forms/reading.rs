//! Stored readings, and readings summed up for a chart.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use telemetry::ClockRun;

use super::{Time, clock_ahead_seconds};

/// A stored reading: a row of `GET /api/readings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading<'a> {
    /// The device.
    pub device: Cow<'a, str>,
    /// The metric.
    pub metric: Cow<'a, str>,
    /// The value.
    pub value: f64,
    /// The unit, where the device sent one.
    pub unit: Option<Cow<'a, str>>,
    /// When the device measured the value.
    pub measured_at: Time,
    /// When the broker received it.
    pub received_at: Time,
    /// When it was written to the database.
    pub stored_at: Time,
    /// The device's restart counter, where it sends one.
    pub boot: Option<u64>,
    /// The device's number of the reading within its boot, where it sends one.
    pub seq: Option<u64>,
    /// By how many seconds the broker's clock was ahead when it gave `received_at`, and `measured_at` where the device
    /// gave none; less than 0 where it was behind. Missing where nothing speaks against the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<f64>,
}

impl<'a> From<&'a store::StoredReading> for Reading<'a> {
    fn from(stored: &'a store::StoredReading) -> Self {
        let reading = &stored.reading;
        Self {
            device: reading.series.device().into(),
            metric: reading.series.metric().into(),
            value: reading.value,
            unit: reading.unit.as_deref().map(Cow::from),
            measured_at: reading.measured_at.into(),
            received_at: reading.received_at.into(),
            stored_at: stored.stored_at.into(),
            boot: reading.boot,
            seq: reading.seq,
            clock_ahead_seconds: None,
        }
    }
}

impl<'a> Reading<'a> {
    /// A stored reading, marked where the clock that stamped it was wrong.
    #[must_use]
    pub fn stamped(stored: &'a store::StoredReading, runs: &[ClockRun]) -> Self {
        let clock_ahead_seconds = clock_ahead_seconds(stored.reading.received_at, runs);
        Self { clock_ahead_seconds, ..Self::from(stored) }
    }
}

/// The readings of a part of a chart's range, summed up: a row of `GET /api/readings?points=…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The start of the bucket.
    pub from: Time,
    /// The end of the bucket, which is not part of it.
    pub to: Time,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The arithmetic mean of the values.
    pub mean: f64,
    /// How many readings there are, at least 1.
    pub count: u64,
}

/// What the readings of a group of devices come to in a bucket: a row of `GET /api/readings?aggregate=…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The group, where groups are asked for; empty for devices without a type or a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The start of the bucket.
    pub from: Time,
    /// The end of the bucket, which is not part of it.
    pub to: Time,
    /// What was asked for.
    pub value: f64,
    /// The unit of the value, where it has one.
    pub unit: Option<String>,
    /// How many readings there are, at least 1.
    pub count: u64,
}

impl From<&store::Bucket> for Bucket {
    fn from(bucket: &store::Bucket) -> Self {
        let store::Bucket { from, to, min, max, mean, count } = *bucket;
        Self { from: from.into(), to: to.into(), min, max, mean, count }
    }
}
