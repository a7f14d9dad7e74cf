//! Drills with a load of their own: commands, readings over HTTP, and the registry. Tests run the same scenarios.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use e2e::Cluster;
use e2e::scenarios::{commands, http, registry};

/// A scenario that panics where a promise does not hold.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What happens, for people.
    pub(crate) what: &'static str,
    /// Whether `make test` runs it as a drill, too; all are among the tests.
    pub(crate) in_each_run: bool,
    pub(crate) run: Run,
}

/// Where a scenario runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// With an edge of its own, which it starts.
    Edge(fn()),
    /// In the cluster.
    Cluster(fn(&Cluster)),
}

impl Run {
    /// In a word, for people.
    pub(crate) const fn place(self) -> &'static str {
        match self {
            Self::Edge(_) => "edge",
            Self::Cluster(_) => "cluster",
        }
    }
}

/// The result of one scenario.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) place: &'static str,
    pub(crate) in_each_run: bool,
    pub(crate) took: Duration,
    /// The promise that did not hold.
    pub(crate) violation: Option<String>,
}

const fn scenario(name: &'static str, what: &'static str, run: Run) -> Scenario {
    Scenario { name, what, in_each_run: false, run }
}

/// One that `make test` runs.
const fn in_each_run(scenario: Scenario) -> Scenario {
    Scenario { in_each_run: true, ..scenario }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    in_each_run(scenario(
        "command-offline",
        "a device is away while three commands are made: it gets them in order, one at a time",
        Run::Edge(commands::offline),
    )),
    in_each_run(scenario(
        "command-twice",
        "the answer to a command is lost: it comes again, and is recorded once",
        Run::Edge(commands::twice),
    )),
    scenario(
        "command-kill",
        "`kill -9` of the edge, 50 times, with three commands each: none is lost or sent after its end",
        Run::Edge(|| commands::kill(50)),
    ),
    scenario(
        "command-expiry",
        "a command expires while the clock stands, and is stepped by a day in each direction",
        Run::Edge(commands::expiry),
    ),
    scenario(
        "command-node",
        "`kill -9` of a gateway, a node and the database, each with a command under way",
        Run::Cluster(commands::node),
    ),
    scenario("http-kill", "`kill -9` of the edge, 25 times, while 16 clients send", Run::Edge(http::kill)),
    scenario(
        "http-database-away",
        "the database is frozen while readings come: without a key they are taken, with one they are not",
        Run::Cluster(http::database_away),
    ),
    in_each_run(scenario("http-twice", "200 readings are sent three times each", Run::Edge(http::twice))),
    in_each_run(scenario(
        "hold-adopt",
        "what an unknown device sends is held, and stored with its own time once it is adopted",
        Run::Edge(registry::hold_adopt),
    )),
    scenario(
        "forget",
        "devices are forgotten, an old recording is replayed, and one of them speaks again",
        Run::Edge(registry::forget),
    ),
];

/// Runs a scenario; the cluster is there where it needs one.
pub(crate) fn run(scenario: &Scenario, cluster: Option<&Cluster>) -> Outcome {
    let Scenario { name, what, in_each_run, run } = *scenario;
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| match (run, cluster) {
        (Run::Edge(run), _) => run(),
        (Run::Cluster(run), Some(cluster)) => run(cluster),
        (Run::Cluster(_), None) => panic!("it needs a cluster"),
    }));
    let violation = ended.err().map(|panic| reason(panic.as_ref()));
    Outcome { name, what, place: run.place(), in_each_run, took: began.elapsed(), violation }
}

/// What a panic says, in one line that stands in a table.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    text.replace('|', "/").split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        self.violation.is_none()
    }

    pub(crate) fn verdict(&self) -> String {
        let verdict = self.violation.as_ref().map_or("PASS".to_owned(), |why| format!("FAIL: {why}"));
        format!("{}: {:.1} s: {verdict}", self.name, self.took.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_that_panics_fails_with_what_it_said() {
        let failing = |run| super::run(&scenario("x", "y", run), None);
        let failed = failing(Run::Edge(|| assert_eq!(1, 2, "a | b")));
        assert!(!failed.passed() && failed.violation.unwrap().contains("a / b left: 1"));
        assert!(failing(Run::Cluster(|_| ())).verdict().ends_with("FAIL: it needs a cluster"));
        assert!(failing(Run::Edge(|| ())).passed());
    }

    #[test]
    fn each_name_is_of_one_drill() {
        let mut names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        names.extend(crate::faults::DRILLS.iter().map(|drill| drill.name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
