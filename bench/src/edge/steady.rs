//! Readings that come at a rate: how long until the PUBACK, which says stored and evaluated.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use e2e::Start;
use serde::Serialize;

use super::pace::{self, Pace};
use super::{check_stored, per_million};

pub(super) const RATES: [u64; 3] = [100, 1_000, 5_000];

/// Readings that are due before this are not timed: the first of each device costs more.
const WARM_UP: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Steady {
    pub(super) per_second: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// The longest that the sender itself was late; the waits include it.
    pub(super) sender_behind_ms: f64,
    pub(super) cpu_seconds_per_million: f64,
    pub(super) peak_bytes: u64,
}

/// The waits at one rate.
pub(super) fn pace(per_second: u64, timed: Duration) -> Pace {
    Pace::at(per_second, WARM_UP, timed)
}

/// Measures each rate once, each with a store of its own.
pub(super) fn at_rates(folder: &Path, timed: Duration) -> anyhow::Result<Vec<Steady>> {
    std::fs::create_dir_all(folder).context("make a folder")?;
    RATES.iter().map(|&rate| at(&folder.join(rate.to_string()), rate, timed)).collect()
}

fn at(data: &Path, per_second: u64, timed: Duration) -> anyhow::Result<Steady> {
    let millrace = Start::new(data).start();
    let before = millrace.cpu();
    let pace = pace(per_second, timed);
    let paced = pace::keep(millrace.mqtt.parse()?, pace)?;
    check_stored(&millrace, pace.readings as usize)?;
    let wait = |share: f64| paced.pubacks[((paced.pubacks.len() - 1) as f64 * share) as usize];
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Steady {
        per_second,
        p50_ms: millis(wait(0.50)),
        p99_ms: millis(wait(0.99)),
        max_ms: millis(wait(1.0)),
        sender_behind_ms: millis(paced.behind),
        cpu_seconds_per_million: per_million(millrace.cpu() - before, pace.readings as usize),
        peak_bytes: e2e::usage::peak_bytes(millrace.id()),
    })
}
