//! Aggregates of one series: its newest reading, its time bounds, its time buckets.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{self, COLUMNS};
use telemetry::{Reading, Series};

use crate::engine::columns::at_most;
use crate::engine::sqlite::columns::Micros;
use crate::micros::micros_from;
use crate::readings::history::{Latest, present_until};
use crate::readings::time_bucket::{Reduced, TimeBuckets};
use crate::series::sqlite as series;

/// The newest reading of every series: one seek each, so that no second table has to be kept up to date.
pub(crate) fn latest(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Latest>> {
    const NEWEST: &str = "ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT 1";
    let select = |condition| format!("SELECT {COLUMNS} FROM readings WHERE series = ?1 {condition} {NEWEST}");
    let mut present = connection.prepare_cached(&select("AND measured_at <= ?2 AND received_at <= ?3"))?;
    let mut any = connection.prepare_cached(&select(""))?;
    let [measured, received] = present_until(now).map(Micros);
    let (mut newest, forgotten) = (Vec::new(), forgotten(connection)?);
    for (series, topic) in series::matching(connection, None, None)? {
        let read = |row: &Row<'_>| rows::read(row, &topic);
        let found = match present.query_row(params![series, measured, received], read).optional()? {
            None => any.query_row([series], read).optional()?,
            found => found,
        };
        newest.extend(found.map(|stored| stored.reading));
    }
    newest.retain(|reading: &Reading| {
        forgotten.get(reading.series.device()).is_none_or(|at| *at < micros_from(reading.received_at))
    });
    Ok(newest)
}

/// Up to when what was received of a device is forgotten.
fn forgotten(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    connection
        .prepare_cached("SELECT device, forgotten_at FROM forgotten_devices")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The last readings of a series before a time, oldest first.
pub(crate) fn last(
    connection: &Connection,
    series: &Series,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Reading>> {
    let select = format!(
        "SELECT {COLUMNS} FROM readings WHERE series = ?1 AND measured_at < ?2
         ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT ?3"
    );
    let Some(id) = series::find(connection, series.device(), series.metric())? else { return Ok(vec![]) };
    let mut select = connection.prepare_cached(&select)?;
    let found =
        select.query_map(params![id, Micros(before), at_most(limit)], |row| rows::read(row, series))?;
    let mut readings = found.map(|stored| Ok(stored?.reading)).collect::<rusqlite::Result<Vec<_>>>()?;
    readings.reverse();
    Ok(readings)
}

pub(crate) fn time_bounds(
    connection: &Connection,
    device: &str,
    metric: &str,
) -> rusqlite::Result<Option<(Timestamp, Timestamp)>> {
    // Two subqueries are two seeks; min and max in one select would be a scan.
    const SELECT: &str = "
        SELECT (SELECT min(measured_at) FROM readings WHERE series = ?1),
               (SELECT max(measured_at) FROM readings WHERE series = ?1)";
    let Some(series) = series::find(connection, device, metric)? else { return Ok(None) };
    connection.prepare_cached(SELECT)?.query_row([series], |row| {
        let (oldest, newest): (Option<Micros>, Option<Micros>) = (row.get(0)?, row.get(1)?);
        Ok(oldest.zip(newest).map(|(oldest, newest)| (oldest.0, newest.0)))
    })
}

/// Seeks from one bucket that has a reading to the next: SQLite would sort for a GROUP BY.
pub(crate) fn reduce_all(
    connection: &Connection,
    series: i64,
    buckets: &TimeBuckets,
    (mut from, to): (i64, i64),
) -> rusqlite::Result<Vec<(i64, Reduced)>> {
    let mut filled = Vec::new();
    while let Some(micros) = next_reading(connection, series, from, to)? {
        let end = buckets.around(micros).1.min(to);
        filled.push((micros, reduce(connection, series, (micros, end))?));
        from = end;
    }
    Ok(filled)
}

fn next_reading(connection: &Connection, series: i64, from: i64, to: i64) -> rusqlite::Result<Option<i64>> {
    const SELECT: &str = "
        SELECT min(measured_at) FROM readings WHERE series = ?1 AND measured_at >= ?2 AND measured_at < ?3";
    connection.prepare_cached(SELECT)?.query_row([series, from, to], |row| row.get(0))
}

fn reduce(connection: &Connection, series: i64, (start, end): (i64, i64)) -> rusqlite::Result<Reduced> {
    const SELECT: &str = "
        SELECT min(value), max(value), avg(value), count(*) FROM readings
        WHERE series = ?1 AND measured_at >= ?2 AND measured_at < ?3";
    connection.prepare_cached(SELECT)?.query_row([series, start, end], |row| {
        let count = row.get::<_, i64>(3)?.unsigned_abs();
        Ok(Reduced::new(count, (row.get(0)?, row.get(1)?), row.get(2)?))
    })
}
