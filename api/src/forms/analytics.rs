//! What is said of series beyond their values.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Bucket, Series, Time};

/// How the newest value of a series looks beside the last ones: a row of `GET /api/analytics/realtime`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Realtime<'a> {
    /// The newest reading.
    #[serde(flatten)]
    pub newest: Series<'a>,
    /// How many values before it the mean and the deviation are of.
    pub window: usize,
    /// Their mean.
    pub rolling_mean: f64,
    /// Their standard deviation.
    pub rolling_deviation: f64,
    /// How many deviations the newest value is above the mean.
    pub z_score: f64,
    /// Whether that is more than 2, either way.
    pub is_anomaly: bool,
    /// How many of the window's values and the newest were anomalies.
    pub anomalies: usize,
    /// Readings a second over the window; null where that is too short.
    pub rate: Option<f64>,
    /// The last hour; null where nothing was measured in it.
    pub hour: Option<Hour>,
}

/// The readings of an hour, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Hour {
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// How many readings there are.
    pub count: u64,
}

impl From<&store::Bucket> for Hour {
    fn from(bucket: &store::Bucket) -> Self {
        let store::Bucket { min, max, mean, count, .. } = *bucket;
        Self { min, max, mean, count }
    }
}

/// A series summed up over a range: a row of `GET /api/analytics/historical`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Historical<'a> {
    /// The device.
    pub device: Cow<'a, str>,
    /// The metric.
    pub metric: Cow<'a, str>,
    /// The unit, where the device sends one.
    pub unit: Option<Cow<'a, str>>,
    /// All readings of the range; null where there are none.
    pub all: Option<Hour>,
    /// How many of them, the last ones, what follows is of.
    pub examined: usize,
    /// Their standard deviation.
    pub deviation: Option<f64>,
    /// What half of them are below.
    pub p50: Option<f64>,
    /// What 95 % of them are below.
    pub p95: Option<f64>,
    /// What 99 % of them are below.
    pub p99: Option<f64>,
    /// How many of them are anomalies.
    pub anomaly_count: usize,
    /// The last of those.
    pub anomalies: Vec<Anomaly>,
    /// The range in equal parts, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
}

/// A value that is far from those before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Anomaly {
    /// When it was measured.
    pub measured_at: Time,
    /// The value.
    pub value: f64,
    /// The mean of the values before it.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// How many deviations the value is above the mean.
    pub z_score: f64,
}

/// The answer of `GET /analyze`, whose field for the mean is named by the metric.
#[must_use]
pub fn analyzed(device: &str, metric: &str, judged: analytics::Judged, at: Time) -> Map<String, Value> {
    Map::from_iter([
        ("device_id".to_owned(), json!(device)),
        (format!("rolling_average_{metric}"), json!(judged.mean)),
        ("is_anomaly".to_owned(), json!(judged.is_anomaly)),
        ("z_score".to_owned(), json!(judged.z)),
        ("processed_at".to_owned(), json!(at)),
    ])
}
