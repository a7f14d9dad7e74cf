//! Readings at a fixed rate: how long until they are committed, and the highest rate that db-writer keeps up with.

use std::time::Duration;

use e2e::{LONG, eventually};
use jiff::Timestamp;
use serde::Serialize;

use super::broker::{self, Pace};
use super::cost;
use super::database::{self, Latency, Table};
use super::drain::{stored_once, until_quiet};
use super::harness::{Harness, Workspace};
use super::subject::{DB_WRITER, Running};

pub(super) const DEVICES: u64 = 1_000;

/// Rates at which the time from publish to commit is measured.
pub(super) const RATES: [u64; 3] = [100, 1_000, 5_000];

/// Readings that are due before this are not counted: the first of each device costs more.
const WARM_UP: Duration = Duration::from_secs(2);

/// How long each rate is measured.
const TIMED: Duration = Duration::from_secs(10);

/// The length of one step of the search; only its last second counts.
const STEP: Duration = Duration::from_secs(5);

/// The factor between the rates of two steps.
const STEEPNESS: f64 = 1.2;

/// db-writer keeps up while no reading waits longer than this, from when it was due.
pub(super) const EMPTY_WITHIN: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Steady {
    pub(super) per_second: u64,
    #[serde(flatten)]
    pub(super) latency: Latency,
    /// The longest that the generator itself was late; the latency includes it.
    pub(super) generator_behind_ms: f64,
    /// Processor time of the writer, as a share of one core.
    pub(super) writer_share: f64,
}

/// Measures each rate once, each in a workspace of its own.
pub(super) fn at_rates(harness: &Harness) -> anyhow::Result<Vec<Steady>> {
    RATES.iter().map(|&rate| at(&harness.workspace()?, rate, WARM_UP + TIMED, WARM_UP)).collect()
}

/// The highest rate that db-writer kept up with; `None` if it did not keep up with the first.
pub(super) fn highest(harness: &Harness, first: f64) -> anyhow::Result<Option<Steady>> {
    let mut kept = None;
    let mut rate = first;
    loop {
        let step = at(&harness.workspace()?, rate as u64, STEP, STEP - Duration::from_secs(1))?;
        if step.latency.max_ms > EMPTY_WITHIN.as_secs_f64() * 1e3 {
            return Ok(kept);
        }
        kept = Some(step);
        rate *= STEEPNESS;
    }
}

/// Measures the readings that are due from `counted_from` on.
fn at(
    workspace: &Workspace<'_>,
    per_second: u64,
    duration: Duration,
    counted_from: Duration,
) -> anyhow::Result<Steady> {
    let folder = tempfile::tempdir()?;
    let client = workspace.client()?;
    let mut writer = DB_WRITER.start(workspace, folder.path())?;
    until_it_takes(workspace, &mut writer)?;
    let before = cost::of_process(writer.pid())?;
    let pace = Pace { devices: DEVICES, per_second, duration };
    let url = workspace.amqp_url()?;
    let published = workspace.runtime.block_on(broker::keep_pace(&url, pace))?;
    let used = cost::of_process(writer.pid())? - before;
    until_quiet(workspace, &client, std::slice::from_mut(&mut writer), pace.readings())?;
    let stored = workspace.runtime.block_on(stored_once(&client, Table::Ours, pace.readings()))?;
    anyhow::ensure!(stored.is_some(), "not all of {} readings were stored", pace.readings());
    let from = seconds(published.first_due + counted_from);
    let latency = workspace.runtime.block_on(database::latency(&client, Table::Ours, from))?;
    Ok(Steady {
        per_second,
        latency,
        generator_behind_ms: published.behind.as_secs_f64() * 1e3,
        writer_share: used.as_secs_f64() / duration.as_secs_f64(),
    })
}

/// Waits until the writer has its consumer: readings published earlier would wait for that.
///
/// # Panics
/// The writer gets no consumer.
pub(super) fn until_it_takes(workspace: &Workspace<'_>, writer: &mut Running) -> anyhow::Result<()> {
    eventually(LONG, || match workspace.queue_state() {
        Ok(look) if look.consumers > 0 => Ok(()),
        other => Err(other),
    });
    writer.check()
}

fn seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}
