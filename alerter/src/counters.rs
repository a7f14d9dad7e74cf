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
    /// Openings by data that was old when it came.
    pub late: Counter,
    pub messages_sent: Counter,
    pub message_failures: Counter,
    /// A person is needed: a recipient or a way to them is wrong.
    pub messages_refused: Counter,
    pub messages_given_up: Counter,
    pub messages_repeated: Counter,
    pub messages_waiting: Gauge,
    pub notifications_dropped: Counter,
    /// 1 while the rules in force are those in the file.
    pub rules_loaded: Gauge,
    pub rules_refused: Counter,
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
            late: metrics.register("late", "Incidents opened by readings that were old when they came"),
            messages_sent: metrics.register("messages_sent", "Messages that were taken"),
            message_failures: metrics.register("message_failures", "Tries that failed and are repeated"),
            messages_refused: metrics
                .register("messages_refused", "Times that all or some recipients of a message were refused"),
            messages_given_up: metrics
                .register("messages_given_up", "Messages that nobody took for three days"),
            messages_repeated: metrics
                .register("messages_repeated", "Messages that may have come twice: a try got no answer"),
            messages_waiting: metrics.register("messages_waiting", "Messages neither taken nor given up"),
            notifications_dropped: metrics
                .register("notifications_dropped", "Times that nobody had to be told any more"),
            rules_loaded: metrics
                .register("rules_loaded", "Whether the rules in force are those in the file"),
            rules_refused: metrics.register("rules_refused", "Times that a file of rules was refused"),
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
