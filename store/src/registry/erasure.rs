//! Deletes what is stored of a device, a chunk at a time.

use std::time::Duration;

use jiff::Timestamp;
use telemetry::time::saturating_add;

use crate::engine::statement::{Engine, Statement, Value};
use crate::rollups::marks::mark;
use crate::unavailable::Result;

/// Rows that one transaction deletes, at most, so that live writes wait for some milliseconds.
pub(super) const CHUNK_ROWS: i64 = 1_000;

/// Rejections that are looked at together.
const REJECTIONS_READ: i64 = 5_000;

/// Deletes what was received of a device up to a time; returns how many rows those were.
pub(super) async fn erase(engine: &impl Engine, device: &str, to: Timestamp) -> Result<u64> {
    let mut erased = 0;
    for series in series_of(engine, device).await? {
        erased += erase_readings(engine, series, to).await?;
    }
    erased += erase_rejections(engine, device, to).await?;
    for (select, delete) in [
        (
            "SELECT number FROM incidents WHERE device = $1 AND opened_at <= $2 LIMIT $3",
            "DELETE FROM incidents WHERE number = $1",
        ),
        (
            "SELECT serial FROM commands WHERE device = $1 AND created_at <= $2 AND ended_at IS NOT NULL LIMIT $3",
            "DELETE FROM commands WHERE serial = $1",
        ),
    ] {
        erased += erase_rows(engine, (select, delete), device, to).await?;
    }
    Ok(erased + erase_words(engine, device, to).await?)
}

pub(super) async fn series_of(engine: &impl Engine, device: &str) -> Result<Vec<i64>> {
    const SELECT: &str = "SELECT CAST(id AS bigint) FROM series WHERE device = $1 ORDER BY id";
    engine
        .query(Statement::new("read the series of a device", SELECT, [device.into()]), |row| row.get(0))
        .await
}

/// Goes through a series by the time of measurement, which finds a chunk of it in a database of any size.
async fn erase_readings(engine: &impl Engine, series: i64, to: Timestamp) -> Result<u64> {
    const DELETE: &str = "
        DELETE FROM readings
        WHERE series = $1 AND measured_at >= $2 AND measured_at < $3 AND received_at <= $4";
    let (mut erased, mut from) = (0, first(engine, series).await?);
    while let Some(start) = from {
        let end = end_of_chunk(engine, series, start).await?;
        let params = [series.into(), start.into(), end.into(), to.into()];
        let delete =
            Statement::new("erase readings", DELETE, params).changing(CHUNK_ROWS as usize).required();
        let statements = vec![delete, mark(series, start, end)];
        // The mark is one of the rows.
        erased += engine.execute_all("erase readings", statements).await?.map_or(0, |rows| rows - 1);
        from = next(engine, series, end).await?;
    }
    Ok(erased)
}

pub(super) async fn first(engine: &impl Engine, series: i64) -> Result<Option<Timestamp>> {
    const SELECT: &str = "SELECT min(measured_at) FROM readings WHERE series = $1";
    let select = Statement::new("find readings", SELECT, [series.into()]);
    Ok(engine.query(select, |row| row.time_if_any(0)).await?.pop().flatten())
}

/// The oldest reading that was measured at this time or later.
pub(super) async fn next(engine: &impl Engine, series: i64, from: Timestamp) -> Result<Option<Timestamp>> {
    const SELECT: &str = "SELECT min(measured_at) FROM readings WHERE series = $1 AND measured_at >= $2";
    let select = Statement::new("find readings", SELECT, [series.into(), from.into()]);
    Ok(engine.query(select, |row| row.time_if_any(0)).await?.pop().flatten())
}

/// The time before which a chunk was measured that begins at a time. One instant is never in two chunks.
pub(super) async fn end_of_chunk(engine: &impl Engine, series: i64, start: Timestamp) -> Result<Timestamp> {
    const SELECT: &str = "
        SELECT max(measured_at) FROM (
            SELECT measured_at FROM readings WHERE series = $1 AND measured_at >= $2
            ORDER BY measured_at LIMIT $3
        ) AS chunk";
    let params = [series.into(), start.into(), CHUNK_ROWS.into()];
    let ends =
        engine.query(Statement::new("find readings", SELECT, params), |row| row.time_if_any(0)).await?;
    let last = ends.into_iter().next().flatten().unwrap_or(start);
    Ok(saturating_add(last, Duration::from_micros(1)))
}

