//! Types of devices.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;

/// A type of devices: a row of `GET /api/types`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceType {
    /// What the `type` of its devices is.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub said: TypeDescription,
    /// Whether it is compiled in, and not stored.
    pub built_in: bool,
    /// When it was changed last.
    pub changed_at: Option<Time>,
}

/// What a type says of its devices: the body of `PUT /api/types/{name}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypeDescription {
    /// How people call it.
    pub title: Option<String>,
    /// Seconds between two readings of a device that says nothing else.
    pub sampling_rate: Option<f64>,
    /// What its devices measure.
    pub metrics: Vec<TypeMetric>,
    /// Which commands they take.
    pub commands: Vec<TypeCommand>,
}

/// What devices of a type measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeMetric {
    /// The name of the metric.
    pub metric: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// The least value that makes sense.
    pub min: Option<f64>,
    /// The greatest one.
    pub max: Option<f64>,
}

/// A command that devices of a type take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeCommand {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub title: Option<String>,
    /// What its arguments must be, as a JSON schema; anything where it is `null`.
    pub args: Option<Value>,
}
