//! A range of time cut into buckets, each of which becomes one bucket.

use jiff::Timestamp;

use super::history::{Bucket, TimeRange};
use crate::micros::{clamped, micros_from};
use crate::rollups::width::{Width, floor};

/// A range cut into buckets, in microseconds: of equal length, but for those at its ends, which it cuts.
///
/// From a minute on a bucket is a whole number of minutes, from an hour on of hours, from a day on of days in UTC, and
/// begins at a multiple of its length, so that what is summed up of each minute, hour and day serves it.
#[derive(Debug, Clone, Copy)]
pub struct TimeBuckets {
    range: TimeRange,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Where a bucket begins, at or before `from`.
    pub(crate) origin: i64,
    pub(crate) width: i64,
}

impl TimeBuckets {
    /// At most `points` buckets; 0 counts as 1.
    #[must_use]
    pub fn new(range: TimeRange, points: usize) -> Self {
        Self::within(range, points, i64::MIN)
    }

    /// `first` is the first time that the database has: nothing lies before it.
    pub(crate) fn within(range: TimeRange, points: usize, first: i64) -> Self {
        let (from, to) = (micros_from(range.from).max(first), micros_from(range.to));
        let points = i64::try_from(points).unwrap_or(i64::MAX).max(1);
        let length = (to - from).max(1);
        let mut width = div_ceil(length, points);
        let mut origin = from;
        // One bucket has no other beside it: it is as long as the range.
        while points > 1 && width >= Width::Minute.micros() {
            width = whole_units(width);
            origin = floor(from, width);
            if div_ceil(to - origin, width) <= points {
                break;
            }
            // A start before `from` takes one bucket more.
            width += 1;
        }
        Self { range, from, to, origin, width }
    }

    /// Where the bucket of this time starts and ends.
    pub(crate) fn around(&self, micros: i64) -> (i64, i64) {
        let start = micros - (micros - self.origin).rem_euclid(self.width);
        (start.max(self.from), start.saturating_add(self.width).min(self.to))
    }

    /// The bucket of this time: the outermost bounds are those that were asked for.
    #[must_use]
    pub fn bounds(&self, at: Timestamp) -> TimeRange {
        let (start, end) = self.around(at.as_microsecond());
        TimeRange {
            from: if start > self.from { clamped(start) } else { self.range.from },
            to: if end < self.to { clamped(end) } else { self.range.to },
        }
    }

    pub(crate) fn bucket(&self, start: i64, reduced: Reduced) -> Bucket {
        let TimeRange { from, to } = self.bounds(clamped(start));
        let Reduced { count, min, max, mean } = reduced;
        Bucket { from, to, min, max, mean, count }
    }
}

/// What becomes of the values of one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reduced {
    pub(crate) count: u64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

impl Reduced {
    /// A sum of huge values overflows to infinity, or to none: the mean is between min and max all the same.
    pub(crate) fn new(count: u64, (min, max): (f64, f64), average: Option<f64>) -> Self {
        let mean = average.unwrap_or(min / 2.0 + max / 2.0).clamp(min, max);
        Self { count, min, max, mean }
    }

    /// Of all values of both.
    pub(crate) fn merged(self, other: Self) -> Self {
        let count = self.count + other.count;
        let part = |reduced: Self| reduced.mean * (reduced.count as f64 / count as f64);
        let bounds = (self.min.min(other.min), self.max.max(other.max));
        Self::new(count, bounds, Some(part(self) + part(other)))
    }
}

/// The next whole number of the longest unit that the width has.
fn whole_units(width: i64) -> i64 {
    let unit = Width::of(width).map_or(1, Width::micros);
    div_ceil(width, unit) * unit
}

fn div_ceil(number: i64, by: i64) -> i64 {
    number / by + i64::from(number % by > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;

    fn buckets(from: i64, to: i64, points: usize) -> TimeBuckets {
        TimeBuckets::new(TimeRange { from: clamped(from), to: clamped(to) }, points)
    }

    #[test]
    fn buckets_are_equal_and_clipped() {
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
            assert_eq!(buckets(from, to, points).around(at), expected, "{from}..{to} / {points} at {at}");
        }
    }

    #[test]
    fn from_a_minute_on_buckets_are_whole_minutes_hours_and_days() {
        for (from, to, points, at, expected) in [
            (0, 2 * MINUTE, 2, MINUTE, (MINUTE, 2 * MINUTE)),
            (30, 2 * MINUTE + 31, 2, MINUTE, (30, 2 * MINUTE)),
            (MINUTE - 1, 10 * MINUTE, 5, 3 * MINUTE, (2 * MINUTE, 4 * MINUTE)),
            (0, 90 * MINUTE, 2, 0, (0, 45 * MINUTE)),
            (5, 119 * MINUTE, 2, HOUR, (HOUR, 119 * MINUTE)),
            (HOUR / 2, 27 * HOUR, 26, 3 * HOUR, (2 * HOUR, 4 * HOUR)),
            // Weeks begin on a Monday, which 1970-01-05 was.
            (0, 70 * DAY, 11, 5 * DAY, (4 * DAY, 11 * DAY)),
        ] {
            assert_eq!(buckets(from, to, points).around(at), expected, "{from}..{to} / {points} at {at}");
        }
    }

    #[test]
    fn there_are_never_more_than_were_asked_for() {
        for points in [2, 3, 7, 24, 230, 500] {
            for from in [-3 * DAY - 7, -1, 0, 1, HOUR + 1, 11 * DAY + 59] {
                for length in [MINUTE, 119 * MINUTE + 1, 23 * HOUR, 100 * DAY + 3, 20_000 * DAY] {
                    let buckets = buckets(from, from + length, points);
                    let (mut at, mut count) = (from, 0);
                    while at < from + length {
                        (at, count) = (buckets.around(at).1, count + 1);
                    }
                    assert!(
                        count <= points && count * 3 >= points.min(6),
                        "{count} of {points}, {from}, {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_longest_range_does_not_overflow() {
        let all = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
        for points in [1, 2, 500] {
            let buckets = TimeBuckets::new(all, points);
            assert_eq!(buckets.bounds(all.from).from, all.from);
            assert_eq!(buckets.bounds(all.to - jiff::SignedDuration::from_secs(1)).to, all.to, "{points}");
        }
    }

    #[test]
    fn a_mean_is_finite() {
        for (average, min, max, mean) in [
            (Some(f64::INFINITY), -1.0, f64::MAX, f64::MAX),
            (None, f64::MIN, f64::MAX, 0.0),
            (Some(2.0), 1.0, 3.0, 2.0),
        ] {
            assert_eq!(Reduced::new(2, (min, max), average).mean, mean);
        }
    }

    #[test]
    fn two_are_merged_as_if_all_values_had_been_in_one() {
        let one = |value: f64, count| Reduced::new(count, (value, value), Some(value));
        let both = one(1.0, 1).merged(one(4.0, 2));
        assert_eq!(both, Reduced { count: 3, min: 1.0, max: 4.0, mean: 3.0 });
        assert_eq!(one(20.1, 1).merged(one(20.1, 2)).mean, 20.1);
        assert!(one(f64::MAX, 3).merged(one(f64::MIN, 5)).mean.is_finite());
    }
}
