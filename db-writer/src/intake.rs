//! Deliveries → readings, gathered until they are written.

use broker::{Debts, Deliveries, Delivery};
use store::{Batch, RejectedMessage};
use telemetry::{Batcher, Decoded, Limits, Message, Size};
use tokio::time::Instant;

use crate::Counters;

/// Messages that are read before anything else gets its turn.
const AT_ONCE: usize = 256;

/// Messages, read, and the debts they came with.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) batch: Batch,
    pub(crate) debts: Debts,
}

/// The batch that is being gathered, and where it comes from.
pub(crate) struct Intake {
    deliveries: Deliveries<Message>,
    ended: bool,
    batcher: Batcher<Held>,
    /// Empty between two messages, and kept for its memory.
    decoded: Decoded,
    counters: Counters,
}

impl Intake {
    pub(crate) fn new(deliveries: Deliveries<Message>, limits: Limits, counters: Counters) -> Self {
        let (batcher, decoded) = (Batcher::new(limits), Decoded::default());
        Self { deliveries, ended: false, batcher, decoded, counters }
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
            let Ok(next) = self.deliveries.try_recv() else { return };
            self.add(now, next);
        }
    }

    fn add(&mut self, now: std::time::Instant, delivery: Delivery<Message>) {
        let (message, debt) = delivery.split();
        message.decode_into(&mut self.decoded);
        let Decoded { readings, rejected } = &mut self.decoded;
        let count = readings.len() + rejected.len();
        self.counters.took(count, message.received_at);
        let held = self.batcher.add(now, Size { count, bytes: message.payload.len() });
        held.debts.push(debt);
        held.batch.readings.append(readings);
        held.batch.rejected.extend(rejected.drain(..).map(|rejected| RejectedMessage {
            received_at: message.received_at,
            topic: message.topic.clone(),
            reason: rejected.reason,
            payload: rejected.payload,
        }));
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
