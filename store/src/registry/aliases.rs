//! Devices that got another name, or became one with another.

use jiff::Timestamp;

use super::count;
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};
use crate::ledger::roll::mark_both;

/// Names that devices had, at most.
pub const MAX_ALIASES: usize = 10_000;

/// Names that one device had, at most: each is tried when a command is sent.
pub const MAX_ALIASES_OF_DEVICE: usize = 16;

/// A device that is to have another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// Its name until now.
    pub old: String,
    /// Its name from now on.
    pub new: String,
    /// When.
    pub at: Timestamp,
    /// Whether there may be a device of the new name, with which it becomes one.
    pub merge: bool,
}

/// A name that a device had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub old: String,
    /// What the device is called now.
    pub device: String,
    /// When it got that name first.
    pub since: Timestamp,
}

const COLUMNS: &str = "old, device, since";

pub(super) fn select() -> Statement {
    Statement::new("read names of devices", format!("SELECT {COLUMNS} FROM device_aliases ORDER BY old"), [])
}

pub(super) fn select_of(device: &str) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM device_aliases WHERE device = $1 ORDER BY since DESC, old");
    Statement::new("read the names of a device", sql, [device.into()])
}

pub(super) fn select_one(name: &str) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM device_aliases WHERE old = $1");
    Statement::new("find a device by an old name", sql, [name.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Alias> {
    Ok(Alias { old: row.get(0)?, device: row.get(1)?, since: row.time(2)? })
}

/// Gives a device another name, with all that stands in few rows; the rest of its history follows.
pub(crate) fn rename(renaming: &Renaming) -> Vec<Statement> {
    let Renaming { old, new, .. } = renaming;
    let both = |doing, sql: &'static str| Statement::new(doing, sql, [old.into(), new.into()]);
    let mut statements = vec![
        // A device may get a name back that it had.
        both("rename a device", "DELETE FROM device_aliases WHERE old = $2 AND device = $1"),
        both("rename a device", "UPDATE device_aliases SET device = $2 WHERE device = $1"),
        insert(renaming),
        both("rename a device", "DELETE FROM forgotten_devices WHERE device = $2"),
        copy(renaming),
        both("rename a device", "UPDATE device_credentials SET device = $2 WHERE device = $1"),
        Statement::new("rename a device", "DELETE FROM devices WHERE name = $1", [old.into()]),
    ];
    statements.extend(FOLLOWING.map(|sql| both("rename a device", sql)));
    statements.extend(mark_both(old, new));
    statements.push(count());
    statements
}

/// What follows at once: `$1` is the old name and `$2` the new one. What both have is moved later, or stays what the other has.
const FOLLOWING: [&str; 9] = [
    SERIES,
    "UPDATE attributes SET device = $2 WHERE device = $1
         AND NOT EXISTS (SELECT 1 FROM attributes n WHERE n.device = $2 AND n.name = attributes.name)",
    ALERT_STATES,
    "UPDATE incidents SET device = $2 WHERE device = $1 AND resolved_at IS NULL",
    "UPDATE silences SET device = $2 WHERE device = $1",
    // The number of a command and a version never go back.
    "UPDATE twins SET
         last_number = CASE WHEN (SELECT o.last_number FROM twins o WHERE o.device = $1) > last_number
             THEN (SELECT o.last_number FROM twins o WHERE o.device = $1) ELSE last_number END,
         version = CASE WHEN (SELECT o.version FROM twins o WHERE o.device = $1) > version
             THEN (SELECT o.version FROM twins o WHERE o.device = $1) ELSE version END
     WHERE device = $2 AND EXISTS (SELECT 1 FROM twins o WHERE o.device = $1)",
    "UPDATE twins SET device = $2 WHERE device = $1 AND NOT EXISTS (SELECT 1 FROM twins n WHERE n.device = $2)",
    "DELETE FROM twins WHERE device = $1 AND EXISTS (SELECT 1 FROM twins n WHERE n.device = $2)",
    "UPDATE commands SET device = $2 WHERE device = $1 AND ended_at IS NULL",
];

/// A series that the other device does not have.
pub(super) const SERIES: &str = "
    UPDATE series SET device = $2 WHERE device = $1
    AND NOT EXISTS (SELECT 1 FROM series n WHERE n.device = $2 AND n.metric = series.metric)";

/// How a series stands towards a rule, where the other device has no such state.
pub(super) const ALERT_STATES: &str = "
    UPDATE alert_states SET device = $2 WHERE device = $1
    AND NOT EXISTS (
        SELECT 1 FROM alert_states n
        WHERE n.rule = alert_states.rule AND n.device = $2 AND n.metric = alert_states.metric)";

/// Notes the old name, unless it is one already, or the new one is another device's, or of one that is being erased.
fn insert(Renaming { old, new, at, merge }: &Renaming) -> Statement {
    const IS_FREE: &str = "
        AND NOT EXISTS (SELECT 1 FROM devices WHERE name = $2)
        AND NOT EXISTS (
            SELECT 1 FROM series s WHERE s.device = $2 AND EXISTS (SELECT 1 FROM readings r WHERE r.series = s.id))";
    let is_free = if *merge { "" } else { IS_FREE };
    let sql = format!(
        "INSERT INTO device_aliases ({COLUMNS}) SELECT $1, $2, $3
         WHERE (SELECT count(*) FROM device_aliases) < {MAX_ALIASES}
             AND (SELECT count(*) FROM device_aliases WHERE device = $2) < {MAX_ALIASES_OF_DEVICE}
             AND NOT EXISTS (SELECT 1 FROM device_aliases WHERE old IN ($1, $2))
             AND NOT EXISTS (SELECT 1 FROM forgotten_devices WHERE device IN ($1, $2) AND erase_to IS NOT NULL) {is_free}"
    );
    Statement::new("rename a device", sql, [old.into(), new.into(), (*at).into()]).required()
}

/// Registers the device under its new name as it was under the old one, unless there is one.
fn copy(Renaming { old, new, at, .. }: &Renaming) -> Statement {
    const INSERT: &str = "
        INSERT INTO devices (name, title, kind, location, latitude, longitude, sampling, tags, note, retired, created_at,
            changed_at, revision, subject)
        SELECT $2, title, kind, location, latitude, longitude, sampling, tags, note, retired, created_at, $3, revision + 1, $4
        FROM devices WHERE name = $1
        ON CONFLICT (name) DO NOTHING";
    let params: [Value; 4] = [old.into(), new.into(), (*at).into(), (&telemetry::device_subject(new)).into()];
    Statement::new("rename a device", INSERT, params)
}
