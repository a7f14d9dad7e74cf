//! What a reading costs as devices, rows or writers grow in number; each table changes one of them.

use serde::Serialize;

use super::database;
use super::drain::{self, Drain};
use super::harness::{Harness, Workspace};
use super::load::Load;
use super::plan::Plan;
use super::subject::DB_WRITER;

const DEVICES: u64 = 1_000;

/// A drain that differs from the usual one in one thing.
#[derive(Debug, Clone)]
struct Case {
    table: &'static str,
    label: String,
    readings: u64,
    devices: u64,
    late: bool,
    /// Rows in the table before the drain.
    rows: u64,
    max_batch: Option<u64>,
    writers: usize,
}

/// A row of one of these tables.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Grown {
    pub(super) table: &'static str,
    pub(super) label: String,
    #[serde(flatten)]
    pub(super) drain: Drain,
}

pub(super) fn run(harness: &Harness, plan: &Plan, note: impl Fn(&str)) -> anyhow::Result<Vec<Grown>> {
    let mut grown = Vec::new();
    for case in cases(plan) {
        note(&format!("{} {}", case.table, case.label));
        let drain = one(&harness.workspace()?, &case)?;
        grown.push(Grown { table: case.table, label: case.label, drain });
    }
    Ok(grown)
}

fn cases(plan: &Plan) -> Vec<Case> {
    let some = plan.readings.div_ceil(10);
    let usual = Case {
        table: "",
        label: String::new(),
        readings: some,
        devices: DEVICES,
        late: false,
        rows: 0,
        max_batch: None,
        writers: 1,
    };
    let mut cases = Vec::new();
    for batch in [100, 1_000, 10_000, 50_000].into_iter().filter(|batch| batch * 2 <= some) {
        cases.push(Case {
            table: "batch",
            label: batch.to_string(),
            max_batch: Some(batch),
            ..usual.clone()
        });
    }
    for devices in [100, 1_000, 10_000, 100_000, 1_000_000] {
        // Each device is new once; a drain of fewer readings would be one of fewer devices.
        let readings = some.max(devices);
        if readings <= plan.readings {
            cases.push(Case {
                table: "devices",
                label: devices.to_string(),
                devices,
                readings,
                ..usual.clone()
            });
        }
    }
    for &rows in [0].iter().chain(&plan.table_rows) {
        cases.push(Case { table: "rows", label: rows.to_string(), rows, ..usual.clone() });
    }
    for writers in [1, 2, 4] {
        cases.push(Case { table: "writers", label: writers.to_string(), writers, ..usual.clone() });
    }
    cases.push(Case { table: "late", label: "half of them 30 days late".into(), late: true, ..usual });
    cases
}

fn one(workspace: &Workspace<'_>, case: &Case) -> anyhow::Result<Drain> {
    let load = Load { late: case.late, ..Load::ending_now(case.readings, case.devices) };
    if case.rows > 0 {
        let client = workspace.client()?;
        workspace.runtime.block_on(database::prefill(&client, case.rows, case.devices))?;
    }
    let settings: Vec<_> =
        case.max_batch.iter().map(|batch| ("DB_WRITER__MAX_BATCH", batch.to_string())).collect();
    drain::run_with(workspace, &DB_WRITER, load, case.readings, &settings, case.writers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_try_leaves_out_what_it_cannot_show() {
        let plan = |readings| Plan::new(readings, 1, vec![50]);
        let labels = |plan: &Plan, table| {
            cases(plan)
                .into_iter()
                .filter(|case| case.table == table)
                .map(|case| case.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(&plan(20_000), "batch"), ["100", "1000"]);
        assert_eq!(labels(&plan(15_000), "batch"), ["100"]);
        assert_eq!(labels(&plan(20_000), "devices"), ["100", "1000", "10000"]);
        assert_eq!(labels(&plan(1_000_000), "devices"), ["100", "1000", "10000", "100000", "1000000"]);
        assert_eq!(labels(&plan(20_000), "rows"), ["0", "50"]);
    }
}
