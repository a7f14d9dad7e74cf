//! Time buckets of a series, from rollups where they hold.

use std::collections::BTreeMap;

use super::cover::{Known, Piece, cover};
use super::width::Width;
use super::{minutes, rows};
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::micros::clamped;
use crate::readings::history::{Bucket, TimeRange};
use crate::readings::time_bucket::{Reduced, TimeBuckets};
use crate::unavailable::Result;

/// Reduces readings themselves, as each database does it best.
pub(crate) trait Readings: Engine {
    /// The first time that the database has, in microseconds since 1970.
    const FIRST: i64;

    /// Of each bucket that has readings from one time to another, excluded, by a time in it.
    async fn reduce(
        &self,
        series: i64,
        buckets: TimeBuckets,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Reduced)>>;
}

/// At most `points` buckets of a range, those without a reading left out.
pub(crate) async fn read<S: Readings>(
    store: &S,
    device: &str,
    metric: &str,
    range: TimeRange,
    points: usize,
) -> Result<Vec<Bucket>> {
    let buckets = TimeBuckets::within(range, points, S::FIRST);
    let Some((series, known)) = known(store, device, metric).await? else { return Ok(vec![]) };
    let mut answer = Answer { buckets, reduced: BTreeMap::new() };
    for piece in cover((buckets.from, buckets.to), Width::of(buckets.width), &known) {
        let Piece { width, from, to } = piece;
        match width {
            None => answer.add(store.reduce(series, buckets, from, to).await?),
            Some(Width::Minute) => answer.add_minutes(store, series, from, to).await?,
            Some(width) => {
                let rollups = rows::select(store, series, width, (from, to)).await?;
                answer.add(rollups.into_iter().map(|(at, rollup)| (at, rollup.reduced)).collect());
            }
        }
    }
    Ok(answer.reduced.into_iter().map(|(start, reduced)| buckets.bucket(start, reduced)).collect())
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

struct Answer {
    buckets: TimeBuckets,
    reduced: BTreeMap<i64, Reduced>,
}

impl Answer {
    fn add(&mut self, parts: Vec<(i64, Reduced)>) {
        for (at, part) in parts {
            let entry = self.reduced.entry(self.buckets.around(at).0);
            entry.and_modify(|reduced| *reduced = reduced.merged(part)).or_insert(part);
        }
    }

    /// From the minutes of hours that have many readings, and from the readings of the others.
    async fn add_minutes(&mut self, store: &impl Readings, series: i64, from: i64, to: i64) -> Result<()> {
        let mut few: Vec<(i64, i64)> = Vec::new();
        let mut follows = false;
        for (hour, minutes) in hours(store, series, (from, to)).await? {
            let Some(minutes) = minutes.and_then(|minutes| minutes::decoded(hour, &minutes)) else {
                let end = (hour + Width::Hour.micros()).min(to);
                match few.last_mut().filter(|_| follows) {
                    Some(last) => last.1 = end,
                    None => few.push((hour.max(from), end)),
                }
                follows = true;
                continue;
            };
            follows = false;
            let inside = minutes.into_iter().filter(|(at, _)| (from..to).contains(at));
            self.add(inside.map(|(at, rollup)| (at, rollup.reduced)).collect());
        }
        for (from, to) in few {
            self.add(store.reduce(series, self.buckets, from, to).await?);
        }
        Ok(())
    }
}

/// The hours of a range that have readings, and their minutes where they have many.
pub(super) async fn hours(
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
