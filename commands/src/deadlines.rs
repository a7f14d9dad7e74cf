//! When commands expire, whatever is done to the clock.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use store::Command;

/// The open commands that this process knows, and how long each is still worth sending.
///
/// A command is placed on the clock that nobody sets when it is first seen: setting the time of day later neither ends it
/// early nor lets it live longer. One that was made by another clock lives at most its whole life anew.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    by_id: HashMap<String, Deadline>,
    last: i64,
}

#[derive(Debug)]
struct Deadline {
    device: Box<str>,
    at: Duration,
}

impl Deadlines {
    /// The serial number of the newest command that is known.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Notes an open command, as it is at a time of day and of the clock that nobody sets.
    pub(crate) fn note(&mut self, command: &Command, wall: Timestamp, monotonic: Duration) {
        self.last = self.last.max(command.serial);
        let left = until(wall, command.expires_at).min(until(command.created_at, command.expires_at));
        let deadline = || Deadline { device: command.device.as_str().into(), at: monotonic + left };
        self.by_id.entry(command.id.clone()).or_insert_with(deadline);
    }

    /// Forgets all but these, which are open.
    pub(crate) fn keep(&mut self, open: &HashSet<String>) {
        self.by_id.retain(|id, _| open.contains(id));
    }

    /// How long a command is still worth sending; none where it is not known, or its time is over.
    pub(crate) fn left(&self, id: &str, now: Duration) -> Option<Duration> {
        self.by_id.get(id)?.at.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Takes out the commands whose time is over.
    pub(crate) fn over(&mut self, now: Duration) -> Vec<String> {
        let over: Vec<_> =
            self.by_id.iter().filter(|(_, deadline)| deadline.at <= now).map(|(id, _)| id.clone()).collect();
        for id in &over {
            self.by_id.remove(id);
        }
        over
    }

    /// The devices that have open commands.
    pub(crate) fn devices(&self) -> HashSet<Box<str>> {
        self.by_id.values().map(|deadline| deadline.device.clone()).collect()
    }
}

fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: u32) -> Timestamp {
        "2026-01-15T10:00:00Z".parse::<Timestamp>().unwrap() + HOUR * hours
    }

    /// A command of the hour 100 that lives for two hours.
    fn command() -> Command {
        Command { serial: 7, ..Command::new("a", "lab", "blink", at(100), at(102)) }
    }

    #[test]
    fn a_command_lives_as_long_as_it_should_whatever_the_clock_is_set_to() {
        for (wall, left) in [(at(100), 2), (at(101), 1), (at(102), 0), (at(9_000), 0), (at(3), 2)] {
            let mut deadlines = Deadlines::default();
            deadlines.note(&command(), wall, HOUR);
            // Seen again by another time of day, it has the same deadline.
            deadlines.note(&command(), at(0), 50 * HOUR);
            let expected = (left > 0).then_some(HOUR * left);
            assert_eq!(deadlines.left("a", HOUR), expected, "{wall}");
            assert_eq!(deadlines.over(HOUR * (left + 1)), ["a"], "{wall}");
            assert_eq!((deadlines.last(), deadlines.len()), (7, 0));
        }
    }

    #[test]
    fn what_is_not_open_is_forgotten() {
        let mut deadlines = Deadlines::default();
        deadlines.note(&command(), at(100), HOUR);
        deadlines.note(&Command { id: "b".into(), device: "x".into(), ..command() }, at(100), HOUR);
        assert_eq!(deadlines.devices().len(), 2);
        deadlines.keep(&HashSet::from(["b".to_owned()]));
        assert_eq!(deadlines.devices(), HashSet::from(["x".into()]));
        assert_eq!(deadlines.left("a", HOUR), None);
    }
}
