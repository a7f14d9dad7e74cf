//! What was seen of all stages at one time; pure.

use std::time::Duration;

use super::openmetrics::Samples;

/// How long rates look back.
const WINDOW: Duration = Duration::from_secs(10);

const QUEUES: &str = "queues";

/// All that was seen at one time.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// Since the first.
    pub(super) at: Duration,
    pub(super) devices: Devices,
    pub(super) broker: Broker,
    pub(super) writers: Vec<Seen>,
    pub(super) alerters: Vec<Seen>,
    pub(super) dashboards: Vec<Seen>,
}

/// Devices by the age of their newest reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    pub(crate) fresh: usize,
    pub(crate) stale: usize,
    pub(crate) offline: usize,
}

/// What takes readings from devices.
#[derive(Debug, Clone)]
pub(super) enum Broker {
    /// The one in this process.
    Embedded(Samples),
    Nodes(Vec<Seen>),
}

/// One instance, and what it told, or why it did not.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) told: Result<Told, String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) samples: Samples,
    /// Lines of `/readyz`.
    pub(super) problems: Vec<Problem>,
}

/// `name: why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) of: String,
    pub(super) why: String,
}

impl Problem {
    pub(super) fn read(line: &str) -> Self {
        let (of, why) = line.split_once(": ").unwrap_or(("", line));
        Self { of: of.to_owned(), why: why.to_owned() }
    }

    /// A node of the broker answers, and does not say how long its queues are.
    pub(super) fn of_queues() -> Self {
        Self { of: QUEUES.to_owned(), why: "not told in time".to_owned() }
    }
}

impl Seen {
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        self.told.as_ref().ok()?.samples.sum(name)
    }

    /// Whether it is a node that says how long its queues are.
    pub(super) fn tells_of_queues(&self) -> bool {
        self.told.is_ok() && self.problem_of(QUEUES).is_none()
    }

    /// Why something does not hold there.
    pub(super) fn problem_of(&self, name: &str) -> Option<&str> {
        let told = self.told.as_ref().ok()?;
        told.problems.iter().find(|problem| problem.of == name).map(|problem| problem.why.as_str())
    }
}

/// The instance of a name in a list.
pub(super) fn named<'a>(seen: &'a [Seen], name: &str) -> Option<&'a Seen> {
    seen.iter().find(|seen| seen.name == name)
}

/// By how much a counter grows a second, over the last ten; none while that is not known or no longer.
///
/// A counter that went back began anew: all it has counted since is new.
pub(super) fn rate(history: &[Look], counter: impl Fn(&Look) -> Option<f64>) -> Option<f64> {
    counter(history.last()?)?;
    let counted = recent(history).iter().filter_map(|look| Some((look.at, counter(look)?)));
    let counted: Vec<(Duration, f64)> = counted.collect();
    let grown: f64 = counted
        .windows(2)
        .map(|pair| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 })
        .sum();
    let seconds = (counted.last()?.0 - counted.first()?.0).as_secs_f64();
    (seconds > 0.0).then(|| grown / seconds)
}

/// The looks that rates go by.
pub(super) fn recent(history: &[Look]) -> &[Look] {
    let Some(newest) = history.last() else { return history };
    let old = history.partition_point(|look| look.at + WINDOW < newest.at);
    &history[old..]
}
