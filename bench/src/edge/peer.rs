//! What people would use instead of Millrace: mosquitto, and a script that stores its messages.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::{Mosquitto, usage};
use serde::{Deserialize, Serialize};

use super::pace::{self, Pace};
use super::{per_million, steady};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers/python/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/classic_sqlite.py");

/// Readings that are published at once, for each second that a load lasts: the script stores fewer.
const FLAT_OUT: u64 = 4_000;

/// Seconds that the script may take to store what was published.
const PATIENCE: &str = "120";

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct FlatOut {
    /// Readings a second, from the first row to the last.
    pub(super) readings_per_second: f64,
    /// Processor seconds of the script and of mosquitto.
    pub(super) cpu_seconds_per_million: f64,
    pub(super) peak_bytes: u64,
}

/// Waits, each from when a reading was due.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Steady {
    pub(super) per_second: u64,
    /// Until mosquitto's PUBACK, which says nothing about the store.
    pub(super) puback_p50_ms: f64,
    pub(super) puback_p99_ms: f64,
    /// Until just before the commit of its row.
    pub(super) stored_p50_ms: f64,
    pub(super) stored_p99_ms: f64,
    pub(super) stored_max_ms: f64,
}

pub(super) fn flat_out(folder: &Path, duration: Duration) -> anyhow::Result<FlatOut> {
    let peer = Peer::start(folder)?;
    let readings = FLAT_OUT * duration.as_secs().max(1);
    let before = peer.cpu();
    pace::keep(peer.broker.address, Pace { per_second: None, readings, warm_up: 0 })?;
    let report = peer.report(readings)?;
    Ok(FlatOut {
        readings_per_second: readings as f64 / report.seconds,
        cpu_seconds_per_million: per_million(peer.cpu() - before, readings as usize),
        peak_bytes: usage::peak_bytes(peer.script.id()) + usage::peak_bytes(peer.broker.id()),
    })
}

/// Measures each rate once, each with a store of its own.
pub(super) fn at_rates(folder: &Path, timed: Duration) -> anyhow::Result<Vec<Steady>> {
    steady::RATES.iter().map(|&rate| at(&folder.join(rate.to_string()), rate, timed)).collect()
}

fn at(folder: &Path, per_second: u64, timed: Duration) -> anyhow::Result<Steady> {
    let peer = Peer::start(folder)?;
    let pace = steady::pace(per_second, timed);
    let paced = pace::keep(peer.broker.address, pace)?;
    let mut stored = peer.report(pace.readings)?.waits_ms.split_off(pace.warm_up as usize);
    stored.sort_by(f64::total_cmp);
    let place = |share: f64| ((stored.len() - 1) as f64 * share) as usize;
    let puback = |share: f64| paced.pubacks[place(share)].as_secs_f64() * 1e3;
    Ok(Steady {
        per_second,
        puback_p50_ms: puback(0.50),
        puback_p99_ms: puback(0.99),
        stored_p50_ms: stored[place(0.50)],
        stored_p99_ms: stored[place(0.99)],
        stored_max_ms: stored[place(1.0)],
    })
}

/// A running mosquitto and a script that has subscribed to it; both end when this is dropped.
struct Peer {
    broker: Mosquitto,
    script: Script,
    file: PathBuf,
}

struct Script(Child);

#[derive(Debug, Deserialize)]
struct Report {
    rows: u64,
    different: u64,
    seconds: f64,
    /// The rows, in the order in which they were stored.
    waits_ms: Vec<f64>,
}

impl Peer {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).context("make a folder")?;
        let broker = Mosquitto::start(folder);
        let file = folder.join("classic.db");
        Ok(Self { script: Script::start(&file, broker.address)?, broker, file })
    }

    fn cpu(&self) -> Duration {
        usage::cpu(self.script.id()) + usage::cpu(self.broker.id())
    }

    /// Waits until `readings` readings are stored.
    fn report(&self, readings: u64) -> anyhow::Result<Report> {
        let mut python = Command::new(PYTHON);
        let output = python.arg(SCRIPT).arg(&self.file).args([&readings.to_string(), PATIENCE]).output();
        let output = output.context("run the script's report")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Report = serde_json::from_slice(&output.stdout).context("read the script's report")?;
        let Report { rows, different, .. } = report;
        ensure!(rows == readings && different == readings, "{rows} rows, {different} of {readings} readings");
        Ok(report)
    }
}

impl Script {
    /// Starts the script and returns when it has subscribed.
    fn start(file: &Path, broker: SocketAddr) -> anyhow::Result<Self> {
        let mut python = Command::new(PYTHON);
        python.env("MQTT_HOST", broker.ip().to_string()).env("MQTT_PORT", broker.port().to_string());
        let child = python.arg(SCRIPT).arg(file).stdout(Stdio::piped()).spawn();
        let mut script = Self(child.context("start the classic script")?);
        let mut line = String::new();
        let stdout = script.0.stdout.take().context("stdout is piped")?;
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.trim() == "ready", "the classic script ended before it subscribed");
        Ok(script)
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
