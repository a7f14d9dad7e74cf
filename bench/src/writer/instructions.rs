//! Processor instructions that db-writer needs for a reading, as callgrind counts them. They depend on the load of the
//! machine far less than time does, so that a small change shows.

use anyhow::Context as _;
use serde::Serialize;

use super::DEVICES;
use super::database::Table;
use super::drain::{stored_once, until_quiet};
use super::harness::Harness;
use super::load::Load;
use super::subject::DB_WRITER;

/// Readings of two drains: the difference of their counts belongs to the readings, without start and stop.
const FEW: u64 = 2_000;
const MANY: u64 = 22_000;

/// The line in which callgrind reports the total.
const COLLECTED: &str = "Collected : ";

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Counted {
    pub(super) by_reading: u64,
    /// Instructions to connect and to stop.
    pub(super) around: u64,
}

pub(super) fn count(harness: &Harness) -> anyhow::Result<Counted> {
    let (few, many) = (of_drain(harness, FEW)?, of_drain(harness, MANY)?);
    let by_reading = many.saturating_sub(few) / (MANY - FEW);
    Ok(Counted { by_reading, around: few.saturating_sub(by_reading * FEW) })
}

fn of_drain(harness: &Harness, readings: u64) -> anyhow::Result<u64> {
    let (workspace, folder) = (harness.workspace()?, tempfile::tempdir()?);
    let client = workspace.client()?;
    workspace.fill(Load::ending_now(readings, DEVICES), readings)?;
    let mut writer = DB_WRITER.start_counted(&workspace, folder.path())?;
    let stored = || workspace.runtime.block_on(stored_once(&client, Table::Ours, readings));
    while stored()?.is_none() {
        until_quiet(&workspace, &client, std::slice::from_mut(&mut writer), readings)?;
    }
    collected(&writer.finish()?).context("callgrind says what it collected")
}

fn collected(said: &str) -> Option<u64> {
    let (_, count) = said.lines().find_map(|line| line.split_once(COLLECTED))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n==7== I   refs: 1,234,567\n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== Process terminating"), None);
    }
}
