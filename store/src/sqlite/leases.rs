//! Rights that one process has for a time.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::columns::Micros;
use super::writer::Tables;

/// The right to send mails.
const OUTBOX: &str = "outbox";

/// Returns whether the holder has it now.
pub(super) fn hold_outbox(tables: &Tables<'_>, holder: &str, lease: Duration) -> rusqlite::Result<bool> {
    const TAKE: &str = "
        INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE holder = excluded.holder OR until <= ?4";
    let now = tables.stored_at;
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let taken = tables.connection.prepare_cached(TAKE)?.execute(params![
        OUTBOX,
        holder,
        Micros(until),
        Micros(now)
    ])?;
    Ok(taken == 1)
}

pub(super) fn release_outbox(tables: &Tables<'_>, holder: &str) -> rusqlite::Result<()> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
    tables.connection.prepare_cached(RELEASE)?.execute([OUTBOX, holder])?;
    Ok(())
}
