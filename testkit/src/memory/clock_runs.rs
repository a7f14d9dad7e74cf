//! Runs of the clock in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use store::{ClockHistory, Result};
use telemetry::ClockRun;

use super::MemoryStore;

#[async_trait]
impl ClockHistory for MemoryStore {
    async fn clock_runs(&self) -> Result<Vec<ClockRun>> {
        Ok(self.call("clock_runs")?.clock_runs.clone())
    }

    async fn set_clock_runs(&self, runs: &[ClockRun]) -> Result<()> {
        self.call("set_clock_runs")?.clock_runs = runs.to_vec();
        Ok(())
    }

    async fn extend_clock_run(&self, to: Timestamp) -> Result<()> {
        if let Some(run) = self.call("extend_clock_run")?.clock_runs.last_mut() {
            run.to = run.to.max(to);
        }
        Ok(())
    }
}
