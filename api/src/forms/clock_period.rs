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
    /// The periods in which the clock was wrong, oldest first. Runs of one process between which the clock was not
    /// stepped are one period.
    #[must_use]
    pub fn all(runs: &[ClockRun]) -> Vec<Self> {
        let is_one = |run: &ClockRun, next: &ClockRun| (run.process, run.shift) == (next.process, next.shift);
        runs.chunk_by(is_one).filter_map(Self::of).collect()
    }

    /// The period of these runs, if the clock was wrong in them: in all of them, as they have one clock.
    fn of(runs: &[ClockRun]) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last()?);
        // Each is the least that it can have been.
        let wrong_by = runs.iter().filter_map(|run| run.wrong_by).max_by_key(|by| by.abs())?;
        Some(Self { from: first.from.into(), to: last.to.into(), ahead_seconds: seconds(wrong_by) })
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
        assert_eq!(ClockPeriod::all(&runs).len(), 1);
    }

    #[test]
    fn a_period_is_listed_once_however_many_runs_it_has() {
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        let run = |process, from, to, wrong_by: i64| ClockRun {
            process,
            from: at(from),
            to: at(to),
            shift: SignedDuration::ZERO,
            lane: 0,
            wrong_by: Some(SignedDuration::from_secs(wrong_by)),
        };
        let runs = [run(1, 0, 0, 3_598), run(1, 0, 100, 3_600), run(2, 200, 300, -60)];
        let periods: Vec<_> =
            ClockPeriod::all(&runs).iter().map(|period| (period.to, period.ahead_seconds)).collect();
        assert_eq!(periods, [(at(100).into(), 3_600.0), (at(300).into(), -60.0)]);
    }
}
