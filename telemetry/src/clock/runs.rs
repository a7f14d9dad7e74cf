//! Runs of a clock that gives stamps, and which of them were wrong; pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{CLOCK_SLACK, Clock, micros, timestamp};

/// Stamps of different runs of a clock differ in this: their microseconds, modulo so many, are the run's lane.
pub const STAMP_LANES: i64 = 8;

/// Runs that are kept, at most.
pub const MAX_CLOCK_RUNS: usize = 64;

/// Clocks that are further apart than this are not both right: each may be off by [`CLOCK_SLACK`].
const APART: Duration = CLOCK_SLACK.saturating_mul(2);

/// A stretch of time in which one process gave stamps and its clock was not stepped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRun {
    /// Identifies the process. Within a process it is known how far two runs are apart.
    pub process: i64,
    /// The first stamp that may have been given.
    pub from: Timestamp,
    /// The last stamp that may have been given.
    pub to: Timestamp,
    /// How far the clock was ahead of what it showed in the first run of the process.
    pub shift: SignedDuration,
    /// What is left of a stamp's microseconds when they are divided by [`STAMP_LANES`].
    pub lane: i64,
    /// By how much the clock was wrong, seen from the clock as it is now: more than zero where it was ahead. Over a
    /// restart it is the least that it can have been. None if the clock is not known to have been wrong.
    pub wrong_by: Option<SignedDuration>,
}

impl ClockRun {
    /// Whether a stamp was given in this run.
    #[must_use]
    pub fn gave(&self, stamp: Timestamp) -> bool {
        (self.from..=self.to).contains(&stamp) && lane_of(stamp) == self.lane
    }

    fn length(&self) -> i64 {
        self.to.as_microsecond().saturating_sub(self.from.as_microsecond()).max(1)
    }

    /// Whether both runs can have been right, this one before the other.
    fn agrees_with(&self, later: &Self) -> bool {
        if self.process == later.process {
            return (self.shift - later.shift).unsigned_abs() <= APART;
        }
        self.to.duration_since(later.from) <= SignedDuration::try_from(APART).unwrap_or(SignedDuration::MAX)
    }
}

/// The lane of a stamp.
#[must_use]
pub fn lane_of(stamp: Timestamp) -> i64 {
    stamp.as_microsecond().rem_euclid(STAMP_LANES)
}

/// All runs that are known, oldest first; the last one is under way.
#[derive(Debug)]
pub struct ClockRuns {
    process: i64,
    runs: Vec<ClockRun>,
    /// When both clocks were read last.
    last: Option<(Timestamp, Duration)>,
    lane: i64,
}

impl ClockRuns {
    /// The runs of a process that has given no stamp yet.
    #[must_use]
    pub fn new(process: i64, lane: i64) -> Self {
        Self { process, runs: Vec::new(), last: None, lane: lane.rem_euclid(STAMP_LANES) }
    }

    /// Adds the runs of the processes before this one.
    ///
    /// A lane that the last of them has is left; stamps that were given before this call stay in theirs.
    pub fn remember(&mut self, before: Vec<ClockRun>) {
        if before.last().is_some_and(|last| last.lane == self.lane) {
            self.leave_lane();
        }
        let own = std::mem::replace(&mut self.runs, before);
        self.runs.extend(own);
        self.judge();
        self.make_room();
    }

    /// The runs, oldest first.
    #[must_use]
    pub fn all(&self) -> &[ClockRun] {
        &self.runs
    }

    /// The lane of the run that is under way.
    #[must_use]
    pub fn lane(&self) -> i64 {
        self.lane
    }

    /// Reads both clocks; returns by how much the clock was stepped since the last time, if it was.
    ///
    /// Call it before each stamp: so each stamp belongs to the run in which it was given.
    pub fn follow(&mut self, clock: &dyn Clock) -> Option<SignedDuration> {
        let (wall, monotonic) = (timestamp(clock.wall().as_microsecond()), clock.monotonic());
        let (Some((last_wall, last_monotonic)), Some(run)) =
            (self.last.replace((wall, monotonic)), self.runs.last_mut())
        else {
            self.begin(wall, SignedDuration::ZERO);
            return None;
        };
        let passed = micros(monotonic.saturating_sub(last_monotonic));
        let step = wall.as_microsecond().saturating_sub(last_wall.as_microsecond()).saturating_sub(passed);
        if step.unsigned_abs() <= micros(CLOCK_SLACK).unsigned_abs() {
            run.to = run.to.max(wall);
            return None;
        }
        let (step, shift) = (SignedDuration::from_micros(step), run.shift);
        self.lane = (self.lane + 1) % STAMP_LANES;
        self.begin(wall, shift.saturating_add(step));
        Some(step)
    }

