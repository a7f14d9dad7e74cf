//! The result of each drill: a line with its verdict, and the table in docs/drills.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::plan::{CONNECTIONS, RATE};
use crate::scenarios::Outcome;

/// The result of one drill.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) in_each_run: bool,
    pub(crate) acked: u64,
    pub(crate) stored: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// The longest wait for a PUBACK: of clients on other nodes, and of clients on the node that the fault hit.
    pub(crate) elsewhere: Option<Duration>,
    pub(crate) own: Option<Duration>,
    pub(crate) without_flow: BTreeMap<&'static str, Duration>,
    /// The promises that did not hold.
    pub(crate) violations: Vec<String>,
}

impl Row {
    pub(crate) fn passed(&self) -> bool {
        self.violations.is_empty()
    }

    pub(crate) fn verdict(&self) -> String {
        let Self { name, acked, stored, lost, twice, .. } = self;
        let gaps: Vec<_> =
            self.without_flow.iter().map(|(service, gap)| format!("{service} {}", secs(*gap))).collect();
        let verdict =
            if self.passed() { "PASS".to_owned() } else { format!("FAIL: {}", self.violations.join("; ")) };
        format!(
            "{name}: {acked} acked, {stored} stored, {lost} lost, {twice} twice; PUBACK within {} elsewhere, {} there; \
             without flow: {}: {verdict}",
            time(self.elsewhere),
            time(self.own),
            gaps.join(", ")
        )
    }
}

fn secs(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn time(time: Option<Duration>) -> String {
    time.map_or("–".to_owned(), secs)
}

/// The whole of docs/drills.md.
pub(crate) fn page(rows: &[Row], outcomes: &[Outcome], seed: u64) -> String {
    let mut page = format!(
        "# Drills\n\n\
         `make drill` runs all drills and writes this page (seed {seed}, {}). `make test` runs those with *yes* under\n\
         *each run*: at least one of each kind of fault. The others differ from one of them only in where the fault hits or\n\
         how long it lasts.\n\n\
         Each drill runs `sensor-sim load` with {} readings/s from {} connections through HAProxy, causes a fault, repairs\n\
         it, and then checks: every reading that got a PUBACK is stored, none is stored twice, none is left in a queue, no\n\
         good message is in the dead-letter queue, and an incident that opened before the fault and ended after it caused\n\
         exactly two mails.\n\n\
         *PUBACK there* is the longest that a client of a node that the fault hit waited for a PUBACK; *PUBACK elsewhere* is\n\
         the same for all other clients. *No flow* is the longest time in which no reading passed a service, observed ten\n\
         times a second.\n\n\
         | drill | kind of fault | each run | what happens | acked | stored | lost | twice | PUBACK elsewhere | \
         PUBACK there | no flow: db-writer | alerter | page | verdict |\n\
         | --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
        machine(),
        RATE,
        CONNECTIONS,
    );
    for row in rows {
        let each_run = if row.in_each_run { "yes" } else { "" };
        let Row { name, what, kind, acked, stored, lost, twice, .. } = row;
        let gap = |service| time(row.without_flow.get(service).copied());
        let verdict = if row.passed() { "pass".to_owned() } else { row.violations.join("; ") };
        let _ = writeln!(
            page,
            "| `{name}` | {kind} | {each_run} | {what} | {acked} | {stored} | {lost} | {twice} | {} | {} | {} | {} | {} | {verdict} |",
            time(row.elsewhere),
            time(row.own),
            gap("db-writer"),
            gap("alerter"),
            gap("dashboard"),
        );
    }
    page + &scenarios(outcomes)
}

/// The table of drills with a load of their own.
fn scenarios(outcomes: &[Outcome]) -> String {
    let mut table = "\n## Commands, HTTP and the registry\n\n\
         These drills have a load of their own, and check what becomes of it; at the edge the counters of commands and of\n\
         readings over HTTP add up at the end. Those of the edge start a `millrace` of their own. The tests run all of them,\n\
         `command-kill` with 20 kills.\n\n\
         | drill | where | each run | what happens | took | verdict |\n| --- | --- | --- | --- | ---: | --- |\n"
        .to_owned();
    for Outcome { name, what, place, in_each_run, took, violation } in outcomes {
        let each_run = if *in_each_run { "yes" } else { "" };
        let verdict = violation.as_deref().unwrap_or("pass");
        let took = secs(*took);
        let _ = writeln!(table, "| `{name}` | {place} | {each_run} | {what} | {took} | {verdict} |");
    }
    table
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores shared by the cluster, the services and the load")
}
