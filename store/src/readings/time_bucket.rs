//! A range of time cut into buckets, each of which becomes one bucket.

use jiff::Timestamp;

use super::history::{Bucket, TimeRange};
use crate::micros::micros_from;

/// A range cut into equal buckets, in microseconds; the last one may be shorter.
pub(crate) struct TimeBuckets {
    range: TimeRange,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) width: i64,
}

impl TimeBuckets {
    /// `first` is the first time that the database has: nothing lies before it.
    pub(crate) fn new(range: TimeRange, points: usize, first: i64) -> Self {
        let (from, to) = (micros_from(range.from).max(first), micros_from(range.to));
        let points = i64::try_from(points).unwrap_or(i64::MAX).max(1);
        let length = (to - from).max(0);
        let width = length / points + i64::from(length % points > 0);
        Self { range, from, to, width: width.max(1) }
    }

    /// Where the bucket of this time starts and ends.
    pub(crate) fn around(&self, micros: i64) -> (i64, i64) {
        let start = micros - (micros - self.from) % self.width;
        (start, (start + self.width).min(self.to))
    }

    /// The bucket of a bucket: the outermost bounds are those that were asked for.
    ///
    /// A sum of huge values overflows to infinity, or to none: the mean is between min and max all the same.
    pub(crate) fn bucket(&self, (start, end): (i64, i64), reduced: Reduced) -> Bucket {
        let Reduced { min, max, average, count } = reduced;
        Bucket {
            from: if start > self.from { time(start) } else { self.range.from },
            to: if end < self.to { time(end) } else { self.range.to },
            min,
            max,
            mean: average.unwrap_or(min / 2.0 + max / 2.0).clamp(min, max),
            count,
        }
    }
}

/// What the database makes of the values of one bucket.
#[derive(Clone, Copy)]
pub(crate) struct Reduced {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) average: Option<f64>,
    pub(crate) count: u64,
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("a bucket that holds a reading lies between two Timestamps")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(from: i64, to: i64, points: usize) -> TimeBuckets {
        TimeBuckets::new(TimeRange { from: time(from), to: time(to) }, points, i64::MIN)
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
    fn the_longest_range_does_not_overflow() {
        let all = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
        let buckets = TimeBuckets::new(all, 1, i64::MIN);
        assert_eq!(buckets.around(0), (micros_from(all.from), micros_from(all.to)));
    }

    #[test]
    fn a_mean_is_finite() {
        for (average, min, max, mean) in [
            (Some(f64::INFINITY), -1.0, f64::MAX, f64::MAX),
            (None, f64::MIN, f64::MAX, 0.0),
            (Some(2.0), 1.0, 3.0, 2.0),
        ] {
            let reduced = Reduced { min, max, average, count: 2 };
            assert_eq!(buckets(0, 10, 1).bucket((0, 10), reduced).mean, mean);
        }
    }
}
