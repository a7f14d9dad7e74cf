//! What is counted of commands.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use store::CommandCounts;

/// What is counted of commands. `made = done + failed + expired + cancelled + open`.
#[derive(Debug, Clone)]
pub struct Counters {
    made: Gauge,
    done: Gauge,
    failed: Gauge,
    expired: Gauge,
    cancelled: Gauge,
    open: Gauge,
    pub(crate) sent: Counter,
    pub(crate) absent: Counter,
    pub(crate) results: Counter,
    pub(crate) repeated: Counter,
    pub(crate) late: Counter,
    pub(crate) states: Counter,
    pub(crate) rejected: Counter,
    pub(crate) failures: Counter,
    pub(crate) forgotten: Counter,
}

impl Counters {
    /// All counters, at zero.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("commands");
        Self {
            made: metrics.register("made", "Commands that were ever made, in the store"),
            done: metrics.register("done", "Commands that devices carried out, in the store"),
            failed: metrics.register("failed", "Commands that devices could not carry out, in the store"),
            expired: metrics.register("expired", "Commands whose time was over, in the store"),
            cancelled: metrics.register("cancelled", "Commands that were taken back, in the store"),
            open: metrics.register("open", "Commands that something may still become of, in the store"),
            sent: metrics.register("sends", "Times that a command was taken by a broker"),
            absent: metrics.register("absent", "Times that nobody was there for a command"),
            results: metrics.register("results", "Results of devices that were recorded"),
            repeated: metrics.register("results_repeated", "Results that were recorded before"),
            late: metrics.register("results_late", "Results of commands that had ended otherwise"),
            states: metrics.register("states", "States that devices reported"),
            rejected: metrics.register("rejected", "Answers of devices that were rejected"),
            failures: metrics.register("store_failures", "Times that the store did not answer"),
            forgotten: metrics.register("forgotten", "Commands that were deleted as they ended long ago"),
        }
    }

    pub(crate) fn show(&self, counts: &CommandCounts) {
        for (gauge, count) in [
            (&self.made, counts.made),
            (&self.done, counts.done),
            (&self.failed, counts.failed),
            (&self.expired, counts.expired),
            (&self.cancelled, counts.cancelled),
            (&self.open, counts.open),
        ] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
