//! The limits that broker and database set: the rate of each when nothing else is done.

use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;

use super::broker;
use super::cost;
use super::database::{self, Table};
use super::harness::{QUEUE, Workspace};
use super::load::Load;

/// The limits in one run; processor time is that of this process, in seconds for a million readings.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Limits {
    pub(super) null_consumer: Rate,
    pub(super) copy_hypertable: Rate,
    pub(super) copy_table: Rate,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Rate {
    pub(super) readings_per_second: f64,
    pub(super) client_cpu: f64,
    /// Processor time of the three nodes for the consumer, and of the database for COPY.
    pub(super) server_cpu: f64,
}

impl Limits {
    /// The rate that both allow together on the same cores, one after the other.
    pub(super) fn together(&self) -> f64 {
        1.0 / (1.0 / self.null_consumer.readings_per_second + 1.0 / self.copy_hypertable.readings_per_second)
    }
}

/// The queue holds one in this many readings: filling it takes longest, and few readings show its rate.
const TAKEN_ONE_IN: u64 = 4;

pub(super) fn run(workspace: &Workspace<'_>, load: Load, readings: u64) -> anyhow::Result<Limits> {
    let taken = readings / TAKEN_ONE_IN;
    workspace.fill(load, taken)?;
    let null_consumer = measured(workspace, taken, || {
        let url = workspace.amqp_url()?;
        workspace.runtime.block_on(broker::take_and_forget(&url, QUEUE, taken))
    })?;
    let client = workspace.client()?;
    workspace.runtime.block_on(client.batch_execute("CREATE TABLE plain (LIKE readings INCLUDING ALL)"))?;
    let batches = database::encoded(load, readings);
    let copy_hypertable = copied(workspace, &client, "readings", &batches, readings)?;
    let copy_table = copied(workspace, &client, "plain", &batches, readings)?;
    let (rows, different) = workspace.runtime.block_on(database::count(&client, Table::Ours))?;
    anyhow::ensure!(rows == readings && different == readings, "{rows} of {readings} rows were copied");
    Ok(Limits { null_consumer, copy_hypertable, copy_table })
}

fn copied(
    workspace: &Workspace<'_>,
    client: &tokio_postgres::Client,
    table: &str,
    batches: &[Bytes],
    readings: u64,
) -> anyhow::Result<Rate> {
    measured(workspace, readings, || {
        let start = Instant::now();
        workspace.runtime.block_on(database::copy(client, table, batches))?;
        Ok(readings as f64 / start.elapsed().as_secs_f64())
    })
}

fn measured(
    workspace: &Workspace<'_>,
    readings: u64,
    work: impl FnOnce() -> anyhow::Result<f64>,
) -> anyhow::Result<Rate> {
    let me = std::process::id();
    let (client, servers) = (cost::of_process(me)?, cost::of_cluster(workspace.cluster)?);
    let readings_per_second = work()?;
    let after = cost::of_cluster(workspace.cluster)?;
    let server = (after.broker - servers.broker).max(after.database - servers.database);
    let per_million = |used: std::time::Duration| used.as_secs_f64() * 1e6 / readings as f64;
    Ok(Rate {
        readings_per_second,
        client_cpu: per_million(cost::of_process(me)? - client),
        server_cpu: per_million(server),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_limits_share_the_time() {
        let rate = |readings_per_second| Rate { readings_per_second, client_cpu: 0.0, server_cpu: 0.0 };
        let limits =
            Limits { null_consumer: rate(60.0), copy_hypertable: rate(30.0), copy_table: rate(40.0) };
        assert!((limits.together() - 20.0).abs() < 1e-9);
    }
}
