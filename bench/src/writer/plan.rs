//! How much is measured; environment variables make a run shorter.

use anyhow::{Context as _, ensure};

/// The steps of the part `writer`, in their order.
const STEPS: &str = "drain steady away growth instructions";

#[derive(Debug)]
pub(super) struct Plan {
    /// Readings of a drain; a slow writer gets a share of them.
    pub(super) readings: u64,
    /// Runs of each drain, interleaved.
    pub(super) runs: usize,
    /// Rows in the table before a drain, for the last table of the step `growth`.
    pub(super) table_rows: Vec<u64>,
    steps: String,
    /// The writers that are measured, separated by commas; empty means all.
    writers: String,
}

impl Plan {
    /// The plan from `BENCH_READINGS`, `BENCH_RUNS`, `BENCH_TABLE_ROWS`, `BENCH_STEPS` and `BENCH_WRITERS`.
    ///
    /// # Errors
    /// A variable has a value that is not understood.
    pub(super) fn from_environment() -> anyhow::Result<Self> {
        let readings = variable("BENCH_READINGS", "1000000");
        let runs = variable("BENCH_RUNS", "3");
        let rows = variable("BENCH_TABLE_ROWS", "1000000 10000000");
        let plan = Self {
            readings: readings.parse().with_context(|| format!("BENCH_READINGS is {readings:?}"))?,
            runs: runs.parse().with_context(|| format!("BENCH_RUNS is {runs:?}"))?,
            table_rows: rows
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .context("BENCH_TABLE_ROWS")?,
            steps: variable("BENCH_STEPS", STEPS),
            writers: variable("BENCH_WRITERS", ""),
        };
        ensure!(plan.readings >= 1_000 && plan.runs >= 1, "at least 1000 readings and 1 run are needed");
        let unknown = plan.steps.split_whitespace().find(|step| !STEPS.contains(step));
        ensure!(unknown.is_none(), "BENCH_STEPS: {unknown:?} is none of {STEPS}");
        Ok(plan)
    }

    /// Whether this writer is to be drained; the limits are measured under the name `limits`.
    pub(super) fn drains(&self, name: &str) -> bool {
        self.writers.is_empty() || self.writers.split(',').any(|wanted| wanted.trim() == name)
    }

    #[cfg(test)]
    pub(super) fn new(readings: u64, runs: usize, table_rows: Vec<u64>) -> Self {
        Self { readings, runs, table_rows, steps: STEPS.to_owned(), writers: String::new() }
    }

    pub(super) fn has(&self, step: &str) -> bool {
        self.steps.split_whitespace().any(|wanted| wanted == step)
    }
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_drained_unless_some_are_named() {
        let mut plan = Plan::new(1_000, 1, Vec::new());
        assert!(plan.drains("db-writer") && plan.drains("Node-RED"));
        plan.writers = "db-writer, Node-RED".into();
        assert!(plan.drains("db-writer") && plan.drains("Node-RED") && !plan.drains("classic script"));
    }
}
