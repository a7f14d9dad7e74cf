//! What a device should be, and what it says that it is.

use jiff::Timestamp;

use super::MAX_TWINS;
use super::state::Command;
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};

/// The desired and the reported state of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The device.
    pub device: String,
    /// What it should be, as JSON; none where nobody says.
    pub desired: Option<String>,
    /// Counts what was desired, and never goes back.
    pub version: i64,
    /// When that was said.
    pub desired_at: Option<Timestamp>,
    /// What it says that it is, as JSON.
    pub reported: Option<String>,
    /// The version that it says it has.
    pub reported_version: Option<i64>,
    /// When it said so.
    pub reported_at: Option<Timestamp>,
}

/// A desired state that takes the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDesired {
    /// The device.
    pub device: String,
    /// The version that it takes the place of.
    pub replaces: i64,
    /// The state, as JSON; none takes it back.
    pub document: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The command that brings it to the device.
    pub command: Option<Command>,
}

pub(super) fn select(device: &str) -> Statement {
    const SELECT: &str = "
        SELECT device, desired, version, desired_at, reported, reported_version, reported_at FROM twins WHERE device = $1";
    Statement::new("read the state of a device", SELECT, [device.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Twin> {
    Ok(Twin {
        device: row.get(0)?,
        desired: row.get(1)?,
        version: row.get(2)?,
        desired_at: row.time_if_any(3)?,
        reported: row.get(4)?,
        reported_version: row.get(5)?,
        reported_at: row.time_if_any(6)?,
    })
}

pub(super) fn set_desired(new: &NewDesired) -> Statement {
    const UPSERT: &str = "
        INSERT INTO twins (device, last_number, desired, version, desired_at) SELECT $1, 0, $2, $3 + 1, $4
        WHERE $3 = 0 OR EXISTS (SELECT 1 FROM twins WHERE device = $1)
        ON CONFLICT (device) DO UPDATE SET desired = excluded.desired, version = excluded.version,
            desired_at = excluded.desired_at
        WHERE twins.version = $3";
    let params: [Value; 4] =
        [(&new.device).into(), new.document.as_ref().into(), new.replaces.into(), new.at.into()];
    Statement::new("set a desired state", UPSERT, params).required()
}

/// What a device reports is bounded by the devices: others could make the table grow without end.
pub(super) fn report(device: &str, version: Option<i64>, state: &str, at: Timestamp) -> Statement {
    let sql = format!(
        "INSERT INTO twins (device, last_number, version, reported, reported_version, reported_at)
         SELECT $1, 0, 0, $2, $3, $4
         WHERE EXISTS (SELECT 1 FROM twins WHERE device = $1) OR (SELECT count(*) FROM twins) < {MAX_TWINS}
         ON CONFLICT (device) DO UPDATE SET reported = excluded.reported,
             reported_version = excluded.reported_version, reported_at = excluded.reported_at"
    );
    Statement::new(
        "store the state of a device",
        sql,
        [device.into(), state.into(), version.into(), at.into()],
    )
}
