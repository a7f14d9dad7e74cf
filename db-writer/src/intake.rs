//! Readings from deliveries, gathered until they are written.

use broker::{AckGroup, Deliveries, Delivery};
use store::{Batch, RejectedMessage};
use telemetry::{Batcher, Decoded, Limits, Rejected, Size};
use tokio::time::Instant;

use crate::Counters;
use crate::latency::Arrivals;

/// Messages that are read before anything else gets its turn.
const AT_ONCE: usize = 256;

/// Readings and rejections, and the acknowledgements of their messages.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) batch: Batch,
    /// How many attributes are not allowed as they are.
    pub(crate) refused_attributes: usize,
    pub(crate) acks: AckGroup,
    pub(crate) arrivals: Arrivals,
}

impl Held {
    fn add(&mut self, Decoded { readings, rejected, metadata, .. }: Decoded) {
        self.batch.readings.extend(readings);
        if let Some(metadata) = metadata {
            self.batch.announcements.extend(metadata.announcements);
            self.batch.attributes.extend(metadata.attributes);
            self.refused_attributes += metadata.refused_attributes;
            self.batch.uplinks.extend(metadata.uplink);
        }
        self.batch.rejected.extend(rejected.into_iter().map(
            |Rejected { topic, payload, reason, received_at }| RejectedMessage {
                received_at,
                topic,
                reason,
                payload,
            },
        ));
    }
}

/// The batch that is being gathered, and where it comes from.
pub(crate) struct Intake<D> {
    deliveries: Deliveries<D>,
    ended: bool,
    batcher: Batcher<Held>,
    counters: Counters,
}

impl<D: Into<Decoded>> Intake<D> {
    pub(crate) fn new(deliveries: Deliveries<D>, limits: Limits, counters: Counters) -> Self {
        Self { deliveries, ended: false, batcher: Batcher::new(limits), counters }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batcher.is_empty()
    }

    /// Takes all that was gathered, to be written now.
    pub(crate) fn take(&mut self) -> Held {
        self.counters.lag.writing();
        self.batcher.take()
    }

    /// Gathers until the batch is full or due; false once the stream has ended and nothing is left to write.
    pub(crate) async fn gather(&mut self) -> bool {
        while !self.ended && !self.batcher.is_full() {
            let due = self.batcher.deadline().map(Instant::from_std);
            tokio::select! {
                biased;
                () = self.take_some() => {}
                () = until(due) => return true,
            }
        }
        !self.is_empty()
    }

    /// Gathers the next batch while the last one is written.
    pub(crate) async fn gather_during<T>(&mut self, writing: impl Future<Output = T>) -> T {
        let mut writing = std::pin::pin!(writing);
        loop {
            tokio::select! {
                biased;
                written = &mut writing => return written,
                () = self.take_some(), if !self.ended && !self.batcher.is_full() => {}
            }
        }
    }

    /// Waits for a message, and takes those that came with it.
    async fn take_some(&mut self) {
        let Some(first) = self.deliveries.recv().await else {
            self.ended = true;
            return;
        };
        let now = Instant::now().into_std();
        self.add(now, first);
        for _ in 1..AT_ONCE {
            if self.batcher.is_full() {
                return;
            }
            let Some(next) = self.deliveries.try_recv() else { return };
            self.add(now, next);
        }
    }

    fn add(&mut self, now: std::time::Instant, delivery: Delivery<D>) {
        let (decoded, ack) = delivery.split();
        let decoded = decoded.into();
        let size = Size { count: decoded.count(), bytes: decoded.payload_bytes };
        self.counters.took(size.count, decoded.received_at);
        let held = self.batcher.add(now, size);
        held.acks.push(ack);
        held.arrivals.push((decoded.received_at, u32::try_from(size.count).unwrap_or(u32::MAX)));
        held.add(decoded);
    }
}

async fn until(due: Option<Instant>) {
    match due {
        // A timer would wait for its next millisecond, and with it every reading that comes alone.
        Some(due) if due <= Instant::now() => {}
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
