//! Deliveries → batch → store → settle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Deliveries, Outcome};
use serde::Deserialize;
use service::{Check, Durations, Retry, SettingError, Settings};
use store::{ATTRIBUTE_SEEN_EVERY, AttributeStore, Batch, ReadingStore, RejectionQuota};
use telemetry::{Decoded, Limits};
use tracing::{debug, warn};

use crate::Counters;
use crate::attributes::{AttributeLimits, KnownAttributes};
use crate::intake::{Held, Intake};

/// How often the store is probed while no readings arrive.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// When a batch is written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Most readings in a batch.
    pub max_batch: usize,
    /// Most bytes of payload in a batch.
    pub max_batch_bytes: usize,
    /// Longest wait for more readings. Zero writes whatever arrived since the last batch.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Rejected payloads that are stored, at most: the oldest are deleted.
    pub max_rejected: u64,
    /// Bytes of rejected payloads, topics and reasons that are stored, at most.
    pub max_rejected_bytes: u64,
    /// Attributes of all devices that are stored, at most.
    pub max_attributes: usize,
    /// Attributes of one device that are stored, at most.
    pub max_device_attributes: usize,
}

impl Config {
    /// Reads the section `db_writer` and checks its bounds.
    ///
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
        if config.max_rejected < 10 {
            return Err(SettingError::new("db_writer.max_rejected", "must be at least 10"));
        }
        if config.max_rejected_bytes < 1024 * 1024 {
            return Err(SettingError::new("db_writer.max_rejected_bytes", "must be at least 1048576"));
        }
        Ok(config)
    }

    /// One batch that is being written and one that gathers meanwhile, as far as AMQP's 16 bits count.
    pub(crate) fn two_batches(&self) -> u16 {
        u16::try_from(self.max_batch.saturating_mul(2)).unwrap_or(u16::MAX)
    }

    fn quota(&self) -> RejectionQuota {
        RejectionQuota { rows: self.max_rejected, bytes: self.max_rejected_bytes }
    }

    fn attribute_limits(&self) -> AttributeLimits {
        AttributeLimits { all: self.max_attributes, of_a_device: self.max_device_attributes }
    }

    fn limits(&self) -> Limits {
        Limits { count: self.max_batch, bytes: self.max_batch_bytes, age: self.max_age }
    }
}

/// Stores deliveries until their stream ends and all of them are settled.
///
/// Stores first, settles second: a crash in between repeats the insert, which is harmless. While a batch is written the
/// next one is gathered. While the store is unavailable, nothing is settled and nothing is dropped: gathered readings are
/// held, and the rest waits at the broker.
///
/// A delivery is `Decoded`, or `Arc<Decoded>` where other services have the same message.
pub async fn run<D: Into<Decoded>>(
    config: Config,
    deliveries: Deliveries<D>,
    store: Arc<impl ReadingStore + AttributeStore + ?Sized>,
    counters: Counters,
    ready: Check,
) {
    let retry = Retry::new(counters.store_failures.clone()).with_readiness(ready);
    let mut intake = Intake::new(deliveries, config.limits(), counters.clone());
    retry.probe(store.probe()).await;
    let mut known = None;
    while next_batch(&mut intake, store.as_ref(), &retry).await {
        let Held { mut batch, refused_attributes, acks, arrivals } = intake.take();
        counters.attributes_refused.inc_by(refused_attributes as u64);
        if !batch.attributes.is_empty() {
            let changed =
                retain_changed(&mut known, &mut batch, (&config, &counters), &retry, store.as_ref());
            intake.gather_during(changed).await;
        }
        let batch = Arc::new(batch);
        let write = || timed(&counters.commit_duration, store.write(&batch));
        let written = intake.gather_during(retry.call(write)).await;
        counters.wrote(written, &arrivals);
        counters.unsettled.inc_by(acks.settle(Outcome::Done).await);
        if written.rejected > 0 {
            intake.gather_during(keep_quota(config.quota(), store.as_ref(), &counters)).await;
        }
    }
}

/// Observes how long a call took that succeeds.
async fn timed<T>(durations: &Durations, call: impl Future<Output = store::Result<T>>) -> store::Result<T> {
    let begun = Instant::now();
    let answer = call.await;
    if answer.is_ok() {
        durations.observe(begun.elapsed());
    }
    answer
}

/// Leaves out the attributes that are stored as they are. Those are read when the first one comes; once a day
/// they are read again, because retention removes some, and each is then written once.
async fn retain_changed(
    known: &mut Option<(KnownAttributes, tokio::time::Instant)>,
    batch: &mut Batch,
    (config, counters): (&Config, &Counters),
    retry: &Retry,
    store: &(impl AttributeStore + ?Sized),
) {
    let (known, _) = match known {
        Some(fresh) if fresh.1.elapsed() < ATTRIBUTE_SEEN_EVERY => fresh,
        _ => {
            let stored = retry.call(|| store.attributes()).await;
            known.insert((
                KnownAttributes::new(config.attribute_limits(), stored),
                tokio::time::Instant::now(),
            ))
        }
    };
    let refused = known.retain_changed(&mut batch.attributes);
    counters.attributes_refused.inc_by(refused as u64);
}

/// A store that fails is asked again after the next rejection.
async fn keep_quota(quota: RejectionQuota, store: &(impl ReadingStore + ?Sized), counters: &Counters) {
    match store.keep_quota(quota).await {
        Ok(0) => {}
        Ok(removed) => {
            counters.rejected_removed.inc_by(removed);
            warn!(
                removed,
                "deleted the oldest rejected payloads: there were more than db_writer.max_rejected allows"
            );
        }
        Err(e) => debug!("cannot delete rejected payloads: {e}"),
    }
}

/// As [`Intake::gather`]. While no readings arrive, the store is probed now and then, so that readiness stays true.
async fn next_batch<D: Into<Decoded>>(
    intake: &mut Intake<D>,
    store: &(impl ReadingStore + ?Sized),
    retry: &Retry,
) -> bool {
    loop {
        match tokio::time::timeout(PROBE_EVERY, intake.gather()).await {
            Ok(more) => return more,
            Err(_) if intake.is_empty() => retry.probe(store.probe()).await,
            Err(_) => {}
        }
    }
}
