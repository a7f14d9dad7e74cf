//! A snapshot of all stages at one time, and rates over several; pure.

use std::time::Duration;

use super::openmetrics::Samples;
use crate::live::DevicesByState;

/// The time over which rates are computed.
const WINDOW: Duration = Duration::from_secs(10);

const QUEUES: &str = "queues";

/// All stages at one time.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The time since the first snapshot.
    pub(super) at: Duration,
    pub(super) devices: DevicesByState,
    pub(super) broker: Broker,
    pub(super) writers: Vec<Scrape>,
    pub(super) alerters: Vec<Scrape>,
    pub(super) dashboards: Vec<Scrape>,
}

/// The broker that devices publish to.
#[derive(Debug, Clone)]
pub(super) enum Broker {
    /// The broker in this process.
    Embedded(Samples),
    /// The nodes of RabbitMQ.
    Nodes(Vec<Scrape>),
}

/// What one instance answered, or why it did not.
#[derive(Debug, Clone)]
pub(super) struct Scrape {
    pub(super) name: String,
    pub(super) result: Result<Scraped, String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Scraped {
    pub(super) samples: Samples,
    /// Lines of `/readyz`.
    pub(super) problems: Vec<Problem>,
}

/// A line of `/readyz`: `name: why`.
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

    /// A node of the broker answers, but not how long its queues are.
    pub(super) fn of_queues() -> Self {
        Self { of: QUEUES.to_owned(), why: "no answer in time".to_owned() }
    }
}

impl Scrape {
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        self.result.as_ref().ok()?.samples.sum(name)
    }

    /// Whether it is a node that answered how long its queues are.
    pub(super) fn has_queues(&self) -> bool {
        self.result.is_ok() && self.problem_of(QUEUES).is_none()
    }

    /// Why a check of `/readyz` fails there.
    pub(super) fn problem_of(&self, name: &str) -> Option<&str> {
        let result = self.result.as_ref().ok()?;
        result.problems.iter().find(|problem| problem.of == name).map(|problem| problem.why.as_str())
    }
}

/// The instance with this name.
pub(super) fn named<'a>(scrapes: &'a [Scrape], name: &str) -> Option<&'a Scrape> {
    scrapes.iter().find(|scrape| scrape.name == name)
}

/// The growth of a counter per second, over the last ten seconds; `None` where that is not known.
///
/// A counter that went back was restarted: all it counts now is new.
pub(super) fn rate(history: &[Snapshot], counter: impl Fn(&Snapshot) -> Option<f64>) -> Option<f64> {
    counter(history.last()?)?;
    let counted = recent(history).iter().filter_map(|snapshot| Some((snapshot.at, counter(snapshot)?)));
    let counted: Vec<(Duration, f64)> = counted.collect();
    let grown: f64 = counted
        .windows(2)
        .map(|pair| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 })
        .sum();
    let seconds = (counted.last()?.0 - counted.first()?.0).as_secs_f64();
    (seconds > 0.0).then(|| grown / seconds)
}

/// The snapshots from which rates are computed.
pub(super) fn recent(history: &[Snapshot]) -> &[Snapshot] {
    let Some(newest) = history.last() else { return history };
    let old = history.partition_point(|snapshot| snapshot.at + WINDOW < newest.at);
    &history[old..]
}