/// A rejection knows its topic, and not its device.
async fn erase_rejections(engine: &impl Engine, device: &str, to: Timestamp) -> Result<u64> {
    const SELECT: &str = "
        SELECT id, topic, awaits FROM rejected WHERE id > $1 AND received_at <= $2 ORDER BY id LIMIT $3";
    let awaited = telemetry::device_subject(device);
    let (mut erased, mut after) = (0, 0);
    loop {
        let params = [after.into(), to.into(), REJECTIONS_READ.into()];
        let read = Statement::new("find rejections", SELECT, params);
        let rows = engine
            .query(read, |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<Option<String>>(2)?)))
            .await?;
        let Some((last, ..)) = rows.last() else { return Ok(erased) };
        after = *last;
        let is_of_device = |topic: &str| topic.split_once('/').is_some_and(|(_, name)| name == device);
        let found = rows
            .iter()
            .filter(|(_, topic, awaits)| is_of_device(topic) || awaits.as_deref() == Some(&*awaited));
        let ids: Vec<i64> = found.map(|(id, ..)| *id).collect();
        erased += delete_all(engine, "DELETE FROM rejected WHERE id = $1", &ids).await?;
    }
}

async fn erase_rows(
    engine: &impl Engine,
    (select, delete): (&'static str, &'static str),
    device: &str,
    to: Timestamp,
) -> Result<u64> {
    let mut erased = 0;
    loop {
        let find = Statement::new(
            "find what is to be erased",
            select,
            [device.into(), to.into(), CHUNK_ROWS.into()],
        );
        let keys: Vec<i64> = engine.query(find, |row| row.get(0)).await?;
        erased += delete_all(engine, delete, &keys).await?;
        if keys.len() < CHUNK_ROWS as usize {
            return Ok(erased);
        }
    }
}

async fn delete_all(engine: &impl Engine, delete: &'static str, keys: &[i64]) -> Result<u64> {
    let mut deleted = 0;
    for chunk in keys.chunks(CHUNK_ROWS as usize) {
        let one = |key: &i64| Statement::new("erase a row", delete, [(*key).into()]);
        let statements = chunk.iter().map(one).collect();
        deleted += engine.execute_all("erase rows of a device", statements).await?.unwrap_or_default();
    }
    Ok(deleted)
}

/// What the device said of itself, what it announced, and how its series stood towards rules.
async fn erase_words(engine: &impl Engine, device: &str, to: Timestamp) -> Result<u64> {
    const ATTRIBUTES: &str = "DELETE FROM attributes WHERE device = $1 AND since <= $2";
    const ALERT_STATES: &str = "DELETE FROM alert_states WHERE device = $1 AND phase = 'normal' AND (newest_at IS NULL OR newest_at <= $2)";
    let on_device = |sql| Statement::new("erase what a device said", sql, [device.into(), to.into()]);
    let mut statements: Vec<_> =
        [ATTRIBUTES, ALERT_STATES].map(|sql| on_device(sql).changing(CHUNK_ROWS as usize)).into();
    statements.extend(subjects_of(engine, device).await?.iter().map(|subject| forget_subject(subject, to)));
    Ok(engine.execute_all("erase what a device said", statements).await?.unwrap_or_default())
}

fn forget_subject(subject: &str, to: Timestamp) -> Statement {
    const DELETE: &str = "DELETE FROM announcements WHERE subject = $1 AND received_at <= $2";
    let params: [Value; 2] = [subject.into(), to.into()];
    Statement::new("erase an announcement", DELETE, params)
}

async fn subjects_of(engine: &impl Engine, device: &str) -> Result<Vec<String>> {
    const SELECT: &str = "SELECT DISTINCT subject FROM announcements";
    let subjects: Vec<String> =
        engine.query(Statement::new("find announcements", SELECT, []), |row| row.get(0)).await?;
    Ok(subjects.into_iter().filter(|subject| telemetry::announces(subject, device)).collect())
}
