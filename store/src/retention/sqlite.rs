//! Deletes old readings, a chunk at a time: live writes go on in between.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use telemetry::MAX_CLOCK_AHEAD;

use super::CHUNK_ROWS;
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::writer::Tables;
use crate::journal::sqlite as journal;
use crate::micros::micros_from;
use crate::rollups::marks::Hours;
use crate::unavailable::Result;

/// Returns how many readings, rejections and incidents were removed.
pub(crate) async fn purge(store: &Sqlite, older_than: Timestamp) -> Result<u64> {
    Ok(purge_readings(store, older_than).await? + super::purge_rows(store, older_than).await?)
}

/// A reader looks for them, so that the writer is busy with no more than removing them by their keys.
async fn purge_readings(store: &Sqlite, older_than: Timestamp) -> Result<u64> {
    let mut from = Start::default();
    let mut removed = 0;
    loop {
        let old = store.readers.read("purge", move |tables| old_readings(tables, &from, older_than)).await?;
        let Some(last) = old.last() else { break };
        from = Start { series: last.series, measured_at: last.measured_at };
        removed += store
            .writer
            .change("purge", old.len(), move |tables| remove_readings(tables, &old, older_than))
            .await?;
    }
    store.writer.change("purge", 0, move |tables| journal::purge(tables, older_than)).await?;
    store.writer.change("purge", 0, remove_empty_series).await?;
    Ok(removed)
}

/// Where to go on looking; a chunk starts at the time at which the one before it ended, which may have had more.
#[derive(Clone, Copy)]
struct Start {
    series: i64,
    measured_at: i64,
}

impl Default for Start {
    fn default() -> Self {
        Self { series: i64::MIN, measured_at: i64::MIN }
    }
}

struct Key {
    series: i64,
    measured_at: i64,
    boot: i64,
    seq: i64,
    value: f64,
}

/// Finds readings that were stored before `older_than`.
///
/// There is no index by `stored_at`. But no reading is accepted from a clock that is more than [`MAX_CLOCK_AHEAD`]
/// ahead, so that one stored long ago was measured long ago, and only the old end of each series is looked at.
fn old_readings(connection: &Connection, from: &Start, older_than: Timestamp) -> rusqlite::Result<Vec<Key>> {
    const SELECT: &str = "
        SELECT r.series, r.measured_at, r.boot, r.seq, r.value
        FROM series s CROSS JOIN readings r ON r.series = s.id
        WHERE s.id >= ?1 AND r.measured_at >= iif(s.id = ?1, ?2, ?3) AND r.measured_at < ?4 AND r.stored_at < ?5
        ORDER BY s.id, r.measured_at LIMIT ?6";
    let measured_before = older_than.saturating_add(MAX_CLOCK_AHEAD).unwrap_or(Timestamp::MAX);
    connection
        .prepare_cached(SELECT)?
        .query_map(
            params![
                from.series,
                from.measured_at,
                i64::MIN,
                micros_from(measured_before),
                micros_from(older_than),
                CHUNK_ROWS as i64
            ],
            key,
        )?
        .collect()
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok(Key {
        series: row.get(0)?,
        measured_at: row.get(1)?,
        boot: row.get(2)?,
        seq: row.get(3)?,
        value: row.get(4)?,
    })
}

fn remove_readings(tables: &Tables<'_>, keys: &[Key], older_than: Timestamp) -> rusqlite::Result<u64> {
    // stored_at again: by now another purge may have removed the reading and a replay have brought it back.
    const DELETE: &str = "
        DELETE FROM readings
        WHERE series = ?1 AND measured_at = ?2 AND boot = ?3 AND seq = ?4 AND value = ?5 AND stored_at < ?6";
    let mut delete = tables.connection.prepare_cached(DELETE)?;
    let (mut removed, mut hours) = (0, Hours::default());
    for Key { series, measured_at, boot, seq, value } in keys {
        removed += delete.execute(params![series, measured_at, boot, seq, value, micros_from(older_than)])?;
        hours.add(*series, *measured_at);
    }
    hours.mark(tables.connection)?;
    Ok(removed as u64)
}

/// A device that is gone for good leaves nothing behind, once its rollups are gone. Where there is a journal, a name that a
/// device had is still needed to find its readings.
fn remove_empty_series(tables: &mut Tables<'_>) -> rusqlite::Result<()> {
    const DELETE: &str = "
        DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM readings WHERE series = series.id)
        AND NOT EXISTS (SELECT 1 FROM rollups WHERE series = series.id)
        AND NOT EXISTS (SELECT 1 FROM rollup_marks WHERE series = series.id)
        AND NOT (EXISTS (SELECT 1 FROM journal)
            AND EXISTS (SELECT 1 FROM device_aliases WHERE old = series.device))";
    tables.connection.prepare_cached(DELETE)?.execute([])?;
    tables.series.forget();
    Ok(())
}
