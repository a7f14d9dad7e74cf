//! Steps of the broker's own clock: played with libfaketime against the running process, back and forth.
//!
//! Whatever the clock shows meanwhile, nothing is deleted, hidden, alarmed of or kept silent wrongly; and once it is right
//! again, everything is as if it had never been wrong, but for the stamps that were given meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::cell::Cell;
use std::time::Duration;

use e2e::{FakeTime, Millrace, Shape, Start, eventually};
use jiff::Timestamp;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// By how many seconds the clock is wrong for a while.
const STEPS: [i64; 8] = [1, HOUR, 2 * DAY, 800 * DAY, -1, -HOUR, -2 * DAY, -1_000 * DAY];

const RULES: &str = r#"
group_wait = "0s"
max_mails_per_hour = 1000
rules = [
    { name = "high", metric = "temperature", above = 25.0 },
    { name = "silent", metric = "temperature", absent_for = "12s" },
]
"#;

/// A device whose payload is a number, and one that sends the right time with it.
const DEVICES: [&str; 2] = ["bare", "timed"];

/// One row of the table: a step, while the process runs or while it is stopped.
#[derive(Clone, Copy, Debug)]
struct Row {
    step: i64,
    restart: bool,
}

struct Played {
    row: Row,
    clock: FakeTime,
    millrace: Millrace,
    last_spoke: Cell<Timestamp>,
    _folder: tempfile::TempDir,
}

