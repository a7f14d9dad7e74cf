//! What is counted of requests with readings: `requests = taken + refused + failed + in flight`.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use warp::http::StatusCode;

#[derive(Debug, Clone)]
pub(super) struct Counters {
    requests: Counter,
    taken: Counter,
    refused: Counter,
    failed: Counter,
    in_flight: Gauge,
    readings: Counter,
    rejected: Counter,
}

/// A request that is counted: as failed, where it ends without an answer.
pub(crate) struct Counted {
    counters: Counters,
    status: StatusCode,
}

impl Counters {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("ingest");
        Self {
            requests: metrics.register("requests", "Requests that send readings"),
            taken: metrics.register("taken", "Requests whose readings were acknowledged"),
            refused: metrics.register("refused", "Requests that were refused: wrong, or not allowed"),
            failed: metrics
                .register("failed", "Requests that may be repeated: their readings were not acknowledged"),
            in_flight: metrics.register("in_flight", "Requests that are not answered yet"),
            readings: metrics.register("readings", "Readings that were acknowledged"),
            rejected: metrics.register("rejected", "Parts of requests that are no readings, or not allowed"),
        }
    }

    pub(super) fn count(&self) -> Counted {
        self.requests.inc();
        self.in_flight.inc();
        Counted { counters: self.clone(), status: StatusCode::SERVICE_UNAVAILABLE }
    }

    pub(super) fn count_elements(&self, readings: usize, rejected: usize) {
        self.readings.inc_by(readings as u64);
        self.rejected.inc_by(rejected as u64);
    }
}

impl Counted {
    /// The request is answered with this status.
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.status = status;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Counters { taken, refused, failed, in_flight, .. } = &self.counters;
        in_flight.dec();
        match self.status {
            status if status.is_success() => taken.inc(),
            status if status.is_server_error() => failed.inc(),
            _ => refused.inc(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_once() {
        let counters = Counters::register(&Metrics::default());
        counters.count().answered(StatusCode::CREATED);
        counters.count().answered(StatusCode::UNPROCESSABLE_ENTITY);
        drop(counters.count());
        let in_flight = counters.count();
        let Counters { requests, taken, refused, failed, in_flight: open, .. } = &counters;
        assert_eq!((requests.get(), taken.get(), refused.get(), failed.get(), open.get()), (4, 1, 1, 1, 1));
        drop(in_flight);
        assert_eq!((failed.get(), open.get()), (2, 0));
    }
}
