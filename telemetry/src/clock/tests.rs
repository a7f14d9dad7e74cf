use std::sync::Mutex;

use super::*;

const HOUR: i64 = 3_600;
const YEARS: i64 = 2 * 365 * 24 * HOUR;

/// A clock whose two hands are set, in seconds.
#[derive(Debug, Default)]
struct Set(Mutex<(i64, i64)>);

impl Set {
    fn pass(&self, seconds: i64) {
        let mut hands = self.0.lock().unwrap();
        *hands = (hands.0 + seconds, hands.1 + seconds);
    }

    fn step(&self, seconds: i64) {
        self.0.lock().unwrap().0 += seconds;
    }
}

impl Clock for Set {
    fn wall(&self) -> Timestamp {
        at(self.0.lock().unwrap().0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.lock().unwrap().1.unsigned_abs())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_768_473_000 + second).unwrap()
}

#[test]
fn a_time_is_ahead_when_right_clocks_do_not_explain_it() {
    for (second, ahead) in [(-5, false), (0, false), (1, false), (2, true)] {
        assert_eq!(is_ahead(at(second), at(0)), ahead, "{second}");
    }
    assert!(is_ahead(Timestamp::MAX, Timestamp::MIN) && !is_ahead(Timestamp::MIN, Timestamp::MAX));
}

#[test]
fn steps_do_not_show_and_stamps_find_their_place() {
    for step in [1, HOUR, YEARS, -1, -HOUR, -YEARS] {
        let (clock, mut steady) = (Set::default(), SteadyClock::default());
        assert_eq!(steady.follow(&clock), None);
        clock.pass(10);
        assert_eq!(steady.follow(&clock), None);
        clock.pass(1);
        clock.step(step);
        assert_eq!(steady.follow(&clock), Some(SignedDuration::from_secs(step)));
        clock.pass(10);
        steady.follow(&clock);
        assert_eq!(steady.now_or(clock.wall()), at(21), "{step}");
        assert_eq!(steady.at(at(step + 15)), at(15), "a stamp after the step of {step}");
        if step.abs() > 20 {
            assert_eq!(steady.at(at(5)), at(5), "a stamp before the step of {step}");
        }
        clock.step(-step);
        steady.follow(&clock);
        clock.pass(5);
        steady.follow(&clock);
        assert_eq!(steady.at(at(24)), at(24), "and back");
        assert_eq!(steady.at(at(2 * YEARS)), at(26), "the future is now");
    }
}

#[test]
fn the_time_before_a_start_does_not_count() {
    for off in [0, 1, HOUR, YEARS] {
        let (clock, mut steady) = (Set::default(), SteadyClock::default());
        clock.step(off);
        steady.follow(&clock);
        steady.started_after(at(0));
        assert_eq!((steady.heard(at(-30)), steady.at(at(-30))), (at(off - 30), at(-30)), "{off}");
        clock.pass(7);
        steady.follow(&clock);
        assert_eq!(steady.heard(at(off + 6)), at(off + 6));
    }
}

#[test]
fn a_start_by_a_clock_that_is_behind_counts_the_future_as_now() {
    let (clock, mut steady) = (Set::default(), SteadyClock::default());
    steady.follow(&clock);
    steady.started_after(at(HOUR));
    assert_eq!(steady.heard(at(HOUR)), at(0));
}

#[test]
fn memory_is_bounded() {
    let (clock, mut steady) = (Set::default(), SteadyClock::default());
    for _ in 0..100 {
        clock.pass(1);
        clock.step(HOUR);
        steady.follow(&clock);
    }
    assert_eq!(steady.runs.len(), MAX_RUNS);
}

#[test]
fn without_a_clock_to_follow_it_shows_the_walls_times() {
    let steady = SteadyClock::default();
    assert_eq!((steady.at(at(5)), steady.now_or(at(7))), (at(5), at(7)));
}
