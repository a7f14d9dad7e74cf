//! The highest rate at which readings are acknowledged, over few and over many connections.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::{Load, Millrace, Shape, Start, usage};
use serde::Serialize;
use serde_json::Value;

use super::{check_stored, per_million};

/// Connections of the loads, one load after the other.
pub(super) const CONNECTIONS: [usize; 4] = [1, 10, 50, 500];

/// Time between two readings of the sender's processor time, which is unknown once it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Rules about a metric that the load does not send.
/// Messages of this load hold nothing.
const IGNORE: &str = "[[rule]]\ntopic = \"temperature/#\"\nignore = true\n";

const RULES_OF_ANOTHER: &str = "[[rules]]\nname = \"humid\"\nmetric = \"humidity\"\nabove = 90.0\n";

/// All runs of one load.
#[derive(Debug, Serialize)]
pub(super) struct Loaded {
    pub(super) connections: usize,
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Run {
    pub(super) readings_per_second: f64,
    pub(super) puback_p50_ms: f64,
    pub(super) puback_p99_ms: f64,
    /// Processor seconds of millrace for a million readings.
    pub(super) cpu_seconds_per_million: f64,
    /// Processor seconds of sensor-sim for a million readings, on the same cores.
    pub(super) sender_cpu_seconds_per_million: f64,
    /// Readings in one transaction; 0 if nothing is stored.
    pub(super) readings_per_commit: f64,
    pub(super) resident_bytes: u64,
    pub(super) peak_bytes: u64,
}

/// Runs a load of which every reading is stored and evaluated.
pub(super) fn run(data: &Path, connections: usize, duration: Duration) -> anyhow::Result<Run> {
    let millrace = Start::new(data).start();
    let (run, acked) = load(&millrace, data, connections, duration)?;
    check_stored(&millrace, acked)?;
    Ok(run)
}

/// Runs the same load on the embedded broker alone: a rule says to ignore the messages.
pub(super) fn broker_alone(data: &Path, connections: usize, duration: Duration) -> anyhow::Result<Run> {
    let rules = data.with_extension("toml");
    std::fs::write(&rules, RULES_OF_ANOTHER).context("write rules")?;
    let mappings = data.with_extension("mappings.toml");
    std::fs::write(&mappings, IGNORE).context("write mappings")?;
    let millrace = Start::new(data).set("INPUTS__MAPPINGS", &mappings.display().to_string());
    let millrace = millrace.set("ALERTER__RULES", &rules.display().to_string()).start();
    let (run, acked) = load(&millrace, data, connections, duration)?;
    let let_through = millrace.metric("millrace_inputs_ignored_total");
    ensure!(let_through == acked as f64, "{acked} acked, {let_through} let through");
    Ok(run)
}

fn load(
    millrace: &Millrace,
    data: &Path,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<(Run, usize)> {
    let (connections, duration) = (connections.to_string(), format!("{}ms", duration.as_millis()));
    let arguments = ["load", "--connections", &connections, "--duration", &duration];
    let mut load = Load::start(&millrace.device_url(), data, &arguments);
    let mut sender = usage::cpu(load.id());
    while load.is_running() {
        sender = usage::cpu(load.id());
        std::thread::sleep(LOOK_EVERY);
    }
    let (code, summary, acked) = load.finish();
    ensure!(code == 0, "sensor-sim failed: {summary}");
    Ok((measured(millrace, &summary, acked.len(), sender)?, acked.len()))
}

fn measured(millrace: &Millrace, summary: &Value, acked: usize, sender: Duration) -> anyhow::Result<Run> {
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_f64).context("a number");
    let stored = millrace.metric("millrace_db_writer_stored_total");
    Ok(Run {
        readings_per_second: number("/rate")?,
        puback_p50_ms: number("/puback_ms/p50")?,
        puback_p99_ms: number("/puback_ms/p99")?,
        cpu_seconds_per_million: per_million(millrace.cpu(), acked),
        sender_cpu_seconds_per_million: per_million(sender, acked),
        readings_per_commit: stored / millrace.metric("millrace_db_writer_batches_total").max(1.0),
        resident_bytes: millrace.resident_bytes(),
        peak_bytes: usage::peak_bytes(millrace.id()),
    })
}
