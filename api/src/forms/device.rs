//! A device, and what it logs in with.

use serde::{Deserialize, Serialize};
use store::{Credential as Stored, Device as StoredDevice};

use super::{Series, State, Time};

/// A device: a row of `GET /api/devices`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its name in topics.
    pub name: String,
    /// How people call it.
    pub title: Option<String>,
    /// What kind of device it is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Where it is, in words.
    pub location: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Seconds between two of its readings.
    pub sampling_rate: Option<f64>,
    /// Words that it is found by.
    pub tags: Vec<String>,
    /// What else people say of it.
    pub note: Option<String>,
    /// Whether its readings are neither awaited nor taken.
    pub retired: bool,
    /// Whether it is registered, or was only heard.
    pub registered: bool,
    /// When it was registered.
    pub created_at: Option<Time>,
    /// When what is said of it was changed last.
    pub changed_at: Option<Time>,
    /// How it is doing, by its newest reading.
    pub state: DeviceState,
    /// When its newest reading was measured.
    pub last_seen: Option<Time>,
    /// The newest reading of each of its series.
    pub series: Vec<Series<'static>>,
}

/// What is said of a device: a row of an export.
#[derive(Debug, Serialize)]
pub struct DeviceRow<'a> {
    name: &'a str,
    title: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    location: Option<&'a str>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    sampling_rate: Option<f64>,
    tags: &'a [String],
    note: Option<&'a str>,
    retired: bool,
}

impl<'a> From<&'a StoredDevice> for DeviceRow<'a> {
    fn from(device: &'a StoredDevice) -> Self {
        Self {
            name: &device.name,
            title: device.title.as_deref(),
            kind: device.kind.as_deref(),
            location: device.location.as_deref(),
            latitude: device.place.map(|(latitude, _)| latitude as f64 / 1e6),
            longitude: device.place.map(|(_, longitude)| longitude as f64 / 1e6),
            sampling_rate: device.interval.map(|interval| interval.as_secs_f64()),
            tags: &device.tags,
            note: device.note.as_deref(),
            retired: device.retired,
        }
    }
}

/// How a device is doing, by its newest reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// Its newest reading is no older than it should be.
    Online,
    /// A reading is overdue.
    Late,
    /// Several readings are overdue.
    Offline,
    /// It was never heard.
    Unknown,
}

impl From<State> for DeviceState {
    fn from(state: State) -> Self {
        match state {
            State::Fresh => Self::Online,
            State::Stale => Self::Late,
            State::Offline => Self::Offline,
        }
    }
}

/// What a device logs in with: a row of `GET /api/devices/{name}/credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The user name for MQTT.
    pub user: String,
    /// The device.
    pub device: String,
    /// What the user may do beside what a device may: `read FILTER`, `write FILTER` and `readwrite FILTER`.
    pub rights: Vec<String>,
    /// How the client ids begin with which it subscribes in the cluster; the user name where it is `null`.
    pub client_id: Option<String>,
    /// Whether only a certificate with the user name gives access.
    pub certificate_only: bool,
    /// When it was made.
    pub created_at: Time,
    /// The password, once: in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether all brokers have it, in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<bool>,
}

impl From<&Stored> for Credential {
    fn from(stored: &Stored) -> Self {
        Self {
            user: stored.user.clone(),
            device: stored.device.clone(),
            rights: stored.rights.lines().map(str::to_owned).collect(),
            client_id: stored.client_id.clone(),
            certificate_only: stored.hash.is_empty(),
            created_at: stored.created_at.into(),
            password: None,
            in_force: None,
        }
    }
}
