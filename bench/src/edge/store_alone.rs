//! The limit that SQLite sets: the same rows from memory, through the same code, in transactions as large as under load.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::usage;
use jiff::Timestamp;
use serde::Serialize;
use store::{Batch, ReadingStore as _, Sqlite};
use telemetry::{Reading, Series};

use super::per_million;

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct StoreAlone {
    pub(super) readings_per_commit: usize,
    pub(super) readings_per_second: f64,
    pub(super) cpu_seconds_per_million: f64,
}

/// Writes for this time, one reading of each device in turn.
pub(super) fn run(
    folder: &Path,
    devices: usize,
    readings_per_commit: usize,
    duration: Duration,
) -> anyhow::Result<StoreAlone> {
    std::fs::create_dir_all(folder).context("make a folder")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("start a runtime")?;
    let store = Sqlite::open(&folder.join("alone.db"))?;
    let (start, me) = (Instant::now(), std::process::id());
    let mut used = Duration::ZERO;
    let (mut written, mut writing) = (0, Duration::ZERO);
    while start.elapsed() < duration {
        let batch = Arc::new(batch(written, devices, readings_per_commit));
        let (began, before) = (Instant::now(), usage::cpu(me));
        let stored = runtime.block_on(store.write(&batch))?.stored;
        (writing, used) = (writing + began.elapsed(), used + (usage::cpu(me) - before));
        ensure!(stored == readings_per_commit as u64, "{stored} of {readings_per_commit} were new");
        written += readings_per_commit;
    }
    runtime.block_on(store.close());
    Ok(StoreAlone {
        readings_per_commit,
        readings_per_second: written as f64 / writing.as_secs_f64(),
        cpu_seconds_per_million: per_million(used, written),
    })
}

fn batch(first: usize, devices: usize, count: usize) -> Batch {
    let now = Timestamp::now();
    let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    let reading = |number: usize| Reading {
        series: Series::new("temperature", &format!("load-{:04}", number % devices))
            .expect("letters and digits are a topic"),
        value: 20.0 + (number % 400) as f64 / 100.0,
        unit: Some("celsius".into()),
        measured_at: at,
        received_at: at,
        boot: Some(1),
        seq: Some((number / devices) as u64),
    };
    Batch { readings: (first..first + count).map(reading).collect(), ..Batch::default() }
}
