//! The values of a series by the time at which they were measured.

use super::width::Width;
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::micros::clamped;
use crate::unavailable::Result;

/// Readings that are read in one step, about; an hour that has more is one step.
pub(crate) const MAX_READINGS: usize = 50_000;

/// The values from the beginning of a range, in order, and the end of what was read: of a range that has too many for one
/// step, the beginning of an hour.
pub(super) async fn up_to_an_hour(
    engine: &impl Engine,
    series: i64,
    (from, to): (i64, i64),
) -> Result<(Vec<(i64, f64)>, i64)> {
    let mut values = select(engine, series, (from, to), MAX_READINGS).await?;
    let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) else {
        return Ok((values, to));
    };
    if values.len() < MAX_READINGS {
        return Ok((values, to));
    }
    let (first, last) = (Width::Hour.floor(*first), Width::Hour.floor(*last));
    if last > first {
        values.retain(|(at, _)| *at < last);
        return Ok((values, last));
    }
    let end = (first + Width::Hour.micros()).min(to);
    Ok((select(engine, series, (from, end), usize::MAX).await?, end))
}

/// At most `limit` values of a range, in order.
pub(super) async fn select(
    engine: &impl Engine,
    series: i64,
    (from, to): (i64, i64),
    limit: usize,
) -> Result<Vec<(i64, f64)>> {
    const SELECT: &str = "
        SELECT measured_at, value FROM readings WHERE series = $1 AND measured_at >= $2 AND measured_at < $3
        ORDER BY measured_at, boot, seq, value LIMIT $4";
    let params = [series.into(), clamped(from).into(), clamped(to).into(), at_most(limit).into()];
    let read = |row: &Row<'_>| Ok((row.time(0)?.as_microsecond(), row.get(1)?));
    engine.query(Statement::new("read what was measured", SELECT, params), read).await
}
