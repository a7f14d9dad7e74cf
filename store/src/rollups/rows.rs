//! Rollups as rows.

use super::cover::Known;
use super::minutes;
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

/// The minutes of a range, and the ranges of hours that have none because they have few readings.
pub(super) struct Minutes {
    pub(super) found: Vec<(i64, Rollup)>,
    pub(super) few: Vec<(i64, i64)>,
}

/// The minutes of hours that have many readings.
pub(super) async fn select_minutes(
    engine: &impl Engine,
    series: i64,
    (from, to): (i64, i64),
) -> Result<Minutes> {
    let mut minutes = Minutes { found: Vec::new(), few: Vec::new() };
    let mut follows = false;
    for (hour, bytes) in hours(engine, series, (from, to)).await? {
        let decoded = bytes.and_then(|bytes| minutes::decoded(hour, &bytes));
        let end = (hour + Width::Hour.micros()).min(to);
        match (&decoded, minutes.few.last_mut().filter(|_| follows)) {
            (Some(_), _) => {}
            (None, Some(last)) => last.1 = end,
            (None, None) => minutes.few.push((hour.max(from), end)),
        }
        follows = decoded.is_none();
        minutes.found.extend(decoded.into_iter().flatten().filter(|(at, _)| (from..to).contains(at)));
    }
    Ok(minutes)
}

/// The hours of a range that have readings, and their minutes where they have many.
async fn hours(
    engine: &impl Engine,
    series: i64,
    (from, to): (i64, i64),
) -> Result<Vec<(i64, Option<Vec<u8>>)>> {
    const SELECT: &str = "
        SELECT h.start, m.minutes FROM rollups h
        LEFT JOIN minute_rollups m ON m.series = h.series AND m.start = h.start
        WHERE h.series = $1 AND h.width = 3600 AND h.start >= $2 AND h.start < $3 ORDER BY h.start";
    let params = [series.into(), clamped(Width::Hour.floor(from)).into(), clamped(to).into()];
    let read = |row: &Row<'_>| Ok((row.time(0)?.as_microsecond(), row.get(1)?));
    engine.query(Statement::new("read rollups", SELECT, params), read).await
}

/// The number of a series, and what is known of its rollups. It is asked first: what changes while the rest is read is seen
/// either as it was or as it is.
pub(super) async fn known(engine: &impl Engine, device: &str, metric: &str) -> Result<Option<(i64, Known)>> {
    const SELECT: &str = "
        SELECT CAST(s.id AS bigint), p.rolled_until, m.from_at, m.to_at
        FROM series s CROSS JOIN rollup_progress p
        LEFT JOIN rollup_marks m ON m.series = s.id OR m.series IS NULL
        WHERE s.device = $1 AND s.metric = $2";
    let read = |row: &Row<'_>| {
        let until = row.time(1)?.as_microsecond();
        let mark = row.time_if_any(2)?.zip(row.time_if_any(3)?);
        Ok((row.get::<i64>(0)?, until, mark.map(|(from, to)| (from.as_microsecond(), to.as_microsecond()))))
    };
    let rows = engine
        .query(Statement::new("read what is summed up", SELECT, [device.into(), metric.into()]), read)
        .await?;
    let Some((series, until, _)) = rows.first() else { return Ok(None) };
    let stale = rows.iter().filter_map(|(.., mark)| *mark).collect();
    Ok(Some((*series, Known { until: *until, stale })))
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
