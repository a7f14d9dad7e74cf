//! Leases: exclusive jobs that one process holds for a limited time.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::columns::{Micros, Word};
use super::writer::Tables;
use crate::Lease;

/// Returns whether the holder has it now.
pub(super) fn acquire(
    tables: &Tables<'_>,
    lease: Lease,
    holder: &str,
    ttl: Duration,
) -> rusqlite::Result<bool> {
    const ACQUIRE: &str = "
        INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE holder = excluded.holder OR until <= ?4";
    let (now, until) = (tables.stored_at, end(tables, ttl));
    let acquired = tables.connection.prepare_cached(ACQUIRE)?.execute(params![
        Word(lease),
        holder,
        until,
        Micros(now)
    ])?;
    Ok(acquired == 1)
}

pub(super) fn take_over(
    tables: &Tables<'_>,
    lease: Lease,
    holder: &str,
    ttl: Duration,
) -> rusqlite::Result<()> {
    const TAKE_OVER: &str = "INSERT OR REPLACE INTO leases (name, holder, until) VALUES (?1, ?2, ?3)";
    let params = params![Word(lease), holder, end(tables, ttl)];
    tables.connection.prepare_cached(TAKE_OVER)?.execute(params)?;
    Ok(())
}

fn end(tables: &Tables<'_>, ttl: Duration) -> Micros {
    Micros(tables.stored_at.saturating_add(ttl).unwrap_or(Timestamp::MAX))
}

pub(super) fn release(tables: &Tables<'_>, lease: Lease, holder: &str) -> rusqlite::Result<()> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
    tables.connection.prepare_cached(RELEASE)?.execute(params![Word(lease), holder])?;
    Ok(())
}
