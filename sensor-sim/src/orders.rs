//! What a simulated device does with commands: pure.
//!
//! A command may come more than once. The device remembers the number of the last one that it carried out, and answers
//! `done` again for that one and for older ones.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// The intervals that a device takes.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.01..=86_400.0;

/// How often a light blinks, at most.
const MAX_BLINKS: u64 = 100;

/// How long one blink takes.
const BLINK: Duration = Duration::from_millis(200);

/// How long a device that starts anew says nothing.
const REBOOT: Duration = Duration::from_secs(2);

/// A command as it comes.
#[derive(Debug, Deserialize)]
struct Command {
    id: String,
    n: i64,
    command: String,
    #[serde(default)]
    args: Value,
}

/// What a device does for a command, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// It publishes this on `results/<device>`.
    Answer(String),
    /// It publishes this on `state/<device>`.
    Report(String),
    /// It takes its time.
    Wait(Duration),
    /// It measures so often from now on.
    Measure(Duration),
}

/// A device that takes commands.
#[derive(Debug)]
pub(crate) struct Orders {
    /// The interval that it starts with.
    first_interval: Duration,
    interval: Duration,
    /// The number of the last command that was carried out.
    last: i64,
    version: Option<i64>,
}

impl Orders {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { first_interval: interval, interval, last: 0, version: None }
    }

    /// What a device does for a message on `commands/<device>`; nothing for what is no command.
    pub(crate) fn obey(&mut self, payload: &[u8]) -> Vec<Step> {
        let Ok(command) = serde_json::from_slice::<Command>(payload) else { return Vec::new() };
        if command.n <= self.last {
            return vec![done(&command, &Value::Null)];
        }
        self.last = command.n;
        let steps = match command.command.as_str() {
            "set-interval" => self.set_interval(&command),
            "blink" => blink(&command),
            "reboot" => self.reboot(&command),
            "desired" => self.be(&command),
            _ => Err("the device knows set-interval, blink and reboot".to_owned()),
        };
        let accepted = Step::Answer(json!({ "id": command.id, "status": "accepted" }).to_string());
        let steps = steps.unwrap_or_else(|reason| vec![failed(&command, &reason)]);
        std::iter::once(accepted).chain(steps).collect()
    }

    fn set_interval(&mut self, command: &Command) -> Result<Vec<Step>, String> {
        self.interval = interval(&command.args["seconds"])?;
        let seconds = json!({ "seconds": self.interval.as_secs_f64() });
        Ok(vec![Step::Measure(self.interval), self.report(), done(command, &seconds)])
    }

    fn reboot(&mut self, command: &Command) -> Result<Vec<Step>, String> {
        self.interval = self.first_interval;
        Ok(vec![Step::Wait(REBOOT), Step::Measure(self.interval), self.report(), done(command, &Value::Null)])
    }

    /// Becomes what it should be.
    fn be(&mut self, command: &Command) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        if let Some(wanted) = command.args["state"].get("interval") {
            self.interval = interval(wanted)?;
            steps.push(Step::Measure(self.interval));
        }
        self.version = command.args["version"].as_i64();
        steps.extend([self.report(), done(command, &Value::Null)]);
        Ok(steps)
    }

    fn report(&self) -> Step {
        let state = json!({ "interval": self.interval.as_secs_f64() });
        Step::Report(json!({ "version": self.version, "state": state }).to_string())
    }
}

fn interval(seconds: &Value) -> Result<Duration, String> {
    let wanted = seconds.as_f64().filter(|seconds| INTERVALS.contains(seconds));
    wanted.map(Duration::from_secs_f64).ok_or_else(|| "the interval must be 0.01 to 86400 seconds".to_owned())
}

fn blink(command: &Command) -> Result<Vec<Step>, String> {
    let times = command.args.get("times").map_or(Some(3), Value::as_u64);
    let times = times.filter(|times| (1..=MAX_BLINKS).contains(times)).ok_or("times must be 1 to 100")?;
    Ok(vec![Step::Wait(BLINK * times as u32), done(command, &json!({ "blinked": times }))])
}

fn done(command: &Command, result: &Value) -> Step {
    Step::Answer(json!({ "id": command.id, "status": "done", "result": result }).to_string())
}

fn failed(command: &Command, reason: &str) -> Step {
    Step::Answer(json!({ "id": command.id, "status": "failed", "reason": reason }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(n: i64, command: &str, args: &Value) -> Vec<u8> {
        json!({ "id": format!("c{n}"), "n": n, "command": command, "args": args }).to_string().into_bytes()
    }

    /// The statuses that are answered.
    fn answers(steps: &[Step]) -> Vec<String> {
        let status = |step: &Step| match step {
            Step::Answer(text) => {
                let answer: Value = serde_json::from_str(text).unwrap();
                Some(format!("{} {}", answer["id"].as_str().unwrap(), answer["status"].as_str().unwrap()))
            }
            _ => None,
        };
        steps.iter().filter_map(status).collect()
    }

    #[test]
    fn a_command_is_accepted_and_done_once() {
        let mut orders = Orders::new(Duration::from_secs(1));
        let set = order(4, "set-interval", &json!({ "seconds": 10 }));
        let steps = orders.obey(&set);
        assert_eq!(answers(&steps), ["c4 accepted", "c4 done"]);
        assert!(steps.contains(&Step::Measure(Duration::from_secs(10))));
        let again = orders.obey(&set);
        assert_eq!(again.len(), 1, "nothing is done twice: {again:?}");
        assert_eq!(answers(&again), ["c4 done"]);
        assert_eq!(answers(&orders.obey(&order(2, "blink", &json!({})))), ["c2 done"]);
        assert_eq!(
            answers(&orders.obey(&order(5, "blink", &json!({ "times": 2 })))),
            ["c5 accepted", "c5 done"]
        );
    }

    #[test]
    fn what_a_device_cannot_do_fails_with_the_reason() {
        for (command, args) in [
            ("set-interval", json!({})),
            ("set-interval", json!({ "seconds": -1 })),
            ("set-interval", json!({ "seconds": 1e300 })),
            ("blink", json!({ "times": 0 })),
            ("open", json!(null)),
        ] {
            let steps = Orders::new(Duration::from_secs(1)).obey(&order(1, command, &args));
            assert_eq!(answers(&steps), ["c1 accepted", "c1 failed"], "{command} {args}");
        }
        for payload in ["", "blink", "[]", r#"{"id": "a"}"#] {
            assert_eq!(Orders::new(Duration::from_secs(1)).obey(payload.as_bytes()), [], "{payload}");
        }
    }

    #[test]
    fn a_device_becomes_what_it_should_be_and_says_so() {
        let mut orders = Orders::new(Duration::from_secs(1));
        let steps = orders.obey(&order(1, "desired", &json!({ "version": 12, "state": { "interval": 5 } })));
        let report = json!({ "version": 12, "state": { "interval": 5.0 } }).to_string();
        assert!(
            steps.contains(&Step::Report(report)) && steps.contains(&Step::Measure(Duration::from_secs(5)))
        );
        let steps = orders.obey(&order(2, "reboot", &json!(null)));
        assert!(
            steps.contains(&Step::Measure(Duration::from_secs(1))),
            "the interval is the first one: {steps:?}"
        );
    }
}
