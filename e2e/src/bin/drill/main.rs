//! Causes faults in the cluster while readings flow, and proves that nothing is lost: `make drill`, or
//! `make drill NAME=freeze`.

mod ask;
mod faults;
mod flow;
mod harness;
mod plan;
mod report;
mod run;

use std::io::Write;
use std::process::ExitCode;

use e2e::Cluster;

use self::faults::DRILLS;
use self::plan::Drill;
use self::report::Row;

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
    fn includes(&self, drill: &Drill) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|name| name == drill.name);
        named && (drill.in_each_run || !self.each_run)
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
    let cluster = Cluster::alone();
    let chosen = DRILLS.iter().filter(|drill| wanted.includes(drill));
    let rows: Vec<Row> = chosen.map(|drill| run(drill, &cluster, wanted.seed)).collect();
    if let Some(page) = &wanted.page {
        std::fs::write(page, report::page(&rows, wanted.seed))
            .unwrap_or_else(|e| panic!("write {page}: {e}"));
    }
    let failed = rows.iter().filter(|row| !row.passed()).count();
    say(&format!("{} of {} drills passed", rows.len() - failed, rows.len()));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
            name if DRILLS.iter().any(|drill| drill.name == name) => wanted.names.push(word),
            _ => {
                let known: Vec<_> = DRILLS.iter().map(|drill| drill.name).collect();
                return Err(format!("there is no drill {word:?}: there are {}", known.join(", ")));
            }
        }
    }
    Ok(wanted)
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
