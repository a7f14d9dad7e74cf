//! The step "dry run" of the part `storm`: how long `millrace alerts test` takes where the rules open thousands of incidents.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde::Serialize;
use store::{Batch, ReadingStore as _, Sqlite};
use telemetry::{Reading, Series};

/// Incidents that the tried rules open; each next run has twice as many.
const INCIDENTS: [u32; 3] = [12_500, 25_000, 50_000];

/// Devices; each has as many incidents as the others.
pub(crate) const DEVICES: u32 = 500;

/// With so low a cap nearly every notification waits.
const TRIED: &str = r#"
max_mails_per_hour = 2
rules = [{ name = "hot", above = 25.0 }]
"#;

const IN_FORCE: &str = "rules = [{ name = \"hot\", above = 99.0 }]\n";

/// The time between two readings of a device.
const EVERY: Duration = Duration::from_secs(10);

/// Readings that are written at a time.
const BATCH: usize = 10_000;

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct DryRun {
    pub(crate) incidents: u64,
    pub(crate) readings: u32,
    pub(crate) took: Duration,
}

pub(crate) fn measure(folder: &Path) -> anyhow::Result<Vec<DryRun>> {
    INCIDENTS.iter().map(|count| run(*count, &folder.join(format!("dry-run-{count}")))).collect()
}

/// Every second reading of a device is too high, so that two readings make an incident.
fn run(incidents: u32, data: &Path) -> anyhow::Result<DryRun> {
    std::fs::create_dir_all(data).context("make a folder")?;
    let start = Timestamp::from_second(1_768_473_000)?;
    let readings: Vec<Reading> = (0..2 * incidents).map(|number| reading(number, start)).collect();
    let count = 2 * incidents;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fill(&data.join(store::FILE), readings))?;
    let (tried, in_force) = (data.join("tried.toml"), data.join("in-force.toml"));
    std::fs::write(&tried, TRIED)?;
    std::fs::write(&in_force, IN_FORCE)?;
    let mut command = Command::new(e2e::binary("millrace"));
    command.args(["alerts", "test", "--json", "--from"]).arg(start.to_string()).arg("--rules").arg(&tried);
    command.env("MILLRACE__DATA_DIR", data).env("MILLRACE__ALERTER__RULES", &in_force);
    let began = Instant::now();
    let output = command.stderr(Stdio::inherit()).output().context("run millrace")?;
    let took = began.elapsed();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).context("read the report")?;
    let opened = report["incidents"].as_array().map_or(0, |all| all.len() as u64);
    ensure!(opened == u64::from(incidents), "{opened} incidents");
    Ok(DryRun { incidents: opened, readings: count, took })
}

fn reading(number: u32, start: Timestamp) -> Reading {
    let (device, turn) = (number % DEVICES, number / DEVICES);
    let at = start + EVERY * turn + Duration::from_micros(u64::from(device));
    Reading {
        series: Series::parse(&format!("temperature/site-{}/sensor-{device}", device % 10)).expect("a topic"),
        value: if turn % 2 == 0 { 26.5 } else { 21.5 },
        unit: Some("celsius".into()),
        measured_at: at,
        received_at: at,
        boot: None,
        seq: None,
    }
}

async fn fill(file: &Path, readings: Vec<Reading>) -> anyhow::Result<()> {
    let store = Sqlite::open(file)?;
    for readings in readings.chunks(BATCH) {
        let batch = Batch { readings: readings.to_vec(), ..Batch::default() };
        store.write(&batch.into()).await?;
    }
    store.close().await;
    Ok(())
}
