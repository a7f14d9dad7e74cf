//! How long a reading takes from its device to a page, beside a plain subscriber of the same broker.

use serde::Serialize;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::mqtt::Subscriber;
use super::watcher::Watcher;
use super::{WARM_UP, load, start};

#[derive(Debug, Serialize)]
pub(crate) struct Waits {
    pub(crate) seconds: f64,
    /// Time from the measurement to the arrival of its WebSocket frame.
    pub(crate) page: Wait,
    /// Time from the measurement to the arrival at an MQTT subscriber over WebSocket.
    pub(crate) subscriber: Wait,
}

#[derive(Debug, Serialize)]
pub(crate) struct Wait {
    pub(crate) readings: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

pub(super) async fn measure(folder: &Path, lasting: Duration) -> anyhow::Result<Waits> {
    let millrace = start(folder)?;
    let watcher = Watcher::open(&millrace.http).await.context("watch")?;
    let subscriber = Subscriber::open(millrace.websocket.as_deref().context("MQTT over WebSocket")?).await?;
    let _load = load(&millrace, folder);
    let from = Instant::now() + WARM_UP;
    let page = tokio::spawn(watch(watcher, from, from + lasting));
    let subscriber = tokio::spawn(subscribe(subscriber, from, from + lasting));
    let (page, subscriber) = (page.await??, subscriber.await??);
    Ok(Waits { seconds: lasting.as_secs_f64(), page: Wait::of(&page), subscriber: Wait::of(&subscriber) })
}

async fn watch(mut watcher: Watcher, from: Instant, until: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut waits = micros()?;
    while let Ok(frame) = timeout_at(until, watcher.frame()).await {
        let (frame, now) = (frame?, Timestamp::now().as_microsecond());
        if Instant::now() >= from {
            frame.values.iter().for_each(|&(_, _, age, _)| note(&mut waits, now - (frame.at - age)));
        }
    }
    Ok(waits)
}

async fn subscribe(
    mut subscriber: Subscriber,
    from: Instant,
    until: Instant,
) -> anyhow::Result<Histogram<u64>> {
    let mut waits = micros()?;
    while let Ok(measured_at) = timeout_at(until, subscriber.measured_at()).await {
        let (measured_at, now) = (measured_at?, Timestamp::now());
        if Instant::now() >= from {
            note(&mut waits, now.as_microsecond() - measured_at.as_microsecond());
        }
    }
    Ok(waits)
}

/// A histogram of waits up to a minute.
fn micros() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

fn note(waits: &mut Histogram<u64>, micros: i64) {
    waits.saturating_record(u64::try_from(micros).unwrap_or(0));
}

impl Wait {
    fn of(waits: &Histogram<u64>) -> Self {
        let millis = |micros: u64| micros as f64 / 1e3;
        Self {
            readings: waits.len(),
            p50_ms: millis(waits.value_at_quantile(0.5)),
            p99_ms: millis(waits.value_at_quantile(0.99)),
            max_ms: millis(waits.max()),
        }
    }
}
