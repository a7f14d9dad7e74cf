//! What is counted of the uplink.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;

use crate::progress::Counts;

/// What is counted of the uplink. `journal = sent + unsent + gone`.
#[derive(Debug, Clone)]
pub struct Counters {
    journal: Gauge,
    sent: Gauge,
    unsent: Gauge,
    gone: Gauge,
    pub(crate) batches: Counter,
    pub(crate) bytes: Counter,
    pub(crate) not_taken: Counter,
    pub(crate) halved: Counter,
    pub(crate) asked: Counter,
    pub(crate) store_failures: Counter,
}

impl Counters {
    /// Registers the counters as `millrace_uplink_…`.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("uplink");
        Self {
            journal: metrics.register("journal", "Readings that have a number in the journal"),
            sent: metrics.register("sent", "Readings that the cloud's broker has acknowledged"),
            unsent: metrics.register("unsent", "Readings that it has not acknowledged yet"),
            gone: metrics
                .register("gone", "Readings that will never arrive, because they were deleted or refused"),
            batches: metrics.register("batches", "Batches that the cloud's broker has acknowledged"),
            bytes: metrics.register("bytes", "Bytes of these batches"),
            not_taken: metrics
                .register("not_taken", "Batches that the cloud's broker did not take, now or ever"),
            halved: metrics.register("halved", "Batches that were sent again as two halves"),
            asked: metrics.register("asked", "Readings that the cloud asked for again"),
            store_failures: metrics.register("store_failures", "Times that the store did not answer"),
        }
    }

    pub(crate) fn show(&self, counts: &Counts) {
        for (gauge, count) in [
            (&self.journal, counts.journal),
            (&self.sent, counts.sent),
            (&self.unsent, counts.unsent),
            (&self.gone, counts.gone),
        ] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
