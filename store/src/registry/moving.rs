//! Moves what is stored under an old name of a device to the device, a chunk at a time.

use super::aliases::{ALERT_STATES, Alias, SERIES};
use super::erasure::{CHUNK_ROWS, end_of_chunk, first, next, series_of};
use crate::engine::statement::{Engine, Statement};
use crate::ledger::roll::mark_both;
use crate::rollups::marks::mark;
use crate::unavailable::Result;

/// Moves what came under an old name, or was there before it was one; returns how many rows those were.
///
/// What has not heard of the new name yet goes on writing under the old one, so that this is repeated.
pub(super) async fn move_history(engine: &impl Engine, alias: &Alias) -> Result<u64> {
    let mut moved = 0;
    if !series_of(engine, &alias.old).await?.is_empty() {
        moved += move_series(engine, alias).await?;
    }
    for series in series_of(engine, &alias.old).await? {
        moved += move_readings(engine, series, alias).await?;
    }
    for sql in [
        "UPDATE incidents SET device = $2 WHERE number IN (SELECT number FROM incidents WHERE device = $1 LIMIT 1000)",
        "UPDATE commands SET device = $2 WHERE serial IN (SELECT serial FROM commands WHERE device = $1 LIMIT 1000)",
    ] {
        moved += repeat(engine, alias, sql).await?;
    }
    moved += execute(engine, alias, ALERT_STATES).await?;
    Ok(moved + execute_one(engine, "DELETE FROM attributes WHERE device = $1", alias).await?)
}

/// Gives the device the series that it does not have yet.
async fn move_series(engine: &impl Engine, alias: &Alias) -> Result<u64> {
    let params = [(&alias.old).into(), (&alias.device).into()];
    let series = Statement::new("move series", SERIES, params).changing(CHUNK_ROWS as usize).required();
    let marks = mark_both(&alias.old, &alias.device);
    let other_rows = marks.len() as u64;
    let statements = [series].into_iter().chain(marks).collect();
    Ok(engine.execute_all("move series", statements).await?.map_or(0, |rows| rows - other_rows))
}

async fn move_readings(engine: &impl Engine, from: i64, alias: &Alias) -> Result<u64> {
    const COPY: &str = "
        INSERT INTO readings (series, measured_at, boot, seq, value, unit, received_at, stored_at)
        SELECT n.id, r.measured_at, r.boot, r.seq, r.value, r.unit, r.received_at, r.stored_at
        FROM readings r
        JOIN series o ON o.id = r.series
        JOIN series n ON n.device = $4 AND n.metric = o.metric
        WHERE r.series = $1 AND r.measured_at >= $2 AND r.measured_at < $3
        ON CONFLICT DO NOTHING";
    const DELETE: &str = "DELETE FROM readings WHERE series = $1 AND measured_at >= $2 AND measured_at < $3";
    const MARK: &str = "
        INSERT INTO rollup_marks (series, from_at, to_at)
        SELECT n.id, $2, $3 FROM series o JOIN series n ON n.device = $4 AND n.metric = o.metric WHERE o.id = $1";
    let (mut moved, mut at) = (0, first(engine, from).await?);
    while let Some(start) = at {
        let end = end_of_chunk(engine, from, start).await?;
        let copy = Statement::new(
            "move readings",
            COPY,
            [from.into(), start.into(), end.into(), (&alias.device).into()],
        );
        let delete = Statement::new("move readings", DELETE, [from.into(), start.into(), end.into()]);
        let [copy, delete] = [copy, delete].map(|one| one.changing(CHUNK_ROWS as usize));
        let params = [from.into(), start.into(), end.into(), (&alias.device).into()];
        let marks = [mark(from, start, end), Statement::new("mark what is moved", MARK, params)];
        let [there, here] = marks;
        // The marks are two of the rows.
        let rows = engine.execute_all("move readings", vec![copy, delete, there, here]).await?;
        moved += rows.map_or(0, |rows| rows.saturating_sub(2));
        at = next(engine, from, end).await?;
    }
    Ok(moved)
}

async fn repeat(engine: &impl Engine, alias: &Alias, sql: &'static str) -> Result<u64> {
    let mut moved = 0;
    loop {
        let count = execute(engine, alias, sql).await?;
        moved += count;
        if count < CHUNK_ROWS as u64 {
            return Ok(moved);
        }
    }
}

async fn execute(engine: &impl Engine, alias: &Alias, sql: &'static str) -> Result<u64> {
    let params = [(&alias.old).into(), (&alias.device).into()];
    engine
        .execute(Statement::new("move what is stored of a device", sql, params).changing(CHUNK_ROWS as usize))
        .await
}

async fn execute_one(engine: &impl Engine, sql: &'static str, alias: &Alias) -> Result<u64> {
    engine.execute(Statement::new("move what is stored of a device", sql, [(&alias.old).into()])).await
}
