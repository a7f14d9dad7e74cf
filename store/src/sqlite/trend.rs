//! One series at a glance: its newest reading, its extent, its shape.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{Micros, micros_from};
use super::readings::{self, COLUMNS};
use super::series;
use crate::{Bucket, Latest, TimeRange};

/// The newest reading of every series: one seek each, so that no second table has to be kept true.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Vec<Latest>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM readings WHERE series = ?1
         ORDER BY measured_at DESC, boot DESC, seq DESC, value DESC LIMIT 1"
    ))?;
    let mut newest = Vec::new();
    for (series, topic) in series::matching(connection, None, None)? {
        newest.extend(select.query_row([series], |row| readings::read(row, &topic)).optional()?);
    }
    Ok(newest.into_iter().map(|stored| stored.reading).collect())
}

pub(super) fn extent(
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

/// Seeks from one stretch that has a reading to the next: SQLite would sort for a GROUP BY.
pub(super) fn buckets(
    connection: &Connection,
    device: &str,
    metric: &str,
    range: TimeRange,
    points: usize,
) -> rusqlite::Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    let Some(series) = series::find(connection, device, metric)? else { return Ok(buckets) };
    let stretches = Stretches::new(range, points);
    let mut from = stretches.from;
    while let Some(micros) = next_reading(connection, series, from, stretches.to)? {
        let (start, end) = stretches.around(micros);
        buckets.push(reduce(connection, series, (start, end), range)?);
        from = end;
    }
    Ok(buckets)
}

/// A range cut into equal stretches, in microseconds; the last one may be shorter.
struct Stretches {
    from: i64,
    to: i64,
    width: i64,
}

impl Stretches {
    fn new(range: TimeRange, points: usize) -> Self {
        let (from, to) = (micros_from(range.from), micros_from(range.to));
        let points = i64::try_from(points).unwrap_or(i64::MAX).max(1);
        let length = (to - from).max(0);
        let width = length / points + i64::from(length % points > 0);
        Self { from, to, width: width.max(1) }
    }

    /// Where the stretch of this time starts and ends.
    fn around(&self, micros: i64) -> (i64, i64) {
        let start = micros - (micros - self.from) % self.width;
        (start, (start + self.width).min(self.to))
    }
}

fn next_reading(connection: &Connection, series: i64, from: i64, to: i64) -> rusqlite::Result<Option<i64>> {
    const SELECT: &str = "
        SELECT min(measured_at) FROM readings WHERE series = ?1 AND measured_at >= ?2 AND measured_at < ?3";
    connection.prepare_cached(SELECT)?.query_row([series, from, to], |row| row.get(0))
}

fn reduce(
    connection: &Connection,
    series: i64,
    (start, end): (i64, i64),
    range: TimeRange,
) -> rusqlite::Result<Bucket> {
    const SELECT: &str = "
        SELECT min(value), max(value), avg(value), count(*) FROM readings
        WHERE series = ?1 AND measured_at >= ?2 AND measured_at < ?3";
    connection.prepare_cached(SELECT)?.query_row(params![series, start, end], |row| {
        let (min, max): (f64, f64) = (row.get(0)?, row.get(1)?);
        Ok(Bucket {
            from: time(start).max(range.from),
            to: if end < micros_from(range.to) { time(end) } else { range.to },
            min,
            max,
            mean: mean(row.get(2)?, min, max),
            count: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    })
}

/// A sum of huge values overflows to infinity, or to NaN, which is NULL: the mean is between min and max all the same.
fn mean(average: Option<f64>, min: f64, max: f64) -> f64 {
    average.unwrap_or(min / 2.0 + max / 2.0).clamp(min, max)
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("a stretch that holds a reading lies between two Timestamps")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(from: i64, to: i64, points: usize) -> Stretches {
        Stretches::new(TimeRange { from: time(from), to: time(to) }, points)
    }

    #[test]
    fn stretches_are_equal_and_clipped() {
        for (from, to, points, at, expected) in [
            (0, 10, 5, 0, (0, 2)),
            (0, 10, 5, 9, (8, 10)),
            (0, 10, 3, 4, (4, 8)),
            (0, 10, 3, 9, (8, 10)),
            (-5, 5, 2, -1, (-5, 0)),
            (-5, 5, 2, 0, (0, 5)),
            (0, 10, 1000, 7, (7, 8)),
            (0, 10, 0, 7, (0, 10)),
            (0, 10, usize::MAX, 7, (7, 8)),
        ] {
            assert_eq!(stretches(from, to, points).around(at), expected, "{from}..{to} / {points} at {at}");
        }
    }

    #[test]
    fn the_longest_range_does_not_overflow() {
        let all = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
        let stretches = Stretches::new(all, 1);
        assert_eq!(stretches.around(0), (micros_from(all.from), micros_from(all.to)));
    }

    #[test]
    fn a_mean_is_finite() {
        assert_eq!(mean(Some(f64::INFINITY), -1.0, f64::MAX), f64::MAX);
        assert_eq!(mean(None, f64::MIN, f64::MAX), 0.0);
        assert_eq!(mean(Some(2.0), 1.0, 3.0), 2.0);
    }
}
