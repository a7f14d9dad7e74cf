//! What came of each drill: a line of verdict, and the table in docs/drills.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What came of one drill.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) acked: u64,
    pub(crate) stored: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// The longest wait for a PUBACK of clients on other nodes, and of those on the node that was broken.
    pub(crate) elsewhere: Option<Duration>,
    pub(crate) own: Option<Duration>,
    pub(crate) without_flow: BTreeMap<&'static str, Duration>,
    /// What was promised and does not hold.
    pub(crate) broken: Vec<String>,
}

impl Row {
    pub(crate) fn passed(&self) -> bool {
        self.broken.is_empty()
    }

    pub(crate) fn verdict(&self) -> String {
        let Self { name, acked, stored, lost, twice, .. } = self;
        let gaps: Vec<_> =
            self.without_flow.iter().map(|(service, gap)| format!("{service} {}", secs(*gap))).collect();
        let verdict =
            if self.passed() { "PASS".to_owned() } else { format!("FAIL: {}", self.broken.join("; ")) };
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
pub(crate) fn page(rows: &[Row], seed: u64) -> String {
    let mut page = format!(
        "# Drills\n\n\
         The drills wrote this page; `make drill` and `make test` run them (seed {seed}, {}). Each drill runs `sensor-sim load` with {} readings/s from {} connections\n\
         through HAProxy, breaks something, mends it, and then asks the ledger: every reading that got a PUBACK is stored, none\n\
         twice, none is stuck in a queue, nothing good was dead-lettered, and an incident that opened before the fault and ended\n\
         after it made exactly two mails.\n\n\
         *PUBACK* is the longest that a client waited for one: clients of the node that was broken, and all others. *No flow* is\n\
         the longest time in which nothing passed a service, as seen ten times a second.\n\n\
         | drill | what happens | acked | stored | lost | twice | PUBACK elsewhere | PUBACK there | no flow: db-writer | alerter | \
         page | verdict |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
        machine(),
        crate::harness::RATE,
        crate::harness::CONNECTIONS,
    );
    for row in rows {
        let Row { name, what, acked, stored, lost, twice, .. } = row;
        let gap = |service| time(row.without_flow.get(service).copied());
        let verdict = if row.passed() { "pass".to_owned() } else { row.broken.join("; ") };
        let _ = writeln!(
            page,
            "| `{name}` | {what} | {acked} | {stored} | {lost} | {twice} | {} | {} | {} | {} | {} | {verdict} |",
            time(row.elsewhere),
            time(row.own),
            gap("db-writer"),
            gap("alerter"),
            gap("dashboard"),
        );
    }
    page
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores shared by the cluster, the services and the load")
}
