//! How long readings take from the broker into the store.

use std::sync::Arc;

use jiff::Timestamp;
use service::{Durations, Metrics};
use telemetry::Clock;
use telemetry::time::age;

/// When the broker received the messages of a batch, and how many readings and rejected payloads each has.
pub(crate) type Arrivals = Vec<(Timestamp, u32)>;

/// From when the broker received a message until it was committed. Clones share it.
#[derive(Debug, Clone)]
pub struct Latency {
    durations: Durations,
    clock: Arc<dyn Clock>,
}

impl Latency {
    pub(crate) fn register(metrics: &Metrics, clock: Arc<dyn Clock>) -> Self {
        let durations = metrics.register(
            "latency_seconds",
            "Time from when the broker received a reading or rejected payload until it was committed",
        );
        Self { durations, clock }
    }

    /// How many readings and rejected payloads were committed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.durations.count()
    }

    /// These are committed now.
    pub(crate) fn committed(&self, arrivals: &Arrivals) {
        let now = self.clock.wall();
        for (received_at, count) in arrivals {
            self.durations.observe_many(age(now, *received_at), u64::from(*count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use testkit::FakeClock;

    #[test]
    fn each_reading_counts_with_the_age_of_its_message() {
        let now: Timestamp = "2026-01-15T10:30:00Z".parse().unwrap();
        let metrics = Metrics::default();
        let latency = Latency::register(&metrics.of("db_writer"), Arc::new(FakeClock::showing(now)));
        let ago = |millis| now - Duration::from_millis(millis);
        // The last one is of a broker whose clock is ahead.
        latency.committed(&vec![(ago(4), 3), (ago(2_000), 1), (now + Duration::from_secs(60), 1)]);
        let text = metrics.text();
        for line in ["bucket{le=\"0.001\"} 1", "bucket{le=\"0.005\"} 4", "bucket{le=\"2.5\"} 5", "sum 2.012"]
        {
            assert!(
                text.contains(&format!("\nmillrace_db_writer_latency_seconds_{line}\n")),
                "{line}: {text}"
            );
        }
    }
}
