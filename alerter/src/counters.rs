//! What the alerter counts: `received = judged + unreadable + in flight`.

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::{Durations, Metrics};
use telemetry::Decoded;
use telemetry::time::age;

/// Counts readings and rejected payloads alike; a message may hold many.
#[derive(Debug, Clone)]
pub struct Counters {
    /// Readings and rejected payloads received.
    pub received: Counter,
    /// Readings evaluated.
    pub judged: Counter,
    /// Readings that a rule could not evaluate: their unit measures something else than that of the rule.
    pub incomparable: Counter,
    /// Readings that are far from those before them, by the field's simple rule.
    pub anomalies: Counter,
    /// Rejected readings: db-writer stores these, and the alerter has nothing to evaluate in them.
    pub unreadable: Counter,
    /// Readings and rejected payloads received and not yet settled.
    pub in_flight: Gauge,
    /// Messages evaluated whose acknowledgement was lost.
    pub unsettled: Counter,
    /// Incidents opened.
    pub opened: Counter,
    /// Incidents resolved.
    pub resolved: Counter,
    /// Openings by data that was old when it came.
    pub late: Counter,
    /// Messages sent.
    pub messages_sent: Counter,
    /// Failed attempts that are repeated.
    pub message_failures: Counter,
    /// A person is needed: a recipient or a way to them is wrong.
    pub messages_refused: Counter,
    /// Messages given up after three days.
    pub messages_given_up: Counter,
    /// Messages that may have arrived twice.
    pub messages_repeated: Counter,
    /// Messages queued.
    pub messages_waiting: Gauge,
    /// As often as notifications were read to decide on them: a few times each, however many wait.
    pub notifications_read: Counter,
    /// Notifications dropped.
    pub notifications_dropped: Counter,
    /// 1 while the rules in force are those in the file.
    pub rules_loaded: Gauge,
    /// Rules files refused.
    pub rules_refused: Counter,
    /// Calls to the store that failed and were repeated.
    pub store_failures: Counter,
    /// From when the broker received a message until it was evaluated.
    pub latency: Durations,
    /// From when a notification was to be sent until it was accepted.
    pub notification_latency: Durations,
}

impl Counters {
    /// Registers them as `millrace_alerter_…`.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let anomalies = metrics.of("analytics").register(
            "anomalies",
            "Readings more than two deviations away from the mean of the 50 before them in their series",
        );
        let metrics = metrics.of("alerter");
        Self {
            anomalies,
            received: metrics.register("received", "Readings and rejected payloads received from the broker"),
            judged: metrics.register("judged", "Readings evaluated"),
            incomparable: metrics.register(
                "incomparable",
                "Readings that a rule could not evaluate, as their unit measures something else than its own",
            ),
            unreadable: metrics.register("unreadable", "Payloads that hold no reading"),
            in_flight: metrics
                .register("in_flight", "Readings and rejected payloads received and not yet settled"),
            unsettled: metrics
                .register("unsettled", "Messages evaluated whose acknowledgement could not be sent"),
            opened: metrics.register("incidents_opened", "Incidents opened"),
            resolved: metrics.register("incidents_resolved", "Incidents resolved"),
            late: metrics.register("late", "Incidents opened by readings that were old when they came"),
            messages_sent: metrics.register("messages_sent", "Messages that were accepted"),
            message_failures: metrics.register("message_failures", "Attempts that failed and are repeated"),
            messages_refused: metrics
                .register("messages_refused", "Times that all or some recipients of a message were refused"),
            messages_given_up: metrics.register("messages_given_up", "Messages given up after three days"),
            messages_repeated: metrics.register(
                "messages_repeated",
                "Messages that may have arrived twice: an attempt got no answer",
            ),
            messages_waiting: metrics
                .register("messages_waiting", "Messages that are neither sent nor given up"),
            notifications_read: metrics
                .register("notifications_read", "Notifications read to decide on them"),
            notifications_dropped: metrics
                .register("notifications_dropped", "Notifications dropped because they are no longer needed"),
            rules_loaded: metrics
                .register("rules_loaded", "Whether the rules in force are those in the file"),
            rules_refused: metrics.register("rules_refused", "Rules files refused"),
            store_failures: metrics
                .register("store_failures", "Calls to the store that failed and were repeated"),
            latency: metrics.register(
                "latency_seconds",
                "Time from when the broker received a reading until it was evaluated and what follows was recorded",
            ),
            notification_latency: metrics.register(
                "notification_latency_seconds",
                "Time from when a notification was due until its message was accepted",
            ),
        }
    }

    /// What an edge forwarded is not evaluated here, and does not count.
    pub(crate) fn took(&self, decoded: &Decoded) {
        let items = if decoded.is_forwarded() { 0 } else { decoded.count() };
        self.received.inc_by(items as u64);
        self.in_flight.inc_by(items as i64);
    }

    pub(crate) fn judged(&self, decoded: &Decoded, now: Timestamp) {
        if decoded.is_forwarded() {
            return;
        }
        self.latency.observe_many(age(now, decoded.received_at), decoded.readings.len() as u64);
        self.judged.inc_by(decoded.readings.len() as u64);
        self.unreadable.inc_by(decoded.rejected.len() as u64);
        self.in_flight.dec_by((decoded.readings.len() + decoded.rejected.len()) as i64);
    }
}
