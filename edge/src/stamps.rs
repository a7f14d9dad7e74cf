//! The time that the broker gives each message: never the same twice, however the clock is set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use prometheus_client::metrics::counter::Counter;
use telemetry::{CLOCK_SLACK, Clock, ClockRun, ClockRuns, STAMP_LANES};
use tracing::warn;

/// Gives stamps. They follow the clock, also where it is set back by more than a moment.
///
/// Stamps are in the lane of the clock's run: they differ from those of the seven runs before, though a clock that was
/// set back comes to the same times once more.
#[derive(Debug)]
pub(crate) struct Stamps {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    set_back: Counter,
}

#[derive(Debug)]
struct State {
    /// The last stamp.
    micros: i64,
    runs: ClockRuns,
    /// Whether the runs of the processes before this one are among them.
    remembers: bool,
}

impl State {
    /// Whether the last stamp is ahead of now by more than a moment.
    fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.micros.saturating_sub(now.as_microsecond()) > CLOCK_SLACK.as_micros() as i64
    }
}

impl Stamps {
    /// Counts how often the clock was set back. A stamp is never one that the process before gave, unless both drew the
    /// same lane and its runs are not known.
    pub(crate) fn new(clock: Arc<dyn Clock>, set_back: Counter) -> Self {
        let runs = ClockRuns::new(rand::random(), rand::random_range(0..STAMP_LANES));
        let state = State { micros: i64::MIN, runs, remembers: false };
        Self { clock, state: Mutex::new(state), set_back }
    }

    /// The clock's time, or as little later as makes it another than all before.
    pub(crate) fn next(&self) -> Timestamp {
        self.next_of(1)
    }

    /// As [`next`](Self::next), for the first of so many: each further one has a microsecond of its own after it.
    pub(crate) fn next_of(&self, count: usize) -> Timestamp {
        let mut state = self.state();
        self.follow(&mut state);
        let wall = self.clock.wall();
        let now = wall.as_microsecond();
        if state.is_ahead_of(wall) {
            self.note_set_back(SignedDuration::from_micros(state.micros - now));
            state.runs.begin_again();
            state.micros = i64::MIN;
        }
        let free = now.max(state.micros.saturating_add(1));
        state.micros = free + (state.runs.lane() - free).rem_euclid(STAMP_LANES);
        let stamp = Timestamp::from_microsecond(state.micros)
            .expect("microseconds since 1970 are in range until the year 9999");
        state.runs.gave(stamp);
        state.micros += count.saturating_sub(1) as i64;
        stamp
    }

    /// Whether the runs of the processes before this one are known.
    pub(crate) fn remembers(&self) -> bool {
        self.state().remembers
    }

    /// Takes in the runs of the processes before this one.
    pub(crate) fn remember(&self, before: Vec<ClockRun>) {
        let mut state = self.state();
        self.follow(&mut state);
        state.runs.remember(before);
        state.remembers = true;
    }

    /// The runs of the clock until now, oldest first.
    pub(crate) fn runs(&self) -> Vec<ClockRun> {
        let mut state = self.state();
        self.follow(&mut state);
        state.runs.all().to_vec()
    }

    fn follow(&self, state: &mut State) {
        let Some(step) = state.runs.follow(self.clock.as_ref()) else { return };
        if step.is_negative() {
            self.note_set_back(step.abs());
            // Where the last stamp is no more than a moment ahead, it stays before the next one, as no reader doubts it.
            if state.is_ahead_of(self.clock.wall()) {
                state.micros = i64::MIN;
            }
        }
    }

    fn note_set_back(&self, by: SignedDuration) {
        self.set_back.inc();
        warn!(
            seconds = by.as_secs(),
            "the clock was set back: readings that came shortly before bear a time in the future"
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use jiff::SignedDuration;
    use testkit::FakeClock;

    use super::*;

    const HOUR: i64 = 3_600;
    const YEAR: i64 = 365 * 24 * HOUR;

    fn stamps() -> (Arc<FakeClock>, Stamps) {
        let clock = Arc::new(FakeClock::showing("2026-01-15T10:30:00Z".parse().unwrap()));
        (clock.clone(), Stamps::new(clock, Counter::default()))
    }

    #[test]
    fn no_two_messages_bear_one_time() {
        let (_, stamps) = stamps();
        let given: Vec<_> = (0..10_000).map(|_| stamps.next()).collect();
        assert!(given.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn stamps_follow_the_clock_however_it_is_set() {
        for seconds in [1, 2, HOUR, YEAR, -2, -HOUR, -YEAR] {
            let (clock, stamps) = stamps();
            for step in [seconds, -seconds] {
                stamps.next();
                clock.step(SignedDuration::from_secs(step));
                clock.pass(Duration::from_millis(1));
                let late = stamps.next().duration_since(clock.wall());
                assert!(
                    (SignedDuration::ZERO..=SignedDuration::from_secs(1)).contains(&late),
                    "{step}: {late:?}"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_a_moment_changes_no_order() {
        let (clock, stamps) = stamps();
        let before = stamps.next();
        clock.step(SignedDuration::from_millis(-900));
        assert!(stamps.next() > before);
        assert_eq!(stamps.set_back.get(), 0);
    }

    /// A reading whose stamp is a moment ahead still counts as the newest: one that comes after it must have a later one.
    #[test]
    fn the_order_is_kept_unless_the_last_stamp_is_far_ahead() {
        for (millis, passed, is_kept) in [(1_001, 10, true), (1_500, 600, true), (1_500, 100, false)] {
            let (clock, stamps) = stamps();
            let before = stamps.next();
            clock.pass(Duration::from_millis(passed));
            clock.step(SignedDuration::from_millis(-millis));
            assert_eq!(stamps.next() > before, is_kept, "{millis} ms back after {passed} ms");
            assert_eq!(stamps.set_back.get(), 1);
        }
    }

    #[test]
    fn a_time_that_comes_again_gives_other_stamps() {
        let (clock, stamps) = stamps();
        let mut given = HashSet::new();
        for _ in 0..STAMP_LANES {
            for _ in 0..2_000 {
                assert!(given.insert(stamps.next()));
                clock.pass(Duration::from_millis(1));
            }
            clock.step(SignedDuration::from_millis(-2_000));
        }
        assert_eq!(stamps.set_back.get(), STAMP_LANES.unsigned_abs() - 1);
    }

    #[test]
    fn what_a_wrong_clock_stamped_is_known_once_the_clock_is_right() {
        for seconds in [HOUR, YEAR, -HOUR, -YEAR] {
            let (clock, stamps) = stamps();
            let mut given = Vec::new();
            for step in [seconds, -seconds, 0] {
                clock.pass(Duration::from_secs(60));
                given.push(stamps.next());
                clock.step(SignedDuration::from_secs(step));
            }
            let runs = stamps.runs();
            let wrong =
                |stamp: &Timestamp| runs.iter().find(|run| run.gave(*stamp)).and_then(|run| run.wrong_by);
            let wrong: Vec<_> = given.iter().map(|stamp| wrong(stamp).map(|by| by.as_secs())).collect();
            assert_eq!(wrong, [None, Some(seconds), None], "{seconds}");
        }
    }

    #[test]
    fn a_process_draws_another_lane_than_the_one_before_it() {
        for _ in 0..100 {
            let (_, stamps) = stamps();
            let before = stamps.next();
            let (_, after) = self::stamps();
            after.remember(stamps.runs());
            assert_ne!(telemetry::lane_of(after.next()), telemetry::lane_of(before));
        }
    }
}
