//! The counters of the writer: `received = stored + duplicate + rejected + in flight`.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::{Durations, Metrics, Sizes};
use store::Written;
use telemetry::Clock;

use crate::Lag;
use crate::latency::{Arrivals, Latency};

/// Counts readings and rejected payloads alike; a message may hold many.
#[derive(Debug, Clone)]
pub struct Counters {
    /// Readings and rejected payloads received from the broker.
    pub received: Counter,
    /// Readings stored.
    pub stored: Counter,
    /// Readings that were already in the database.
    pub duplicate: Counter,
    /// Payloads stored as rejected.
    pub rejected: Counter,
    /// Rejected payloads that were deleted because there were too many.
    pub rejected_removed: Counter,
    /// Attributes of devices that are not stored: they are too long, or there are too many.
    pub attributes_refused: Counter,
    /// Readings and rejected payloads received and not yet stored.
    pub in_flight: Gauge,
    /// Messages that are stored and whose ack did not reach the broker: they are delivered again.
    pub unsettled: Counter,
    /// Failed writes; each is repeated.
    pub store_failures: Counter,
    /// Batches written.
    pub batches: Counter,
    /// Readings and rejected payloads in a batch.
    pub batch_size: Sizes,
    /// How long the store takes to commit a batch.
    pub commit_duration: Durations,
    /// From when the broker received a message until it was committed.
    pub latency: Latency,
    /// How far the writer is behind the broker.
    pub lag: Lag,
}

impl Counters {
    /// Registers the counters as `millrace_db_writer_…`; the lag goes by this clock.
    #[must_use]
    pub fn register(metrics: &Metrics, clock: Arc<dyn Clock>) -> Self {
        let metrics = metrics.of("db_writer");
        Self {
            received: metrics.register("received", "Readings and rejected payloads received from the broker"),
            stored: metrics.register("stored", "Readings stored"),
            duplicate: metrics.register("duplicate", "Readings that had already been stored"),
            rejected: metrics.register("rejected", "Payloads stored as rejected"),
            rejected_removed: metrics
                .register("rejected_removed", "Rejected payloads deleted because there were too many"),
            attributes_refused: metrics.register(
                "attributes_refused",
                "Attributes of devices that are not stored: too long, or more than max_attributes allows",
            ),
            in_flight: metrics
                .register("in_flight", "Readings and rejected payloads received and not yet stored"),
            unsettled: metrics.register("unsettled", "Messages stored whose ack did not reach the broker"),
            store_failures: metrics.register("store_failures", "Failed writes, each of which is repeated"),
            batches: metrics.register("batches", "Batches written"),
            batch_size: metrics.register("batch_readings", "Readings and rejected payloads in a batch"),
            commit_duration: metrics.register(
                "commit_duration_seconds",
                "Time that the store took to commit a batch; failed writes are not among them",
            ),
            latency: Latency::register(&metrics, clock.clone()),
            lag: metrics.add(
                "behind_seconds",
                "Age of the oldest message that is not committed, or of the last batch when it was committed",
                Lag::new(clock),
            ),
        }
    }

    pub(crate) fn took(&self, items: usize, received_at: Timestamp) {
        self.lag.took(received_at);
        self.received.inc_by(items as u64);
        self.in_flight.inc_by(items as i64);
    }

    pub(crate) fn wrote(&self, written: Written, arrivals: &Arrivals) {
        self.lag.committed();
        self.latency.committed(arrivals);
        self.batch_size.observe((written.stored + written.duplicate + written.rejected) as usize);
        self.batches.inc();
        self.stored.inc_by(written.stored);
        self.duplicate.inc_by(written.duplicate);
        self.rejected.inc_by(written.rejected);
        self.in_flight.dec_by((written.stored + written.duplicate + written.rejected) as i64);
    }
}
