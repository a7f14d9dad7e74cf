//! What an idle `millrace` costs: three simulated sensors with a reading a second each.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use e2e::{Start, binary};
use serde::Serialize;

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Idle {
    pub(super) binary_bytes: u64,
    /// Time from the start of the process to its first lines.
    pub(super) start: Duration,
    pub(super) watched: Duration,
    pub(super) resident_bytes: u64,
    /// Processor time while it was watched, as a share of one core.
    pub(super) cpu: f64,
}

pub(super) fn measure(data: &Path, watched: Duration) -> anyhow::Result<Idle> {
    let binary_bytes = std::fs::metadata(binary("millrace")).context("find millrace")?.len();
    let started = Instant::now();
    let millrace = Start::new(data).set("SENSORS__COUNT", "3").start();
    let start = started.elapsed();
    let before = millrace.cpu();
    std::thread::sleep(watched);
    let cpu = (millrace.cpu() - before).as_secs_f64() / watched.as_secs_f64();
    Ok(Idle { binary_bytes, start, watched, resident_bytes: millrace.resident_bytes(), cpu })
}
