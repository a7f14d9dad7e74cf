use std::sync::Mutex;

use super::*;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

#[derive(Debug)]
struct Hands(Mutex<(Timestamp, Duration)>);

impl Clock for Hands {
    fn wall(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

impl Hands {
    fn new() -> Self {
        Self(Mutex::new(("2026-01-15T10:30:00Z".parse().unwrap(), Duration::ZERO)))
    }

    fn pass(&self, seconds: u64) {
        let mut hands = self.0.lock().unwrap();
        hands.0 += Duration::from_secs(seconds);
        hands.1 += Duration::from_secs(seconds);
    }

    fn step(&self, seconds: i64) {
        self.0.lock().unwrap().0 += SignedDuration::from_secs(seconds);
    }
}

/// One process after another on one machine, whose runs are kept.
struct Machine {
    hands: Hands,
    runs: ClockRuns,
    processes: i64,
}

impl Machine {
    fn start() -> Self {
        let mut machine = Self { hands: Hands::new(), runs: ClockRuns::new(0, 0), processes: 0 };
        machine.runs.follow(&machine.hands);
        machine
    }

    /// Seconds in which the process runs.
    fn run(&mut self, seconds: u64) {
        self.hands.pass(seconds);
        self.runs.follow(&self.hands);
    }

    fn step(&mut self, seconds: i64) {
        self.hands.step(seconds);
        self.runs.follow(&self.hands);
    }

    /// Stops the process, sets the clock, and starts another.
    fn restart(&mut self, step: i64) {
        self.hands.step(step);
        self.processes += 1;
        let before = self.runs.all().to_vec();
        self.runs = ClockRuns::new(self.processes, self.processes);
        self.runs.follow(&self.hands);
        self.runs.remember(before);
    }

    /// By how many seconds each run is wrong.
    fn wrong(&self) -> Vec<i64> {
        self.runs.all().iter().map(|run| run.wrong_by.map_or(0, |by| by.as_secs())).collect()
    }
}

#[test]
fn a_clock_that_is_wrong_for_a_while_was_wrong_then_and_at_no_other_time() {
    for step in [HOUR, 2 * DAY, 800 * DAY, -HOUR, -2 * DAY, -1_000 * DAY] {
        let mut machine = Machine::start();
        machine.run(5);
        machine.step(step);
        machine.run(60);
        assert_eq!(machine.wrong(), [-step, 0], "the clock as it is now is taken to be right");
        machine.step(-step);
        assert_eq!(machine.wrong(), [0, step, 0]);
        machine.run(600);
        assert_eq!(machine.wrong(), [0, step, 0]);
    }
}

#[test]
fn right_clocks_may_be_a_second_apart() {
    let mut machine = Machine::start();
    for step in [1, -1, 2, -2] {
        machine.run(5);
        machine.step(step);
    }
    assert!(machine.wrong().iter().all(|by| *by == 0), "{:?}", machine.wrong());
}

#[test]
fn a_machine_without_a_battery_was_wrong_until_it_was_set() {
    let mut machine = Machine::start();
    machine.hands.step(-56 * YEAR);
    machine.restart(0);
    machine.run(30);
    machine.step(56 * YEAR);
    machine.run(5);
    // The first run was before the clock stopped, and is right again.
    assert_eq!(machine.wrong().last(), Some(&0));
    assert_eq!(machine.wrong()[machine.wrong().len() - 2], -56 * YEAR);
}

#[test]
fn over_a_restart_a_clock_that_was_ahead_is_noticed_by_what_lies_ahead() {
    let mut machine = Machine::start();
    machine.run(DAY as u64);
    machine.restart(HOUR);
    machine.run(60);
    assert_eq!(machine.wrong(), [0, 0], "as well the machine was off");
    machine.restart(-HOUR);
    assert_eq!(machine.wrong(), [0, HOUR, 0]);
    machine.run(2 * HOUR as u64);
    machine.restart(0);
    assert_eq!(machine.wrong(), [0, HOUR, 0, 0], "also once that time has come");
}

#[test]
fn over_a_restart_a_clock_that_was_behind_is_the_shorter_of_two_that_contradict() {
    let mut machine = Machine::start();
    machine.run(DAY as u64);
    machine.restart(-HOUR);
    machine.run(60);
    assert_eq!(machine.wrong(), [HOUR, 0], "the clock as it is now is taken to be right");
    machine.restart(HOUR);
    assert_eq!(machine.wrong(), [0, -HOUR, 0]);
}

#[test]
fn a_stamp_belongs_to_the_run_in_whose_lane_it_is() {
    let mut machine = Machine::start();
    machine.step(HOUR);
    machine.run(10 * 60);
    machine.step(-HOUR);
    machine.run(2 * HOUR as u64);
    let [_, wrong, right] = machine.runs.all() else { panic!() };
    let stamp = |lane: i64| {
        let whole = wrong.from.as_microsecond() + 60_000_000;
        timestamp(whole + (lane - whole).rem_euclid(STAMP_LANES))
    };
    assert!(wrong.gave(stamp(wrong.lane)) && !right.gave(stamp(wrong.lane)));
    assert!(right.gave(stamp(right.lane)) && !wrong.gave(stamp(right.lane)), "an hour later it is that time");
}

#[test]
fn however_often_the_clock_is_set_few_runs_are_kept_and_the_wrong_ones_longest() {
    let mut machine = Machine::start();
    machine.step(HOUR);
    machine.run(10);
    machine.step(-HOUR);
    for _ in 0..10 * MAX_CLOCK_RUNS {
        machine.run(1);
        machine.restart(0);
    }
    assert_eq!(machine.runs.all().len(), MAX_CLOCK_RUNS);
    assert_eq!(machine.wrong().iter().filter(|by| **by == HOUR).count(), 1);
    for _ in 0..10 * MAX_CLOCK_RUNS {
        machine.step(HOUR);
        machine.run(1);
    }
    assert_eq!(machine.runs.all().len(), MAX_CLOCK_RUNS);
}
