//! The database is away under load: how much memory db-writer needs meanwhile, and that nothing is lost.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde::Serialize;

use super::broker::{self, Pace};
use super::cost;
use super::database::{self, Table};
use super::drain::{stored_once, until_quiet};
use super::harness::Workspace;
use super::steady::{DEVICES, EMPTY_WITHIN, until_it_takes};
use super::subject::DB_WRITER;

pub(super) const PER_SECOND: u64 = 3_000;
pub(super) const AWAY: Duration = Duration::from_secs(20);

/// How long the load runs before the database goes away, and after it is back.
const AROUND: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Away {
    pub(super) bytes_before: u64,
    /// The peak of its resident memory, from the first reading to when all were stored.
    pub(super) peak_bytes: u64,
    /// Time from the database's return until no reading waited longer than usual.
    pub(super) caught_up_after_seconds: f64,
}

pub(super) fn run(workspace: &Workspace<'_>) -> anyhow::Result<Away> {
    let folder = tempfile::tempdir()?;
    let mut writer = DB_WRITER.start(workspace, folder.path())?;
    until_it_takes(workspace, &mut writer)?;
    let pace = Pace { devices: DEVICES, per_second: PER_SECOND, duration: AROUND * 2 + AWAY };
    let url = workspace.amqp_url()?;
    let load = workspace.runtime.spawn(async move { broker::keep_pace(&url, pace).await });
    std::thread::sleep(AROUND);
    let bytes_before = cost::memory_now(writer.pid())?;
    workspace.cluster.pause("timescaledb");
    std::thread::sleep(AWAY);
    workspace.cluster.unpause("timescaledb");
    let back = Timestamp::now();
    workspace.runtime.block_on(load)??;
    let client = workspace.client()?;
    until_quiet(workspace, &client, std::slice::from_mut(&mut writer), pace.readings())?;
    let stored = workspace.runtime.block_on(stored_once(&client, Table::Ours, pace.readings()))?;
    ensure!(stored.is_some(), "not all of {} readings were stored", pace.readings());
    let behind_until =
        workspace.runtime.block_on(database::behind_until(&client, EMPTY_WITHIN.as_secs_f64()))?;
    let caught_up = behind_until.context("no reading waited for the database")?;
    Ok(Away {
        bytes_before,
        peak_bytes: cost::peak_memory(writer.pid())?,
        caught_up_after_seconds: caught_up - back.as_microsecond() as f64 / 1e6,
    })
}
