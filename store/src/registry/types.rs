//! Types of devices: what devices of a kind measure, and which commands they take.

use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::Statement;

/// Types of devices, at most.
pub const MAX_TYPES: usize = 500;

/// A type of devices. What it says is JSON, which the store does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceType {
    /// What [`Device::kind`](crate::Device::kind) of its devices is.
    pub name: String,
    /// What it says, as JSON.
    pub body: String,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Counts the changes of it.
    pub revision: i64,
}

const COLUMNS: &str = "name, body, changed_at, revision";

pub(super) fn select() -> Statement {
    Statement::new("read types of devices", format!("SELECT {COLUMNS} FROM device_types ORDER BY name"), [])
}

pub(super) fn select_one(name: &str) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM device_types WHERE name = $1");
    Statement::new("read a type of devices", sql, [name.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<DeviceType> {
    Ok(DeviceType { name: row.get(0)?, body: row.get(1)?, changed_at: row.time(2)?, revision: row.get(3)? })
}

/// Adds a type, unless its name is taken or there are too many.
pub(crate) fn insert(new: &DeviceType) -> Statement {
    let sql = format!(
        "INSERT INTO device_types ({COLUMNS}) SELECT $1, $2, $3, 0
         WHERE (SELECT count(*) FROM device_types) < {MAX_TYPES} ON CONFLICT (name) DO NOTHING"
    );
    let params = [(&new.name).into(), (&new.body).into(), new.changed_at.into()];
    Statement::new("add a type of devices", sql, params).required()
}

/// Replaces what a type says, if it still has this revision.
pub(crate) fn update(new: &DeviceType) -> Statement {
    const UPDATE: &str = "
        UPDATE device_types SET body = $2, changed_at = $3, revision = revision + 1
        WHERE name = $1 AND revision = $4";
    let params = [(&new.name).into(), (&new.body).into(), new.changed_at.into(), new.revision.into()];
    Statement::new("change a type of devices", UPDATE, params).required()
}

pub(crate) fn delete(name: &str) -> Statement {
    const DELETE: &str = "DELETE FROM device_types WHERE name = $1";
    Statement::new("remove a type of devices", DELETE, [name.into()]).required()
}