impl Played {
    fn start(row: Row) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        std::fs::write(&rules, RULES).unwrap();
        let clock = FakeTime::right(folder.path());
        let mut start = Start::new(&folder.path().join("data"));
        start = start.set("ALERTER__RULES", &rules.display().to_string());
        for (name, value) in clock.variables() {
            start = start.env(name, &value);
        }
        let last_spoke = Cell::new(Timestamp::now());
        Self { row, clock, millrace: start.start(), last_spoke, _folder: folder }
    }

    /// Sets the clock, before the eyes of the process or behind its back.
    fn set(&mut self, ahead: i64) {
        if self.row.restart {
            self.millrace.restart_after(|| self.clock.set(ahead));
        } else {
            self.clock.set(ahead);
        }
    }

    /// Both devices publish a value.
    fn publish(&self, value: f64) {
        self.last_spoke.set(Timestamp::now());
        self.millrace.publish("temperature/bare", &["-m", &value.to_string()]);
        let now = Timestamp::now().as_millisecond();
        let timed = format!(r#"{{"value":{value},"measured_at":{now}}}"#);
        self.millrace.publish("temperature/timed", &["-m", &timed]);
    }

    /// Whether what the device with a clock says now is ahead of the broker's clock, so that it is rejected.
    fn is_behind(&self) -> bool {
        self.row.step < -300
    }

    fn shows(&self, device: &str, value: f64) {
        let row = self.row;
        eventually(SOON, || {
            let mut rows = self.millrace.rows_of("series", device);
            match rows.pop() {
                Some(series) if series["value"] == value && series["state"] == "fresh" => Ok(()),
                other => Err(format!("{row:?}: {device} should be fresh at {value}: {other:?}")),
            }
        });
    }

    fn incidents(&self, device: &str, rule: &str) -> Vec<Value> {
        let mut rows = self.millrace.rows_of("incidents", device);
        rows.retain(|row| row["rule"] == rule);
        rows
    }

    /// How many incidents of a device there are by a rule, and how many of them are open.
    fn has(&self, device: &str, rule: &str, all: usize, open: usize) {
        let row = self.row;
        eventually(2 * SOON, || {
            let rows = self.incidents(device, rule);
            let now_open = rows.iter().filter(|row| row["resolved_at"].is_null()).count();
            if (rows.len(), now_open) == (all, open) {
                return Ok(());
            }
            Err(format!("{row:?}: {device} should have {all} incidents of {rule}, {open} open: {rows:?}"))
        });
    }

    fn stored(&self, device: &str) -> Vec<Value> {
        self.millrace.readings(&format!("device={device}&from=1990-01-01T00:00:00Z&to=2090-01-01T00:00:00Z"))
    }

    /// From the right time to a wrong one and back.
    fn play(&mut self) {
        self.publish(20.0);
        self.set(self.row.step);
        self.publish(30.0);
        self.shows("bare", 30.0);
        self.has("bare", "high", 1, 1);
        self.set(0);
        self.publish(20.0);
        self.publish(21.0);
        DEVICES.iter().for_each(|device| self.shows(device, 21.0));
        self.has("bare", "high", 1, 0);
        self.publish(31.0);
        DEVICES.iter().for_each(|device| self.shows(device, 31.0));
        self.has("bare", "high", 2, 1);
        self.has("timed", "high", if self.is_behind() { 1 } else { 2 }, 1);
    }

    fn nothing_is_lost(&self) {
        let row = self.row;
        let rejected = usize::from(self.is_behind());
        assert_eq!(self.stored("bare").len(), 5, "{row:?}: nothing is deleted");
        assert_eq!(self.stored("timed").len(), 5 - rejected, "{row:?}");
        let found = self.millrace.rows_of("rejected", "timed");
        assert_eq!(found.len(), rejected, "{row:?}: {found:?}");
        for rejection in found {
            self.resend(&rejection);
        }
    }

    /// It is stored with its own time, now that the clock is right; its reason blames nobody who was right.
    fn resend(&self, rejection: &Value) {
        let reason = rejection["reason"].as_str().unwrap();
        assert!(
            reason.contains("ahead of the broker's clock") && !reason.contains("the device's"),
            "{reason}"
        );
        let id = rejection["id"].as_str().unwrap();
        let (status, said) = self.millrace.post(&format!("/api/rejected/{id}/resend"), &json!({}));
        assert_eq!(status, 200, "{:?}: {said}", self.row);
        self.millrace.promised_rows(5, || self.stored("timed"));
    }

    /// What the wrong clock stamped is marked, by how much it was wrong, and nothing else.
    fn wrong_stamps_are_marked(&self) {
        let Row { step, restart } = self.row;
        if restart && self.is_behind() {
            return self.one_of_two_is_marked();
        }
        let marked = |value: f64| step.abs() > 2 && value == 30.0;
        eventually(SOON, || {
            for row in self.stored("bare").into_iter().chain(self.stored("timed")) {
                let ahead = row["clock_ahead_seconds"].as_f64();
                // What was rejected while the clock was behind was stamped when it was resent.
                let was_resent = self.is_behind() && row["device"] == "timed";
                let expected = marked(row["value"].as_f64().unwrap()) && !was_resent;
                let is_right = match ahead {
                    // Over a restart it is the least that it can have been.
                    Some(ahead) => expected && (ahead - step as f64).abs() < if restart { 60.0 } else { 0.5 },
                    None => !expected,
                };
                if !is_right {
                    return Err(format!("{:?}: wrongly marked: {row}", self.row));
                }
            }
            Ok(())
        });
        let (status, periods) = self.millrace.ask("/api/clock");
        let periods: Value = serde_json::from_str(&periods).unwrap();
        let count = periods["periods"].as_array().unwrap().len();
        assert_eq!((status, count), (200, usize::from(step.abs() > 2)), "{:?}: {periods}", self.row);
    }

    /// Where the clock was set back between two short runs, nobody can tell which of both was wrong.
    fn one_of_two_is_marked(&self) {
        let rows = self.stored("bare");
        let marked = rows.iter().filter(|row| !row["clock_ahead_seconds"].is_null()).count();
        assert_eq!(marked, 1, "{:?}: {rows:?}", self.row);
    }

    fn mails_came(&self) {
        let row = self.row;
        eventually(2 * SOON, || {
            let incidents = self.incidents("bare", "high");
            let all = incidents.iter().flat_map(|incident| incident["notifications"].as_array().unwrap());
            let waiting: Vec<_> = all.filter(|notification| notification["state"] != "sent").collect();
            if waiting.is_empty() { Ok(()) } else { Err(format!("{row:?}: {waiting:?}")) }
        });
    }

    /// Nobody was silent before this time; later the test itself may have taken long.
    fn nobody_was_silent(&self, before: Timestamp) {
        for device in DEVICES {
            let mut silent = self.incidents(device, "silent");
            silent.retain(|row| row["began_at"].as_str().unwrap().parse::<Timestamp>().unwrap() < before);
            assert_eq!(silent, [] as [Value; 0], "{:?}", self.row);
        }
    }
}

fn play(row: Row) {
    let mut played = Played::start(row);
    played.play();
    let spoke = played.last_spoke.get();
    played.nobody_was_silent(spoke);
    played.nothing_is_lost();
    played.wrong_stamps_are_marked();
    played.mails_came();
    played.nobody_was_silent(spoke);
    DEVICES.iter().for_each(|device| played.has(device, "silent", 1, 1));
    played.publish(20.0);
    DEVICES.iter().for_each(|device| played.has(device, "silent", 1, 0));
}

fn play_all(restart: bool) {
    std::thread::scope(|scope| {
        for step in STEPS {
            scope.spawn(move || play(Row { step, restart }));
        }
    });
}

#[test]
fn a_clock_that_is_stepped_while_it_runs_changes_nothing_for_long() {
    play_all(false);
}

#[test]
fn a_clock_that_is_stepped_between_two_runs_changes_nothing_for_long() {
    play_all(true);
}
