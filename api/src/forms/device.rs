//! A device, and what it logs in with.

use serde::{Deserialize, Serialize};
use store::{Credential as Stored, Device as StoredDevice};

use super::{Boot, Incident, Rejected, Series, State, Time};

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
            latitude: device.degrees().0,
            longitude: device.degrees().1,
            sampling_rate: device.interval.map(|interval| interval.as_secs_f64()),
            tags: &device.tags,
            note: device.note.as_deref(),
            retired: device.retired,
        }
    }
}

/// A device with what is known of it beside: the answer of `GET /api/devices/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceDetails {
    /// The device.
    #[serde(flatten)]
    pub device: Device,
    /// By which connection it speaks; `null` where it is not connected, or that is not known.
    pub connection: Option<Connection>,
    /// From which time on its numbered readings are counted here: its newest ones.
    pub counted_from: Option<Time>,
    /// Its last restarts with what is stored since, newest first.
    pub boots: Vec<Boot<'static>>,
    /// What is missing of its numbered readings, newest first.
    pub gaps: Vec<Gap>,
    /// Incidents of it that are open.
    pub open_incidents: OpenIncidents,
    /// Payloads of it that could not be read.
    pub rejected: RejectedOfDevice,
}

/// The connection by which a device speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The client id: of a gateway where one speaks for the device.
    pub client_id: String,
    /// The user that the client has proved to be.
    pub user: Option<String>,
    /// From where it connects: address and port.
    pub address: String,
    /// Since when.
    pub since: Time,
    /// What is published when it is gone without a word.
    pub last_will: Option<LastWill>,
}

/// What a broker publishes for a client that is gone without a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWill {
    /// The topic.
    pub topic: String,
    /// The beginning of the payload as text.
    pub payload: String,
    /// Whether it is retained.
    pub retain: bool,
}

/// A range of numbers of a device that are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The device's restart counter.
    pub boot: u64,
    /// The first number that is missing.
    pub first: u64,
    /// The last one of the range.
    pub last: u64,
}

/// Incidents of a device that are open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenIncidents {
    /// How many, up to a thousand.
    pub count: usize,
    /// The one that opened last.
    pub newest: Option<Incident>,
}

/// Payloads of a device that could not be read and were not resent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RejectedOfDevice {
    /// How many of the last ten thousand of all devices.
    pub count: usize,
    /// The newest.
    pub newest: Option<Rejected<'static>>,
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
