//! Leases: exclusive jobs that one process holds for a limited time.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;

use crate::engine::columns::Word;
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;
use crate::leases::{Lease, Leases};
use crate::unavailable::Result;

#[async_trait]
impl Leases for Sqlite {
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        let holder = holder.to_owned();
        let acquire = move |tables: &mut Tables<'_>| acquire(tables, lease, &holder, ttl);
        self.writer.change("acquire a lease", 1, acquire).await
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        let holder = holder.to_owned();
        let take_over = move |tables: &mut Tables<'_>| take_over(tables, lease, &holder, ttl);
        self.writer.change("take over a lease", 1, take_over).await
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        let holder = holder.to_owned();
        let release = move |tables: &mut Tables<'_>| release(tables, lease, &holder);
        self.writer.change("release a lease", 1, release).await
    }
}

/// Returns whether the holder has it now.
pub(crate) fn acquire(
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

pub(crate) fn take_over(
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

pub(crate) fn release(tables: &Tables<'_>, lease: Lease, holder: &str) -> rusqlite::Result<()> {
    const RELEASE: &str = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
    tables.connection.prepare_cached(RELEASE)?.execute(params![Word(lease), holder])?;
    Ok(())
}
