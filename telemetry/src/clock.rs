//! What time it is, by a clock that may be stepped, and what "ahead" means.

mod runs;

use std::fmt;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

pub use self::runs::{ClockRun, ClockRuns, MAX_CLOCK_RUNS, STAMP_LANES, lane_of};

/// How far two clocks that are both right may be apart.
pub const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// What time it is. Passed to whatever has to know it; tests pass one that they set.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day. It is stepped, both ways, when somebody or a time server sets it.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment of this process; it never goes back, and setting the time of day doesn't change it.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that all others are handed")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Whether a time lies in the future, seen from `now`: the clock that gave it was ahead, or ours is behind.
#[must_use]
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > SignedDuration::try_from(CLOCK_SLACK).unwrap_or(SignedDuration::MAX)
}

/// A clock that goes on evenly however often the wall clock is stepped.
///
/// It shows what the wall clock would show without its steps; slow corrections are followed. A clock that was never
/// asked to [`follow`](Self::follow) shows the wall clock's own times.
#[derive(Debug, Clone, Default)]
pub struct SteadyClock {
    /// Stretches between two steps, oldest first.
    runs: Vec<Run>,
    last: Option<Last>,
    before: Option<Before>,
}

/// Steps that are remembered: stamps from before them are placed as if they were the oldest one's.
const MAX_RUNS: usize = 8;

/// A difference between both clocks that is no slow correction.
const STEP: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
struct Run {
    /// When it began, by the steady clock.
    from_micros: i64,
    /// How far the wall clock was ahead of the steady one.
    ahead_micros: i64,
}

/// When both clocks were read last.
#[derive(Debug, Clone, Copy)]
struct Last {
    wall_micros: i64,
    monotonic: Duration,
}

/// Stamps from before the start: up to `until`, and how much later they count.
#[derive(Debug, Clone, Copy)]
struct Before {
    until_micros: i64,
    later_micros: i64,
}

impl SteadyClock {
    /// Reads both clocks, and returns by how much the wall clock was stepped since the last time, if it was.
    pub fn follow(&mut self, clock: &dyn Clock) -> Option<SignedDuration> {
        let (wall_micros, monotonic) = (clock.wall().as_microsecond(), clock.monotonic());
        let last = self.last.replace(Last { wall_micros, monotonic });
        let (Some(last), Some(run)) = (last, self.runs.last().copied()) else {
            self.runs.push(Run { from_micros: wall_micros, ahead_micros: 0 });
            return None;
        };
        let passed = micros(monotonic.saturating_sub(last.monotonic));
        let step = wall_micros.saturating_sub(last.wall_micros).saturating_sub(passed);
        if step.unsigned_abs() <= micros(STEP).unsigned_abs() {
            return None;
        }
        let from_micros = last.wall_micros.saturating_sub(run.ahead_micros).saturating_add(passed);
        if self.runs.len() == MAX_RUNS {
            self.runs.remove(0);
        }
        self.runs.push(Run { from_micros, ahead_micros: run.ahead_micros.saturating_add(step) });
        Some(SignedDuration::from_micros(step))
    }

    /// Lets the time between `last`, the newest time that is known from before the start, and the start not count.
    ///
    /// How long that was cannot be known: the clock may have been stepped meanwhile. See [`heard`](Self::heard).
    pub fn started_after(&mut self, last: Timestamp) {
        if let (Some(run), None) = (self.runs.first(), self.before) {
            let until_micros = last.as_microsecond().min(run.from_micros);
            self.before = Some(Before { until_micros, later_micros: run.from_micros - until_micros });
        }
    }

    /// What this clock shows; `wall` where it never followed another.
    #[must_use]
    pub fn now_or(&self, wall: Timestamp) -> Timestamp {
        self.now_micros().map_or(wall, timestamp)
    }

    /// What this clock showed when the wall clock showed `stamp`; now, where that lies in the future.
    ///
    /// A stamp that the wall clock showed more than once is placed at the last of these times.
    #[must_use]
    pub fn at(&self, stamp: Timestamp) -> Timestamp {
        let (micros, Some(now)) = (stamp.as_microsecond(), self.now_micros()) else { return stamp };
        let ahead = self.last.map_or(0, |last| micros.saturating_sub(last.wall_micros));
        // Stamps go on from the last one where the clock is set back a moment.
        if (1..=2 * self::micros(CLOCK_SLACK)).contains(&ahead) {
            return timestamp(now);
        }
        let mut until = now;
        for run in self.runs.iter().rev() {
            let steady = micros.saturating_sub(run.ahead_micros);
            if (run.from_micros..=until).contains(&steady) {
                return timestamp(steady);
            }
            until = run.from_micros;
        }
        let oldest = self.runs.first().map_or(0, |run| run.ahead_micros);
        timestamp(micros.saturating_sub(oldest).min(now))
    }

    /// As [`at`](Self::at), but the time in which this process did not run does not count: who was heard just before
    /// its end was heard just before its start.
    #[must_use]
    pub fn heard(&self, stamp: Timestamp) -> Timestamp {
        let micros = stamp.as_microsecond();
        match self.before {
            Some(before) if micros <= before.until_micros => {
                timestamp(micros.saturating_add(before.later_micros))
            }
            _ => self.at(stamp),
        }
    }

    fn now_micros(&self) -> Option<i64> {
        let (last, run) = (self.last?, self.runs.last()?);
        Some(last.wall_micros.saturating_sub(run.ahead_micros))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn timestamp(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

#[cfg(test)]
mod tests;
