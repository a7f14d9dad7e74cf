//! A drain: the queue is filled first, then a writer empties it. How fast it is, and what it costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio_postgres::Client;

use super::cost;
use super::database::{self, Commit, Table};
use super::harness::Workspace;
use super::load::Load;
use super::subject::{Running, Subject};

/// How long the database's log must not grow before rows are counted: counting would add to the cost.
const QUIET: Duration = Duration::from_millis(300);

/// The name of lapin's thread, cut as Linux cuts it.
const LAPIN: &str = "lapin-io-loop";

const ASK_EVERY: Duration = Duration::from_millis(50);

/// The time limit of a drain: this, and the next for each thousand readings.
const PATIENCE: Duration = Duration::from_secs(120);
const PATIENCE_PER_THOUSAND: Duration = Duration::from_secs(2);

/// The figures of one drain; processor time is in seconds for a million readings.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Drain {
    pub(super) readings: u64,
    pub(super) readings_per_second: f64,
    pub(super) commits: usize,
    pub(super) writer_cpu: f64,
    /// The share of it that lapin's thread used to read frames from the socket and parse them.
    pub(super) lapin_cpu: f64,
    pub(super) broker_cpu: f64,
    pub(super) database_cpu: f64,
    pub(super) peak_bytes: u64,
}

/// Fills the queue, starts the writer and waits until all readings are stored.
pub(super) fn run(
    workspace: &Workspace<'_>,
    subject: &Subject,
    load: Load,
    readings: u64,
) -> anyhow::Result<Drain> {
    run_with(workspace, subject, load, readings, &[], 1)
}

/// The same with other settings and with several writers at once.
pub(super) fn run_with(
    workspace: &Workspace<'_>,
    subject: &Subject,
    load: Load,
    readings: u64,
    settings: &[(&str, String)],
    writers: usize,
) -> anyhow::Result<Drain> {
    let folders: Vec<_> = (0..writers).map(|_| tempfile::tempdir()).collect::<Result<_, _>>()?;
    let client = workspace.client()?;
    workspace.fill(load, readings)?;
    let before = cost::of_cluster(workspace.cluster)?;
    let start = |folder: &Path| subject.start_with(workspace, folder, settings);
    let mut running: Vec<Running> = folders.iter().map(|f| start(f.path())).collect::<Result<_, _>>()?;
    let (after, commits) = loop {
        until_quiet(workspace, &client, &mut running, readings)?;
        let after = cost::of_cluster(workspace.cluster)?;
        if let Some(commits) = workspace.runtime.block_on(stored_once(&client, subject.table(), readings))? {
            break (after, commits);
        }
    };
    let (mut writer, mut lapin, mut peak_bytes) = (Duration::ZERO, Duration::ZERO, 0);
    for process in &running {
        writer += cost::of_process(process.pid())?;
        lapin += cost::of_threads(process.pid(), LAPIN)?;
        peak_bytes = peak_bytes.max(cost::peak_memory(process.pid())?);
    }
    let per_million = |used: Duration| used.as_secs_f64() * 1e6 / readings as f64;
    Ok(Drain {
        readings,
        readings_per_second: pace(&commits)
            .context("all was stored in one transaction: more readings are needed")?,
        commits: commits.len(),
        writer_cpu: per_million(writer),
        lapin_cpu: per_million(lapin),
        broker_cpu: per_million(after.broker - before.broker),
        database_cpu: per_million(after.database - before.database),
        peak_bytes,
    })
}

/// Waits until the queue is empty and the database has stopped writing.
pub(super) fn until_quiet(
    workspace: &Workspace<'_>,
    client: &Client,
    running: &mut [Running],
    readings: u64,
) -> anyhow::Result<()> {
    let patience = PATIENCE + PATIENCE_PER_THOUSAND * (readings / 1_000) as u32;
    let start = Instant::now();
    let mut log_end = (String::new(), start);
    loop {
        running.iter_mut().try_for_each(Running::check)?;
        ensure!(
            start.elapsed() < patience,
            "not drained within {patience:?}: {:?}",
            workspace.queue_state()?
        );
        let end = workspace.runtime.block_on(database::log_end(client))?;
        if end != log_end.0 {
            log_end = (end, Instant::now());
        } else if log_end.1.elapsed() >= QUIET && workspace.queue_state()?.waiting == 0 {
            return Ok(());
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// The commits that stored all readings, each once; `None` while some are not stored yet.
///
/// # Errors
/// A reading is stored twice, so that there is no figure.
pub(super) async fn stored_once(
    client: &Client,
    table: Table,
    readings: u64,
) -> anyhow::Result<Option<Vec<Commit>>> {
    let (rows, different) = database::count(client, table).await?;
    ensure!(rows == different && rows <= readings, "{readings} readings, {rows} rows, {different} different");
    if rows < readings {
        return Ok(None);
    }
    database::commits(client).await.map(Some)
}

/// Readings a second from the first commit to the last, without the readings of the first commit.
fn pace(commits: &[Commit]) -> Option<f64> {
    let (first, last) = (commits.first()?.0, commits.last()?.0);
    let later: i64 = commits.iter().filter(|(at, _)| *at > first).map(|(_, readings)| readings).sum();
    (last > first).then(|| later as f64 / (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_counts_what_came_after_the_first_commit() {
        assert_eq!(pace(&[(10.0, 500), (11.0, 1_000), (12.0, 1_000)]), Some(1_000.0));
        assert_eq!(pace(&[(10.0, 500)]), None);
        assert_eq!(pace(&[]), None);
    }
}
