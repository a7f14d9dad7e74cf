//! Devices that people know.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};

/// Registered devices, at most.
pub const MAX_DEVICES: usize = 100_000;

/// A device that people know: beside its name, what they say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name in topics, such as `site-a/rack-1`.
    pub name: String,
    /// How people call it.
    pub title: Option<String>,
    /// What kind of device it is.
    pub kind: Option<String>,
    /// Where it is, in words.
    pub location: Option<String>,
    /// Where it is: degrees of latitude and longitude, in millionths.
    pub place: Option<(i64, i64)>,
    /// The time between two of its readings.
    pub interval: Option<Duration>,
    /// Words that it is found by, none with a blank.
    pub tags: Vec<String>,
    /// What else people say of it.
    pub note: Option<String>,
    /// Whether it is kept with its history, and its readings are neither awaited nor taken.
    pub retired: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When something of it was changed last.
    pub changed_at: Timestamp,
    /// Counts the changes of it.
    pub revision: i64,
}

impl Device {
    /// Where it is: latitude and longitude in degrees.
    #[must_use]
    pub fn degrees(&self) -> (Option<f64>, Option<f64>) {
        self.place.map(|(latitude, longitude)| (latitude as f64 / 1e6, longitude as f64 / 1e6)).unzip()
    }

    /// A device of which nothing is known but its name.
    #[must_use]
    pub fn new(name: impl Into<String>, at: Timestamp) -> Self {
        Self {
            name: name.into(),
            title: None,
            kind: None,
            location: None,
            place: None,
            interval: None,
            tags: Vec::new(),
            note: None,
            retired: false,
            created_at: at,
            changed_at: at,
            revision: 0,
        }
    }
}

const COLUMNS: &str = "
    name, title, kind, location, latitude, longitude, sampling, tags, note, retired, created_at, changed_at, revision";

pub(super) fn select_after(after: &str, limit: i64) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE name > $1 ORDER BY name LIMIT $2");
    Statement::new("read devices", sql, [after.into(), limit.into()])
}

pub(super) fn select(name: &str) -> Statement {
    Statement::new("read a device", format!("SELECT {COLUMNS} FROM devices WHERE name = $1"), [name.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Device> {
    let place = row.get::<Option<i64>>(4)?.zip(row.get::<Option<i64>>(5)?);
    let interval = row.get::<Option<i64>>(6)?.map(|micros| Duration::from_micros(micros.unsigned_abs()));
    Ok(Device {
        name: row.get(0)?,
        title: row.get(1)?,
        kind: row.get(2)?,
        location: row.get(3)?,
        place,
        interval,
        tags: row.get::<String>(7)?.split_whitespace().map(str::to_owned).collect(),
        note: row.get(8)?,
        retired: row.get::<i64>(9)? != 0,
        created_at: row.time(10)?,
        changed_at: row.time(11)?,
        revision: row.get(12)?,
    })
}

fn described(device: &Device) -> [Value; 10] {
    let interval = device.interval.map(|interval| i64::try_from(interval.as_micros()).unwrap_or(i64::MAX));
    [
        (&device.name).into(),
        device.title.as_ref().into(),
        device.kind.as_ref().into(),
        device.location.as_ref().into(),
        device.place.map(|(latitude, _)| latitude).into(),
        device.place.map(|(_, longitude)| longitude).into(),
        interval.into(),
        (&device.tags.join(" ")).into(),
        device.note.as_ref().into(),
        i64::from(device.retired).into(),
    ]
}

/// Registers a device, unless its name is taken or there are too many.
pub(crate) fn insert(device: &Device) -> Statement {
    insert_if_new(device).required()
}

/// Registers a device whose name may be taken already.
pub(crate) fn insert_if_new(device: &Device) -> Statement {
    let sql = format!(
        "INSERT INTO devices ({COLUMNS}, subject) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 0, $12
         WHERE (SELECT count(*) FROM devices) < {MAX_DEVICES} ON CONFLICT (name) DO NOTHING"
    );
    let mut params = Vec::from(described(device));
    params.extend([device.created_at.into(), (&telemetry::device_subject(&device.name)).into()]);
    Statement { params, ..Statement::new("register a device", sql, []) }
}

/// Replaces what is said of a device, if it still has this revision.
pub(crate) fn update(device: &Device) -> Statement {
    const UPDATE: &str = "
        UPDATE devices SET title = $2, kind = $3, location = $4, latitude = $5, longitude = $6, sampling = $7, tags = $8,
            note = $9, retired = $10, changed_at = $11, revision = revision + 1
        WHERE name = $1 AND revision = $12";
    let mut params = Vec::from(described(device));
    params.extend([device.changed_at.into(), device.revision.into()]);
    Statement { params, ..Statement::new("change a device", UPDATE, []) }.required()
}

/// Its credentials go with it.
pub(crate) fn delete(name: &str) -> Statement {
    Statement::new("remove a device", "DELETE FROM devices WHERE name = $1", [name.into()]).required()
}
