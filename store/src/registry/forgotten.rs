//! Devices that people forgot.

use jiff::Timestamp;

use super::count;
use crate::commands::change::{Cancelled, cancel_any};
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};

/// Forgotten devices, at most.
pub const MAX_FORGOTTEN_DEVICES: usize = 100_000;

/// A device that is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgetting {
    /// Its name in topics.
    pub device: String,
    /// What was received of it up to this time is shown no more.
    pub at: Timestamp,
    /// Whether that is deleted, too.
    pub erase: bool,
}

/// A device that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Its name in topics.
    pub device: String,
    /// What was received of it up to this time is shown no more.
    pub at: Timestamp,
    /// What was received of it up to this time is still to be deleted.
    pub erase_to: Option<Timestamp>,
}

pub(super) fn select() -> Statement {
    const SELECT: &str = "SELECT device, forgotten_at, erase_to FROM forgotten_devices ORDER BY device";
    Statement::new("read forgotten devices", SELECT, [])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Forgotten> {
    Ok(Forgotten { device: row.get(0)?, at: row.time(1)?, erase_to: row.time_if_any(2)? })
}

pub(super) fn note_erased(device: &str, to: Timestamp) -> Statement {
    const UPDATE: &str = "UPDATE forgotten_devices SET erase_to = NULL WHERE device = $1 AND erase_to = $2";
    Statement::new("note that a device is erased", UPDATE, [device.into(), to.into()])
}

/// Forgets a device, unless too many are forgotten already: it loses its place in the registry, its credentials, its open
/// commands and its desired state.
pub(crate) fn forget(forgetting: &Forgetting) -> Vec<Statement> {
    let device = &forgetting.device;
    let mut statements = vec![insert(forgetting), remove(device)];
    statements.extend(cancel_any(
        &Cancelled::Device(device.clone()),
        "its device was forgotten",
        forgetting.at,
    ));
    statements.extend([forget_desired(forgetting), count()]);
    statements
}

fn insert(Forgetting { device, at, erase }: &Forgetting) -> Statement {
    let sql = format!(
        "INSERT INTO forgotten_devices (device, forgotten_at, erase_to) SELECT $1, $2, $3
         WHERE EXISTS (SELECT 1 FROM forgotten_devices WHERE device = $1)
             OR (SELECT count(*) FROM forgotten_devices) < {MAX_FORGOTTEN_DEVICES}
         ON CONFLICT (device) DO UPDATE SET forgotten_at = excluded.forgotten_at,
             erase_to = coalesce(excluded.erase_to, forgotten_devices.erase_to)"
    );
    let erase_to = Value::Time(erase.then_some(*at));
    Statement::new("forget a device", sql, [device.into(), (*at).into(), erase_to]).required()
}

fn remove(device: &str) -> Statement {
    Statement::new("remove a device", "DELETE FROM devices WHERE name = $1", [device.into()])
}

/// The version never goes back, so that the row stays.
fn forget_desired(Forgetting { device, at, .. }: &Forgetting) -> Statement {
    const UPDATE: &str = "
        UPDATE twins SET desired = NULL, version = version + 1, desired_at = $2,
            reported = NULL, reported_version = NULL, reported_at = NULL
        WHERE device = $1 AND (desired IS NOT NULL OR reported IS NOT NULL)";
    Statement::new("forget the state of a device", UPDATE, [device.into(), (*at).into()])
}
