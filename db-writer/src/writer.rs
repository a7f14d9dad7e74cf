//! Deliveries → batch → store → settle.

use std::sync::Arc;
use std::time::Duration;

use broker::{Backoff, Deliveries, Delivery, Outcome};
use serde::Deserialize;
use service::{Check, SettingError, Settings};
use store::{Batch, ReadingStore, RejectedMessage, Written};
use telemetry::{Batcher, Limits, Message, Size};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::Counters;

/// How often the store is asked while nothing comes.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// When a batch is written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Readings.
    pub max_batch: usize,
    /// Bytes of payload.
    pub max_batch_bytes: usize,
    /// Zero writes whatever has arrived since the last batch.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
}

impl Config {
    /// # Errors
    /// A limit is out of bounds.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let config: Self = settings.get("db_writer")?;
        if !(1..=1_000_000).contains(&config.max_batch) {
            return Err(SettingError::new("db_writer.max_batch", "must be 1 to 1000000 readings"));
        }
        if config.max_batch_bytes == 0 {
            return Err(SettingError::new("db_writer.max_batch_bytes", "must be at least 1 byte"));
        }
        if config.max_age > Duration::from_secs(60) {
            return Err(SettingError::new("db_writer.max_age", "must be at most 1m"));
        }
        Ok(config)
    }

    /// One batch that is being written and one that gathers meanwhile, as far as AMQP's 16 bits count.
    pub(crate) fn two_batches(&self) -> u16 {
        u16::try_from(self.max_batch.saturating_mul(2)).unwrap_or(u16::MAX)
    }

    fn limits(&self) -> Limits {
        Limits { count: self.max_batch, bytes: self.max_batch_bytes, age: self.max_age }
    }
}

/// One message, read, and the debt it came with.
struct Taken {
    held: Batch,
    debt: Delivery<()>,
}

/// Stores deliveries until their stream ends and all of them are settled.
///
/// Stores first, settles second: a crash in between repeats the insert, which is harmless. While the store is
/// away nothing is settled and nothing is dropped: what was taken is held, and the rest waits at the broker.
pub async fn run(
    config: Config,
    mut deliveries: Deliveries<Message>,
    store: Arc<dyn ReadingStore>,
    counters: Counters,
    ready: Check,
) {
    let mut batcher = Batcher::new(config.limits());
    probe(store.as_ref(), &ready).await;
    while next_batch(&mut deliveries, &mut batcher, &counters, store.as_ref(), &ready).await {
        let (batch, debts) = together(batcher.take());
        let written = keep(&batch, store.as_ref(), &counters, &ready).await;
        counters.wrote(written);
        settle(debts, &counters).await;
    }
}

/// As [`gather`]; while nothing comes, the store is asked now and then, so that readiness is true all the same.
async fn next_batch(
    deliveries: &mut Deliveries<Message>,
    batcher: &mut Batcher<Taken>,
    counters: &Counters,
    store: &dyn ReadingStore,
    ready: &Check,
) -> bool {
    loop {
        match tokio::time::timeout(PROBE_EVERY, gather(deliveries, batcher, counters)).await {
            Ok(more) => return more,
            Err(_) if batcher.is_empty() => probe(store, ready).await,
            Err(_) => {}
        }
    }
}

async fn probe(store: &dyn ReadingStore, ready: &Check) {
    match store.probe().await {
        Ok(()) => ready.pass(),
        Err(e) => ready.fail(e.to_string()),
    }
}

/// Fills the batch until it is full or due; false once the stream has ended and nothing is left to write.
async fn gather(
    deliveries: &mut Deliveries<Message>,
    batcher: &mut Batcher<Taken>,
    counters: &Counters,
) -> bool {
    while !batcher.is_full() {
        let due = batcher.deadline().map(Instant::from_std);
        let delivery = match deliveries.try_recv() {
            Ok(delivery) => Some(delivery),
            Err(TryRecvError::Disconnected) => return !batcher.is_empty(),
            Err(TryRecvError::Empty) if due.is_some_and(|due| due <= Instant::now()) => return true,
            Err(TryRecvError::Empty) => tokio::select! {
                delivery = deliveries.recv() => delivery,
                () = until(due) => return true,
            },
        };
        if let Some(delivery) = delivery {
            take(delivery, batcher, counters);
        }
    }
    true
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn take(delivery: Delivery<Message>, batcher: &mut Batcher<Taken>, counters: &Counters) {
    let (message, debt) = delivery.split();
    let decoded = message.decode();
    let count = decoded.readings.len() + decoded.rejected.len();
    let size = Size { count, bytes: message.payload.len() };
    let rejected = decoded.rejected.into_iter().map(|rejected| RejectedMessage {
        received_at: message.received_at,
        topic: message.topic.clone(),
        reason: rejected.reason,
        payload: rejected.payload,
    });
    let held = Batch { readings: decoded.readings, rejected: rejected.collect() };
    counters.took(count, message.received_at);
    batcher.push(Instant::now().into_std(), Taken { held, debt }, size);
}

fn together(taken: Vec<Taken>) -> (Batch, Vec<Delivery<()>>) {
    let mut batch = Batch::default();
    let mut debts = Vec::with_capacity(taken.len());
    for Taken { held, debt } in taken {
        batch.readings.extend(held.readings);
        batch.rejected.extend(held.rejected);
        debts.push(debt);
    }
    (batch, debts)
}

/// Writes the batch, however often it takes.
async fn keep(batch: &Batch, store: &dyn ReadingStore, counters: &Counters, ready: &Check) -> Written {
    let mut backoff = Backoff::short();
    let mut away_since: Option<Instant> = None;
    loop {
        match store.write(batch).await {
            Ok(written) => {
                if let Some(since) = away_since {
                    info!(after = ?since.elapsed(), "the store is back");
                }
                ready.pass();
                return written;
            }
            Err(e) => {
                away_since.get_or_insert_with(Instant::now);
                let wait = backoff.after(Duration::ZERO);
                warn!(held = batch.readings.len(), retry_in = ?wait, "{e}");
                counters.store_failures.inc();
                ready.fail(e.to_string());
                tokio::time::sleep(wait).await;
            }
        }
    }
}

async fn settle(debts: Vec<Delivery<()>>, counters: &Counters) {
    for debt in debts {
        if debt.settle(Outcome::Done).await.is_err() {
            counters.unsettled.inc();
        }
    }
}
