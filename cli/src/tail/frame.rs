//! A frame of the stream, as docs/api.md has it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Snapshot,
    Changes,
}

#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// The server's time, in microseconds.
    at: i64,
    /// What an id stands for: topic and unit.
    #[serde(default)]
    pub(super) names: Vec<(u32, String, Option<String>)>,
    #[serde(default)]
    values: Vec<(u32, f64, i64, u8)>,
    #[serde(borrow)]
    pub(super) alerts: Option<Vec<&'a RawValue>>,
}

/// The newest reading of a sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Value {
    pub(super) id: u32,
    pub(super) value: f64,
    pub(super) measured_at: Timestamp,
    pub(super) state: &'static str,
}

impl Frame<'_> {
    pub(super) fn at(&self) -> anyhow::Result<Timestamp> {
        Ok(Timestamp::from_microsecond(self.at)?)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = anyhow::Result<Value>> {
        self.values.iter().map(|&(id, value, age, state)| {
            let measured_at = Timestamp::from_microsecond(self.at.saturating_sub(age))?;
            let states = ["fresh", "stale", "offline"];
            let state =
                states.get(usize::from(state)).ok_or_else(|| anyhow::anyhow!("state {state} is unknown"))?;
            Ok(Value { id, value, measured_at, state })
        })
    }
}

/// What is said of an alert; the rest is printed as it came.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Alert {
    pub(super) id: String,
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) device: String,
    pub(super) metric: String,
    pub(super) condition: String,
    pub(super) opened_at: Timestamp,
    pub(super) judged_at: Timestamp,
    pub(super) resolved_at: Option<Timestamp>,
    pub(super) value: Option<f64>,
    pub(super) resolved_value: Option<f64>,
    pub(super) unit: Option<String>,
    pub(super) end: Option<String>,
}
