//! Rights that one process has for a time.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::columns::{Micros, Word};
use super::writer::Tables;
use crate::Right;

/// Returns whether the holder has it now.
pub(super) fn hold(
    tables: &Tables<'_>,
    right: Right,
    holder: &str,
    lease: Duration,
) -> rusqlite::Result<bool> {
    const TAKE: &str = "
        INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE holder = excluded.holder OR until <= ?4";
    let (now, until) = (tables.stored_at, end(tables, lease));
    let taken =
        tables.connection.prepare_cached(TAKE)?.execute(params![Word(right), holder, until, Micros(now)])?;
    Ok(taken == 1)
}

pub(super) fn seize(
    tables: &Tables<'_>,
    right: Right,
    holder: &str,
    lease: Duration,
) -> rusqlite::Result<()> {
    const SEIZE: &str = "INSERT OR REPLACE INTO leases (name, holder, until) VALUES (?1, ?2, ?3)";
    let params = params![Word(right), holder, end(tables, lease)];
    tables.connection.prepare_cached(SEIZE)?.execute(params)?;
    Ok(())
}

fn end(tables: &Tables<'_>, lease: Duration) -> Micros {
    Micros(tables.stored_at.saturating_add(lease).unwrap_or(Timestamp::MAX))
}

pub(super) fn release(tables: &Tables<'_>, right: Right, holder: &str) -> rusqlite::Result<()> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
    tables.connection.prepare_cached(RELEASE)?.execute(params![Word(right), holder])?;
    Ok(())
}
