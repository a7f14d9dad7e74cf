//! The edge: one process, idle and under load.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::{Load, Millrace, Shape, Start, binary};
use serde::Serialize;

/// How long an idle process is watched.
const IDLE: Duration = Duration::from_secs(30);

/// Runs of each load; the median is shown, with the lowest and highest.
const RUNS: usize = 3;

/// Connections of each load.
const CONNECTIONS: [usize; 4] = [1, 10, 50, 500];

const LOAD_TIME: &str = "5s";

#[derive(Serialize)]
pub(crate) struct Edge {
    pub(crate) binary_bytes: u64,
    /// From the start of the process to its first lines.
    pub(crate) start: Duration,
    pub(crate) idle_bytes: u64,
    /// Share of one core that the idle process uses.
    pub(crate) idle_cpu: f64,
    pub(crate) loads: Vec<Loaded>,
}

/// One load, all runs of it.
#[derive(Serialize)]
pub(crate) struct Loaded {
    pub(crate) connections: usize,
    pub(crate) runs: Vec<Run>,
}

#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) readings_per_second: f64,
    pub(crate) puback_p50_ms: f64,
    pub(crate) puback_p99_ms: f64,
    /// Processor seconds of millrace for a million readings.
    pub(crate) cpu_seconds_per_million: f64,
    pub(crate) resident_bytes: u64,
}

pub(crate) fn measure(folder: &Path) -> anyhow::Result<Edge> {
    let binary_bytes = std::fs::metadata(binary("millrace")).context("find millrace")?.len();
    let started = Instant::now();
    let millrace = Start::new(&folder.join("idle")).set("SENSORS__COUNT", "3").start();
    let start = started.elapsed();
    let before = millrace.cpu();
    std::thread::sleep(IDLE);
    let idle_cpu = (millrace.cpu() - before).as_secs_f64() / IDLE.as_secs_f64();
    let idle_bytes = millrace.resident_bytes();
    drop(millrace);
    Ok(Edge { binary_bytes, start, idle_bytes, idle_cpu, loads: loads(folder)? })
}

/// Interleaved, so that a machine that slows down does not favour one load.
fn loads(folder: &Path) -> anyhow::Result<Vec<Loaded>> {
    let mut loads: Vec<_> =
        CONNECTIONS.iter().map(|&connections| Loaded { connections, runs: Vec::new() }).collect();
    for run in 0..RUNS {
        for load in &mut loads {
            let data = folder.join(format!("load-{}-{run}", load.connections));
            load.runs.push(one_run(&data, load.connections)?);
        }
    }
    Ok(loads)
}

fn one_run(data: &Path, connections: usize) -> anyhow::Result<Run> {
    let millrace = Start::new(data).start();
    let connections = connections.to_string();
    let arguments = ["load", "--connections", &connections, "--duration", LOAD_TIME];
    let (code, summary, acked) = Load::start(&millrace.device_url(), data, &arguments).finish();
    ensure!(code == 0, "sensor-sim failed: {summary}");
    check_stored(&millrace, acked.len())?;
    let number = |pointer: &str| summary.pointer(pointer).and_then(|n| n.as_f64()).context("a number");
    Ok(Run {
        readings_per_second: number("/rate")?,
        puback_p50_ms: number("/puback_ms/p50")?,
        puback_p99_ms: number("/puback_ms/p99")?,
        cpu_seconds_per_million: millrace.cpu().as_secs_f64() * 1e6 / acked.len() as f64,
        resident_bytes: millrace.resident_bytes(),
    })
}

/// A figure counts only if every reading was stored, once.
fn check_stored(millrace: &Millrace, acked: usize) -> anyhow::Result<()> {
    let stored = millrace.metric("millrace_db_writer_stored_total");
    let duplicate = millrace.metric("millrace_db_writer_duplicate_total");
    ensure!(stored == acked as f64 && duplicate == 0.0, "{acked} acked, {stored} stored, {duplicate} twice");
    Ok(())
}
