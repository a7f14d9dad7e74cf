//! Causes faults in the cluster while readings flow, and in commands, readings over HTTP and the registry, and proves that
//! nothing is lost: `make drill`, or `make drill NAME=freeze`.

mod ask;
mod faults;
mod flow;
mod harness;
mod plan;
mod report;
mod run;
mod scenarios;

use std::io::Write;
use std::process::ExitCode;

use e2e::Cluster;

use self::faults::DRILLS;
use self::plan::Drill;
use self::report::Row;
use self::scenarios::{Outcome, Run, SCENARIOS, Scenario};

const USAGE: &str = "usage: drill [--each-run] [--seed N] [--page FILE] [NAME…]\n\
    Without a name it runs all drills; with --each-run, those that `make test` runs.";

/// The arguments.
#[derive(Default)]
struct Wanted {
    seed: u64,
    /// The file for the table of results.
    page: Option<String>,
    /// Only those that `make test` runs.
    each_run: bool,
    /// The drills to run; empty means all.
    names: Vec<String>,
}

impl Wanted {
    fn includes(&self, name: &str, in_each_run: bool) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|wanted| wanted == name);
        named && (in_each_run || !self.each_run)
    }

    fn drills(&self) -> Vec<&'static Drill> {
        DRILLS.iter().filter(|drill| self.includes(drill.name, drill.in_each_run)).collect()
    }

    fn scenarios(&self) -> Vec<&'static Scenario> {
        SCENARIOS.iter().filter(|scenario| self.includes(scenario.name, scenario.in_each_run)).collect()
    }
}

fn main() -> ExitCode {
    let wanted = match arguments() {
        Ok(wanted) => wanted,
        Err(problem) => {
            say(&format!("{problem}\n{USAGE}"));
            return ExitCode::from(64);
        }
    };
    let (drills, scenarios) = (wanted.drills(), wanted.scenarios());
    let needs_cluster = !drills.is_empty() || scenarios.iter().any(|it| matches!(it.run, Run::Cluster(_)));
    let cluster = needs_cluster.then(Cluster::alone);
    let rows: Vec<Row> =
        drills.iter().filter_map(|drill| Some(run(drill, cluster.as_ref()?, wanted.seed))).collect();
    let outcomes: Vec<_> = scenarios.iter().map(|scenario| play(scenario, cluster.as_ref())).collect();
    if let Some(page) = &wanted.page {
        std::fs::write(page, report::page(&rows, &outcomes, wanted.seed))
            .unwrap_or_else(|e| panic!("write {page}: {e}"));
    }
    let passed = rows.iter().filter(|row| row.passed()).count()
        + outcomes.iter().filter(|outcome| outcome.passed()).count();
    let all = rows.len() + outcomes.len();
    say(&format!("{passed} of {all} drills passed"));
    if passed == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Result<Wanted, String> {
    let mut wanted = Wanted { seed: 1, ..Wanted::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => {
                let seed = words.next().and_then(|seed| seed.parse().ok());
                wanted.seed = seed.ok_or("--seed needs a number")?;
            }
            "--each-run" => wanted.each_run = true,
            "--page" => wanted.page = Some(words.next().ok_or("--page needs a file")?),
            name if names().any(|known| known == name) => wanted.names.push(word),
            _ => {
                let known: Vec<_> = names().collect();
                return Err(format!("there is no drill {word:?}: there are {}", known.join(", ")));
            }
        }
    }
    Ok(wanted)
}

fn names() -> impl Iterator<Item = &'static str> {
    DRILLS.iter().map(|drill| drill.name).chain(SCENARIOS.iter().map(|scenario| scenario.name))
}

fn play(scenario: &Scenario, cluster: Option<&Cluster>) -> Outcome {
    say(&format!("{}: {}", scenario.name, scenario.what));
    let outcome = scenarios::run(scenario, cluster);
    say(&outcome.verdict());
    outcome
}

fn run(drill: &'static Drill, cluster: &Cluster, seed: u64) -> Row {
    say(&format!("{}: {}", drill.name, drill.what));
    let row = run::run(drill, cluster, seed);
    say(&row.verdict());
    row
}

/// A closed stdout is no reason to stop in the middle of a drill.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
