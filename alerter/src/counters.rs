//! What the alerter counts: `received = judged + unreadable + in flight`.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use telemetry::Decoded;

/// Counts readings and rejected payloads alike; a message may hold many.
#[derive(Debug, Clone)]
pub struct Counters {
    pub received: Counter,
    pub judged: Counter,
    /// The writer keeps these; there is nothing in them to judge.
    pub unreadable: Counter,
    pub in_flight: Gauge,
    pub unsettled: Counter,
    pub opened: Counter,
    pub resolved: Counter,
    pub mails_sent: Counter,
    pub mail_failures: Counter,
    /// A person is needed: an address or the mail server is wrong.
    pub mails_refused: Counter,
    pub store_failures: Counter,
}

impl Counters {
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("alerter");
        Self {
            received: metrics.register("received", "Readings and rejected payloads taken from the broker"),
            judged: metrics.register("judged", "Readings judged"),
            unreadable: metrics.register("unreadable", "Payloads that hold no reading"),
            in_flight: metrics
                .register("in_flight", "Readings and rejected payloads taken and not yet settled"),
            unsettled: metrics.register("unsettled", "Messages judged whose broker could not be told"),
            opened: metrics.register("incidents_opened", "Incidents opened"),
            resolved: metrics.register("incidents_resolved", "Incidents resolved"),
            mails_sent: metrics.register("mails_sent", "Mails the mail server or folder took"),
            mail_failures: metrics.register("mail_failures", "Mails that failed and are tried again"),
            mails_refused: metrics
                .register("mails_refused", "Mails refused for good by all or some recipients"),
            store_failures: metrics
                .register("store_failures", "Calls to the store that failed and were repeated"),
        }
    }

    pub(crate) fn took(&self, decoded: &Decoded) {
        let items = decoded.readings.len() + decoded.rejected.len();
        self.received.inc_by(items as u64);
        self.in_flight.inc_by(items as i64);
    }

    pub(crate) fn judged(&self, decoded: &Decoded) {
        self.judged.inc_by(decoded.readings.len() as u64);
        self.unreadable.inc_by(decoded.rejected.len() as u64);
        self.in_flight.dec_by((decoded.readings.len() + decoded.rejected.len()) as i64);
    }
}
