//! The time that the broker gives each message: never the same twice, however the clock is set.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use telemetry::{CLOCK_SLACK, Clock};
use tracing::warn;

/// Stamps differ from those of the seven runs of the clock before: a clock that was set back comes to the same times
/// once more.
const LANES: i64 = 8;

/// Gives stamps. They follow the clock, also where it is set back by more than a moment.
#[derive(Debug)]
pub(crate) struct Stamps {
    clock: Arc<dyn Clock>,
    last: Mutex<Last>,
    set_back: Counter,
}

#[derive(Debug)]
struct Last {
    micros: i64,
    /// What is left of a stamp's microseconds when they are divided by [`LANES`].
    lane: i64,
}

impl Stamps {
    /// Counts how often the clock was set back. A stamp is never one that the process before gave, unless both drew the
    /// same of [`LANES`] lanes.
    pub(crate) fn new(clock: Arc<dyn Clock>, set_back: Counter) -> Self {
        let last = Last { micros: i64::MIN, lane: rand::random_range(0..LANES) };
        Self { clock, last: Mutex::new(last), set_back }
    }

    /// The clock's time, or as little later as makes it another than all before.
    pub(crate) fn next(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.wall().as_microsecond();
        if last.micros.saturating_sub(now) > CLOCK_SLACK.as_micros() as i64 {
            self.note_set_back(last.micros - now);
            *last = Last { micros: i64::MIN, lane: (last.lane + 1) % LANES };
        }
        let free = now.max(last.micros.saturating_add(1));
        last.micros = free + (last.lane - free).rem_euclid(LANES);
        Timestamp::from_microsecond(last.micros)
            .expect("microseconds since 1970 are in range until the year 9999")
    }

    fn note_set_back(&self, micros: i64) {
        self.set_back.inc();
        warn!(
            seconds = micros / 1_000_000,
            "the clock was set back: readings that came shortly before bear a time in the future"
        );
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

    #[test]
    fn a_time_that_comes_again_gives_other_stamps() {
        let (clock, stamps) = stamps();
        let mut given = HashSet::new();
        for _ in 0..LANES {
            for _ in 0..2_000 {
                assert!(given.insert(stamps.next()));
                clock.pass(Duration::from_millis(1));
            }
            clock.step(SignedDuration::from_millis(-2_000));
        }
        assert_eq!(stamps.set_back.get(), LANES.unsigned_abs() - 1);
    }
}
