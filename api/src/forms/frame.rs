//! A frame of the live view, as `/ws` sends it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What changed in the live view. Fields with nothing in them are left out.
#[derive(Debug, Serialize, Deserialize)]
pub struct Frame<'a> {
    /// Whether the frame holds everything or only what changed.
    #[serde(rename = "type")]
    pub kind: FrameKind,
    /// The server's time in Unix microseconds.
    pub at: i64,
    /// What numbers stand for in this connection: the number, topic and unit of a series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<(u32, Cow<'a, str>, Option<Cow<'a, str>>)>,
    /// Newest readings: the number of the series, value, age in microseconds and [state](super::State::code).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(u32, f64, i64, u8)>,
    /// Rows of `GET /api/incidents`: open incidents first, then the newest.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<&'a RawValue>>,
    /// Series whose open incidents changed: the number of the series, and a code: 0 has none; 1 all acknowledged;
    /// 2 silenced or acknowledged; 3, 4, 5 the highest severity of the others is info, warning, critical.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerting: Vec<(u32, u8)>,
    /// How many incidents are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_alerts: Option<u64>,
    /// How many of them are acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_alerts: Option<u64>,
    /// How many of them are silenced, and not acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_alerts: Option<u64>,
    /// The number of rejected payloads that were not resent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// By how many seconds the writer is behind; `null` while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Option<f64>>,
    /// How many groups of topics no rule reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<u64>,
}

/// Whether a frame holds everything or only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FrameKind {
    /// Everything: the first frame of a subscription.
    Snapshot,
    /// What changed since the frame before.
    Changes,
}