    /// Notes the last stamp: where many come at one moment, they are ahead of the clock.
    pub fn gave(&mut self, stamp: Timestamp) {
        if let Some(run) = self.runs.last_mut() {
            run.to = run.to.max(stamp);
        }
    }

    /// A run that has just begun needs no other after it.
    fn leave_lane(&mut self) {
        match self.runs.last_mut().filter(|run| run.from == run.to) {
            Some(run) => {
                self.lane = (self.lane + 1) % STAMP_LANES;
                run.lane = self.lane;
            }
            None => self.begin_again(),
        }
    }

    /// Begins a run in another lane, though the clock was not stepped.
    pub fn begin_again(&mut self) {
        self.lane = (self.lane + 1) % STAMP_LANES;
        if let (Some((wall, _)), Some(run)) = (self.last, self.runs.last()) {
            self.begin(wall, run.shift);
        }
    }

    fn begin(&mut self, from: Timestamp, shift: SignedDuration) {
        let (process, lane) = (self.process, self.lane);
        self.runs.push(ClockRun { process, from, to: from, shift, lane, wrong_by: None });
        self.judge();
        self.make_room();
    }

    /// Forgets the oldest run that was right and beside which no other was wrong, as that one's neighbours speak against it;
    /// or else the oldest.
    fn make_room(&mut self) {
        while self.runs.len() > MAX_CLOCK_RUNS {
            let is_right = |place: usize| self.runs.get(place).is_none_or(|run| run.wrong_by.is_none());
            let is_needless = |place: &usize| (place.saturating_sub(1)..=place + 1).all(is_right);
            let needless = (0..self.runs.len() - 1).find(is_needless);
            self.runs.remove(needless.unwrap_or(0));
        }
    }

    /// The clock as it is now is taken to be right, and with it the runs that agree with it and with one another: those
    /// that are longest in all. The others were wrong.
    fn judge(&mut self) {
        let right = longest(&self.runs);
        for place in 0..self.runs.len() {
            self.runs[place].wrong_by =
                (!right.contains(&place)).then(|| wrong_by(&self.runs, place, &right));
        }
    }
}

/// The places of the runs, oldest first, that agree with their neighbours and with the last one.
fn longest(runs: &[ClockRun]) -> Vec<usize> {
    let mut best: Vec<(i64, Option<usize>)> = Vec::with_capacity(runs.len());
    for (place, run) in runs.iter().enumerate() {
        let before = (0..place).filter(|before| runs[*before].agrees_with(run));
        let before = before.max_by_key(|before| best[*before].0);
        let length = before.map_or(0, |before| best[before].0);
        best.push((length.saturating_add(run.length()), before));
    }
    let mut right = Vec::new();
    let mut next = runs.len().checked_sub(1);
    while let Some(place) = next {
        right.push(place);
        next = best[place].1;
    }
    right.reverse();
    right
}

fn wrong_by(runs: &[ClockRun], place: usize, right: &[usize]) -> SignedDuration {
    let run = &runs[place];
    if let Some(same) = right.iter().map(|right| &runs[*right]).find(|right| right.process == run.process) {
        return run.shift - same.shift;
    }
    let later = right.iter().find(|right| **right > place).map(|later| runs[*later].from);
    let earlier = right.iter().rfind(|right| **right < place).map(|earlier| runs[*earlier].to);
    match (earlier, later) {
        (_, Some(later)) if run.to > later => run.to.duration_since(later),
        (Some(earlier), _) => run.from.duration_since(earlier),
        // It agrees with the run after it, and none is before it: a longer one was taken instead.
        (None, _) => SignedDuration::ZERO,
    }
}

#[cfg(test)]
mod tests;
