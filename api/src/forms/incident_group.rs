//! Groups of incidents.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Time;

/// Incidents of one rule, or of one site: a row of `GET /api/incidents/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentGroup {
    /// The rule, or the first level of the devices' names.
    pub name: String,
    /// The narrowest MQTT filter by leading levels that matches the group's devices.
    pub device: String,
    /// The rule, where the group has incidents of only one.
    pub rule: Option<String>,
    /// The metric, where the group has incidents of only one.
    pub metric: Option<String>,
    /// The highest severity of its open incidents; of all, where none is open.
    pub severity: Cow<'static, str>,
    /// How many incidents there are in the group.
    pub incidents: u64,
    /// How many of them are not resolved.
    pub open: u64,
    /// How many of the open ones are acknowledged.
    pub acknowledged: u64,
    /// How many of the open ones are silenced, and not acknowledged.
    pub silenced: u64,
    /// How many devices they concern.
    pub devices: u64,
    /// How many first levels the names of those devices have.
    pub sites: u64,
    /// When the first of them opened.
    pub first_opened_at: Time,
    /// When the last of them opened.
    pub last_opened_at: Time,
}
