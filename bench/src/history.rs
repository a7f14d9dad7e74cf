//! The part "history": how long a question about a range of time takes, while the table grows.
//!
//! `BENCH_TABLE_ROWS="1000000 10000000"` sets the sizes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde::Serialize;
use store::{Batch, History as _, ReadingStore as _, Sqlite, TimeRange};
use telemetry::{Reading, Series};

use crate::report::percentile;

/// Each gives a reading a second.
pub(crate) const SERIES: u64 = 8;

/// What a wide chart asks for.
pub(crate) const POINTS: usize = 500;

/// Readings of all series, before one more than the last is asked for.
const SIZES: [u64; 3] = [1_000_000, 10_000_000, 100_000_000];

/// Readings that are written at a time.
const BATCH: u64 = 10_000;

/// Questions for each length of time, each about another range.
const ASKED: u64 = 40;

const START: i64 = 1_600_000_000;

const HOUR: u64 = 3_600;

/// One size of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Grown {
    pub(crate) readings: u64,
    pub(crate) written_per_second: f64,
    pub(crate) rolled_up: Duration,
    pub(crate) file_bytes: u64,
    /// The whole range of one series, before anything is summed up.
    pub(crate) from_readings: Duration,
    pub(crate) answers: Vec<Answers>,
    /// The whole range of all series at once.
    pub(crate) all_at_once: Duration,
}

/// Questions about ranges of one length.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    pub(crate) seconds: u64,
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
    pub(crate) longest: Duration,
}

pub(crate) fn measure(folder: &Path) -> anyhow::Result<Vec<Grown>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    sizes()?.into_iter().map(|readings| runtime.block_on(grow(readings, folder))).collect()
}

fn sizes() -> anyhow::Result<Vec<u64>> {
    let Ok(sizes) = std::env::var("BENCH_TABLE_ROWS") else { return Ok(SIZES.into()) };
    let sizes = sizes.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    sizes.context("BENCH_TABLE_ROWS is whole numbers")
}

async fn grow(readings: u64, folder: &Path) -> anyhow::Result<Grown> {
    let file = folder.join(format!("history-{readings}.db"));
    let store = Sqlite::open(&file)?;
    let began = Instant::now();
    for first in (0..readings / SERIES).step_by(BATCH as usize / SERIES as usize) {
        write(&store, first..(first + BATCH / SERIES).min(readings / SERIES)).await?;
    }
    let written_per_second = readings as f64 / began.elapsed().as_secs_f64();
    let seconds = readings / SERIES;
    let (_, from_readings) = ask(&store, 0, (0, seconds)).await?;
    let began = Instant::now();
    // Two hours after the last reading.
    let now = at(seconds + 2 * HOUR);
    while store.roll_up(now).await?.is_behind {}
    let rolled_up = began.elapsed();
    let mut answers = Vec::new();
    for length in [HOUR, 24 * HOUR, 30 * 24 * HOUR, 365 * 24 * HOUR, seconds] {
        if length <= seconds {
            answers.push(answer(&store, length, seconds).await?);
        }
    }
    let began = Instant::now();
    let all = (0..SERIES).map(|series| ask(&store, series, (0, seconds)));
    futures_util::future::try_join_all(all).await?;
    let all_at_once = began.elapsed();
    store.close().await;
    let file_bytes = std::fs::metadata(&file)?.len();
    std::fs::remove_file(&file)?;
    Ok(Grown { readings, written_per_second, rolled_up, file_bytes, from_readings, answers, all_at_once })
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(START + second as i64).expect("a time of this millennium")
}

async fn write(store: &Sqlite, seconds: std::ops::Range<u64>) -> anyhow::Result<()> {
    let reading = |second: u64, series: u64| Reading {
        series: Series::parse(&format!("temperature/sensor-{series}")).expect("a topic"),
        value: (20.0 + ((second / 60 + series * 7) % 97) as f64 / 10.0) + (second % 3) as f64 / 10.0,
        unit: Some("celsius".into()),
        measured_at: at(second),
        received_at: at(second) + Duration::from_millis(3),
        boot: Some(1),
        seq: Some(second),
    };
    let readings =
        seconds.flat_map(|second| (0..SERIES).map(move |series| reading(second, series))).collect();
    store.write(&Batch { readings, ..Batch::default() }.into()).await?;
    Ok(())
}

/// The ranges lie anywhere in the history, none of them at a whole minute.
async fn answer(store: &Sqlite, length: u64, seconds: u64) -> anyhow::Result<Answers> {
    let mut took = Vec::new();
    for number in 0..ASKED {
        let from = (seconds - length) * number / ASKED + number % 50;
        took.push(ask(store, number % SERIES, (from, (from + length).min(seconds))).await?.1);
    }
    took.sort_unstable();
    let longest = took.last().copied().unwrap_or_default();
    let share = |share| percentile(&took, share);
    Ok(Answers { seconds: length, p50: share(0.5), p95: share(0.95), longest })
}

/// Every reading of the range is in the answer.
async fn ask(store: &Sqlite, series: u64, (from, to): (u64, u64)) -> anyhow::Result<(usize, Duration)> {
    let range = TimeRange { from: at(from), to: at(to) };
    let began = Instant::now();
    let buckets = store.buckets(&format!("sensor-{series}"), "temperature", range, POINTS).await?;
    let took = began.elapsed();
    let counted: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    ensure!(counted == to - from, "{counted} readings in {} s", to - from);
    Ok((buckets.len(), took))
}
