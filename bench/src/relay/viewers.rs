//! Many viewers that subscribe to all series.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::usage;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::watcher::{Watcher, time_of};
use super::{Share, WARM_UP, load, start};

pub(crate) const VIEWERS: usize = 1000;

const STORED: &str = "millrace_db_writer_stored_total";

/// Viewers that connect at the same time.
const AT_ONCE: usize = 50;

#[derive(Debug, Serialize)]
pub(crate) struct Viewers {
    pub(crate) seconds: f64,
    /// Shares of one core: millrace with the readings alone and with the viewers, and this program.
    pub(crate) cpu_alone: f64,
    pub(crate) cpu: f64,
    pub(crate) own_cpu: f64,
    /// Bytes of resident memory with the readings alone.
    pub(crate) alone_bytes: u64,
    /// Bytes of resident memory with all viewers, once a second.
    pub(crate) resident_bytes: Vec<u64>,
    pub(crate) frames: u64,
    /// Time from the server's time in a frame to when the viewer read it, over all frames of all viewers.
    pub(crate) lag_p50_ms: f64,
    pub(crate) lag_p99_ms: f64,
    /// The longest time that any viewer was behind.
    pub(crate) lag_max_ms: f64,
    /// Bytes of frames for each reading in them.
    pub(crate) bytes_per_update: f64,
    /// Readings in the frames of one viewer, and readings that came.
    pub(crate) updates_per_second: f64,
    pub(crate) readings_per_second: f64,
}

/// What one viewer has read.
struct Seen {
    lags: Histogram<u32>,
    bytes: u64,
}

pub(super) async fn measure(folder: &Path, lasting: Duration) -> anyhow::Result<Viewers> {
    let millrace = start(folder)?;
    let _load = load(&millrace, folder);
    tokio::time::sleep(WARM_UP).await;
    let alone = Share::of(millrace.id());
    tokio::time::sleep(WARM_UP).await;
    let (cpu_alone, alone_bytes) = (alone.so_far(), millrace.resident_bytes());

    let (begin, begun) = watch::channel(None);
    let mut watching = crowd(&millrace.http, &begun).await?;
    let reader = Watcher::open(&millrace.http).await?;
    let (share, own) = (Share::of(millrace.id()), Share::of(std::process::id()));
    let (until, stored) = (Instant::now() + lasting, millrace.metric(STORED));
    begin.send_replace(Some(until));
    let reading = tokio::spawn(read(reader, until));
    let resident_bytes = sampled(millrace.id(), until).await;
    let (cpu, own_cpu) = (share.so_far(), own.so_far());
    let stored = millrace.metric(STORED) - stored;
    let updates = reading.await??;
    let mut all = lags()?;
    let mut bytes = 0;
    while let Some(seen) = watching.join_next().await {
        let seen = seen??;
        all.add(seen.lags)?;
        bytes += seen.bytes;
    }
    ensure!(updates > 0 && !resident_bytes.is_empty(), "nothing was sent");
    Ok(Viewers {
        seconds: lasting.as_secs_f64(),
        cpu_alone,
        cpu,
        own_cpu,
        alone_bytes,
        resident_bytes,
        frames: all.len(),
        lag_p50_ms: all.value_at_quantile(0.5) as f64 / 1e3,
        lag_p99_ms: all.value_at_quantile(0.99) as f64 / 1e3,
        lag_max_ms: all.max() as f64 / 1e3,
        bytes_per_update: bytes as f64 / VIEWERS as f64 / updates as f64,
        updates_per_second: updates as f64 / lasting.as_secs_f64(),
        readings_per_second: stored / lasting.as_secs_f64(),
    })
}

/// A histogram in microseconds, up to a minute; small, as each viewer has its own.
fn lags() -> anyhow::Result<Histogram<u32>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 2)?)
}

/// All viewers. Each reads from its snapshot on, and records what it reads once it knows until when.
async fn crowd(
    http: &str,
    begun: &watch::Receiver<Option<Instant>>,
) -> anyhow::Result<JoinSet<anyhow::Result<Seen>>> {
    let mut watching = JoinSet::new();
    while watching.len() < VIEWERS {
        let mut opening = JoinSet::new();
        (0..AT_ONCE.min(VIEWERS - watching.len())).for_each(|_| drop(opening.spawn(open(http.to_owned()))));
        while let Some(watcher) = opening.join_next().await {
            watching.spawn(see(watcher?.context("a viewer")?, begun.clone()));
        }
    }
    Ok(watching)
}

async fn open(http: String) -> anyhow::Result<Watcher> {
    let mut watcher = Watcher::open(&http).await?;
    watcher.text().await?;
    Ok(watcher)
}

async fn see(mut watcher: Watcher, mut begun: watch::Receiver<Option<Instant>>) -> anyhow::Result<Seen> {
    let until = loop {
        tokio::select! {
            text = watcher.text() => drop(text?),
            until = begun.wait_for(Option::is_some) => break until?.context("a time")?,
        }
    };
    let mut seen = Seen { lags: lags()?, bytes: 0 };
    while let Ok(text) = timeout_at(until, watcher.text()).await {
        let text = text?;
        let lag = Timestamp::now().as_microsecond() - time_of(&text).context("a time")?;
        seen.lags.saturating_record(u64::try_from(lag).unwrap_or(0));
        seen.bytes += text.len() as u64;
    }
    Ok(seen)
}

/// Counts the readings in the frames of one more viewer.
async fn read(mut watcher: Watcher, until: Instant) -> anyhow::Result<u64> {
    watcher.text().await?;
    let mut updates = 0;
    while let Ok(frame) = timeout_at(until, watcher.frame()).await {
        updates += frame?.values.len() as u64;
    }
    Ok(updates)
}

async fn sampled(process: u32, until: Instant) -> Vec<u64> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut samples = Vec::new();
    while timeout_at(until, seconds.tick()).await.is_ok() {
        samples.push(usage::resident_bytes(process));
    }
    samples
}
