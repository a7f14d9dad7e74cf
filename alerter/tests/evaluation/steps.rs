//! Steps of the broker's clock, which stamps readings: nothing alarms or stays silent because of one.

use std::time::Duration;

use alerter::{Evaluator, Rules};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use store::{AlertState, Changes, Transition};
use telemetry::{Clock, Reading, SteadyClock};
use testkit::FakeClock;

use crate::harness::{at, reading, rule};

const HOUR: i64 = 3_600;
const STEPS: [i64; 8] = [2, HOUR, 48 * HOUR, 17_520 * HOUR, -2, -HOUR, -48 * HOUR, -17_520 * HOUR];

/// An evaluator by a clock that is set, and what it said.
struct Stepped {
    clock: FakeClock,
    evaluator: Evaluator,
    rules: Arc<Rules>,
    said: Vec<String>,
    states: Vec<AlertState>,
    latest: Vec<Reading>,
}

impl Stepped {
    fn open(rules: Arc<Rules>) -> Self {
        let clock = FakeClock::showing(at(0.0));
        let mut steady = SteadyClock::default();
        steady.follow(&clock);
        let (evaluator, _) = Evaluator::resume_by(steady, rules.clone(), vec![], &[], clock.wall());
        Self { clock, evaluator, rules, said: vec![], states: vec![], latest: vec![] }
    }

    /// A second passes, and the device sends a number that the broker stamps.
    fn bare(&mut self, value: f64) {
        let now = self.second();
        // A clock that is set back a moment only makes stamps closer.
        let last = self.latest.first().map_or(now, |latest| latest.received_at);
        let is_moment =
            (SignedDuration::ZERO..=SignedDuration::from_secs(1)).contains(&last.duration_since(now));
        let now = if is_moment { last + Duration::from_micros(1) } else { now };
        self.observe(&Reading { measured_at: now, received_at: now, seq: None, ..reading(0.0, value) });
    }

    /// The same by a device with a clock of its own, which is right.
    fn timed(&mut self, right: f64, value: f64) {
        let now = self.second();
        self.observe(&Reading { measured_at: at(right), received_at: now, seq: None, ..reading(0.0, value) });
    }

    fn observe(&mut self, reading: &Reading) {
        let mut changes = Changes::default();
        self.evaluator.observe(reading, self.clock.wall(), &mut changes);
        self.latest = vec![reading.clone()];
        self.note(changes);
    }

    fn second(&mut self) -> Timestamp {
        self.clock.pass(Duration::from_secs(1));
        self.evaluator.follow(&self.clock);
        let (now, mut changes) = (self.clock.wall(), Changes::default());
        self.evaluator.advance(self.evaluator.steady_now(now), now, &mut changes);
        self.note(changes);
        now
    }

    fn seconds(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.second();
        }
    }

    fn step(&self, seconds: i64) {
        self.clock.step(SignedDuration::from_secs(seconds));
    }

    fn restart(&mut self) {
        let (now, mut steady) = (self.clock.wall(), SteadyClock::default());
        steady.follow(&self.clock);
        steady.started_after(self.latest.iter().map(|latest| latest.received_at).max().unwrap_or(now));
        let states = std::mem::take(&mut self.states);
        let (evaluator, changes) =
            Evaluator::resume_by(steady, self.rules.clone(), states.clone(), &self.latest, now);
        (self.evaluator, self.states) = (evaluator, states);
        self.note(changes);
    }

    fn note(&mut self, changes: Changes) {
        self.said.extend(changes.transitions.iter().filter_map(|transition| match transition {
            Transition::Opened(..) => Some("opened".to_owned()),
            Transition::Resolved { .. } => Some("resolved".to_owned()),
            _ => None,
        }));
        for state in changes.alert_states {
            self.states.retain(|old| old.rule != state.rule);
            self.states.push(state);
        }
    }
}

#[test]
fn readings_go_on_being_judged_by_their_values() {
    for step in STEPS {
        for restart in [false, true] {
            let mut all = Stepped::open(rule("above = 25"));
            all.bare(20.0);
            all.step(step);
            if restart {
                all.restart();
            }
            all.bare(30.0);
            all.step(-step);
            if restart {
                all.restart();
            }
            all.bare(20.0);
            all.bare(30.0);
            assert_eq!(all.said, ["opened", "resolved", "opened"], "{step} {restart}");
        }
    }
}

#[test]
fn a_right_clock_of_a_device_is_followed_while_ours_is_wrong() {
    for step in STEPS.into_iter().filter(|step| *step > 0) {
        let mut all = Stepped::open(rule("above = 25"));
        all.timed(1.0, 20.0);
        all.step(step);
        all.timed(2.0, 30.0);
        all.timed(3.0, 20.0);
        all.step(-step);
        all.timed(4.0, 30.0);
        assert_eq!(all.said, ["opened", "resolved", "opened"], "{step}");
    }
}

#[test]
fn time_passes_for_a_rule_as_it_passes() {
    for step in STEPS {
        let mut all = Stepped::open(rule("above = 25\nfor = \"5s\""));
        all.bare(30.0);
        all.step(step);
        (0..4).for_each(|_| all.bare(30.0));
        assert_eq!(all.said, [""; 0], "{step}");
        all.bare(30.0);
        assert_eq!(all.said, ["opened"], "{step}");
    }
}

#[test]
fn a_rate_is_no_other_after_a_step() {
    for step in STEPS {
        let mut all = Stepped::open(rule("rate_per_minute = 90\nover = \"1s\""));
        for second in 0..4 {
            all.bare(f64::from(second));
        }
        all.step(step);
        for second in 4..8 {
            all.bare(f64::from(second));
        }
        assert_eq!(all.said, [""; 0], "{step}: one a second is 60 a minute");
        all.bare(9.0);
        all.bare(11.0);
        assert_eq!(all.said, ["opened"], "{step}");
    }
}

#[test]
fn who_speaks_is_not_absent_and_who_is_silent_is_after_the_time_that_passes() {
    for step in STEPS {
        for restart in [false, true] {
            let mut all = Stepped::open(rule("absent_for = \"5s\""));
            all.bare(20.0);
            all.second();
            all.step(step);
            if restart {
                all.restart();
            }
            all.seconds(2);
            all.bare(20.0);
            all.step(-step);
            all.seconds(4);
            assert_eq!(all.said, [""; 0], "{step} {restart}");
            all.seconds(2);
            assert_eq!(all.said, ["opened"], "{step} {restart}");
            all.bare(20.0);
            assert_eq!(all.said, ["opened", "resolved"], "{step} {restart}");
        }
    }
}
