//! Periods in which the clock that gives stamps was wrong.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use telemetry::ClockRun;

use super::Time;

/// A period in which the broker's clock was wrong: a row of `GET /api/clock`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockPeriod {
    /// The first time that the clock showed in this period.
    pub from: Time,
    /// The last one.
    pub to: Time,
    /// By how many seconds the clock was ahead of the clock as it is now; less than 0 where it was behind. Over a
    /// restart it is the least that it can have been.
    pub ahead_seconds: f64,
}

impl ClockPeriod {
    /// The period of a run, if the clock was wrong in it.
    #[must_use]
    pub fn of(run: &ClockRun) -> Option<Self> {
        let ahead_seconds = seconds(run.wrong_by?);
        Some(Self { from: run.from.into(), to: run.to.into(), ahead_seconds })
    }
}

/// By how many seconds the clock was ahead when it gave a stamp, if it was wrong then.
#[must_use]
pub fn clock_ahead_seconds(stamp: Timestamp, runs: &[ClockRun]) -> Option<f64> {
    runs.iter().find(|run| run.wrong_by.is_some() && run.gave(stamp))?.wrong_by.map(seconds)
}

/// To the millisecond.
fn seconds(duration: SignedDuration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_marked_where_the_clock_that_gave_it_was_wrong() {
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        let run = |from, to, lane, wrong_by: Option<i64>| ClockRun {
            process: 1,
            from: at(from),
            to: at(to),
            shift: SignedDuration::ZERO,
            lane,
            wrong_by: wrong_by.map(SignedDuration::from_micros),
        };
        let runs =
            [run(0, 100, 1, None), run(1_000, 2_000, 2, Some(3_600_000_499)), run(200, 3_000, 3, None)];
        for (stamp, expected) in
            [(1_002, Some(3_600.0)), (1_003, None), (9, None), (2_010, None), (1_994, Some(3_600.0))]
        {
            assert_eq!(clock_ahead_seconds(at(stamp), &runs), expected, "{stamp}");
        }
        assert_eq!(runs.iter().filter_map(ClockPeriod::of).count(), 1);
    }
}
