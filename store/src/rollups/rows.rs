//! Rollups as rows.

use super::rollup::Rollup;
use super::width::Width;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::micros::clamped;
use crate::readings::time_bucket::Reduced;
use crate::unavailable::Result;

/// The rollups of a width that begin in a range of a series, by their start, in order.
pub(super) async fn select(
    engine: &impl Engine,
    series: i64,
    width: Width,
    (from, to): (i64, i64),
) -> Result<Vec<(i64, Rollup)>> {
    const SELECT: &str = "
        SELECT start, count, min, max, mean, squares, first, last FROM rollups
        WHERE series = $1 AND width = $2 AND start >= $3 AND start < $4 ORDER BY start";
    let params = [series.into(), width.seconds().into(), clamped(from).into(), clamped(to).into()];
    engine.query(Statement::new("read rollups", SELECT, params), read).await
}

fn read(row: &Row<'_>) -> anyhow::Result<(i64, Rollup)> {
    let reduced = Reduced { count: row.count(1)?, min: row.get(2)?, max: row.get(3)?, mean: row.get(4)? };
    let rollup = Rollup { reduced, squares: row.get(5)?, first: row.get(6)?, last: row.get(7)? };
    Ok((row.time(0)?.as_microsecond(), rollup))
}

pub(super) fn insert(series: i64, width: Width, start: i64, rollup: &Rollup) -> Statement {
    const INSERT: &str = "
        INSERT INTO rollups (series, width, start, count, min, max, mean, squares, first, last)
        VALUES (CAST($1 AS integer), $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let Rollup { reduced: Reduced { count, min, max, mean }, squares, first, last } = *rollup;
    let params = [
        series.into(),
        width.seconds().into(),
        clamped(start).into(),
        (count as i64).into(),
        min.into(),
        max.into(),
        mean.into(),
        squares.into(),
        first.into(),
        last.into(),
    ];
    Statement::new("write rollups", INSERT, params)
}

pub(super) fn insert_minutes(series: i64, start: i64, minutes: Vec<u8>) -> Statement {
    const INSERT: &str = "
        INSERT INTO minute_rollups (series, start, minutes) VALUES (CAST($1 AS integer), $2, $3)";
    Statement::new("write rollups", INSERT, [series.into(), clamped(start).into(), minutes.into()])
}

pub(super) fn forget_hours(series: i64, from: i64, to: i64) -> [Statement; 2] {
    const HOURS: &str = "
        DELETE FROM rollups WHERE series = $1 AND width = 3600 AND start >= $2 AND start < $3";
    const MINUTES: &str = "DELETE FROM minute_rollups WHERE series = $1 AND start >= $2 AND start < $3";
    [HOURS, MINUTES].map(|sql| {
        Statement::new("write rollups", sql, [series.into(), clamped(from).into(), clamped(to).into()])
    })
}

pub(super) fn forget_day(series: i64, day: i64) -> Statement {
    const DELETE: &str = "DELETE FROM rollups WHERE series = $1 AND width = 86400 AND start = $2";
    Statement::new("write rollups", DELETE, [series.into(), clamped(day).into()])
}
