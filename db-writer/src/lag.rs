//! How far the writer is behind the broker.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use telemetry::Clock;
use telemetry::time::age;

/// Keeps the last batch's lag visible for 3 s, so that a 2 s scrape interval sees every slow batch.
const LAST_COUNTS_FOR: Duration = Duration::from_secs(3);

/// Seconds since the broker received the oldest message that is not committed. Clones share it.
///
/// It grows while a batch cannot be committed. A backlog shows, too: its messages were received long ago. With nothing
/// to commit it is the last batch's lag for three seconds, and then 0.
#[derive(Debug, Clone)]
pub struct Lag {
    held: Arc<Mutex<Held>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Held {
    /// When the broker received the oldest message of the batch that is gathered.
    gathered: Option<Timestamp>,
    /// The same of the batch that is written.
    writing: Option<Timestamp>,
    last: Option<Committed>,
}

#[derive(Debug, Clone, Copy)]
struct Committed {
    at: Timestamp,
    lag: Duration,
}

impl Lag {
    /// No lag yet, by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { held: Arc::default(), clock }
    }

    pub(crate) fn took(&self, received_at: Timestamp) {
        let mut held = self.held();
        held.gathered = Some(held.gathered.map_or(received_at, |oldest| oldest.min(received_at)));
    }

    /// The gathered messages become the batch that is written.
    pub(crate) fn writing(&self) {
        let mut held = self.held();
        held.writing = held.gathered.take();
    }

    /// That batch is committed now.
    pub(crate) fn committed(&self) {
        let now = self.clock.wall();
        let mut held = self.held();
        held.last = held.writing.take().map(|oldest| Committed { at: now, lag: age(now, oldest) });
    }

    /// The lag at this time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Duration {
        let held = self.held();
        let oldest = [held.writing, held.gathered].into_iter().flatten().min();
        let waiting = oldest.map(|oldest| age(now, oldest));
        // A batch that was committed in the future was so by a clock that was ahead.
        let recent = |last: &Committed| last.at <= now && age(now, last.at) < LAST_COUNTS_FOR;
        let last = held.last.filter(recent).map(|last| last.lag);
        waiting.max(last).unwrap_or_default()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no code panics while it holds the lag")
    }
}

impl EncodeMetric for Lag {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        encoder.encode_gauge(&self.at(self.clock.wall()).as_secs_f64())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::FakeClock;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_768_473_000_000 + millis).unwrap()
    }

    fn lag() -> (Arc<FakeClock>, Lag) {
        let clock = Arc::new(FakeClock::showing(at(0)));
        (clock.clone(), Lag::new(clock))
    }

    /// The batch that is written is committed at this time.
    fn commit(clock: &FakeClock, lag: &Lag, millis: i64) {
        clock.step(at(millis).duration_since(clock.wall()));
        lag.committed();
    }

    fn millis(lag: &Lag, now: i64) -> u128 {
        lag.at(at(now)).as_millis()
    }

    #[test]
    fn it_goes_by_the_oldest_message_that_is_held_and_then_by_the_last_batch() {
        let (clock, lag) = lag();
        assert_eq!(millis(&lag, 0), 0, "nothing was ever taken");
        lag.took(at(100));
        lag.took(at(50));
        lag.took(at(200));
        assert_eq!(millis(&lag, 250), 200);
        lag.writing();
        commit(&clock, &lag, 300);
        assert_eq!((millis(&lag, 300), millis(&lag, 3_299)), (250, 250));
        assert_eq!(millis(&lag, 3_300), 0, "nothing waits");
    }

    #[test]
    fn it_grows_while_a_batch_cannot_be_committed() {
        let (clock, lag) = lag();
        lag.took(at(0));
        lag.writing();
        lag.took(at(60_990));
        assert_eq!((millis(&lag, 1_000), millis(&lag, 60_000)), (1_000, 60_000));
        commit(&clock, &lag, 61_000);
        assert_eq!(millis(&lag, 61_000), 61_000, "the batch that waited is still seen");
        lag.writing();
        commit(&clock, &lag, 61_010);
        assert_eq!(millis(&lag, 61_010), 20);
    }

    #[test]
    fn a_backlog_shows_until_it_is_worked_off() {
        let (clock, lag) = lag();
        let mut seen = Vec::new();
        for step in 0..4 {
            // Ten seconds behind at first, and ten times as fast as the messages came.
            let (taken, now) = (step * 1_000, 10_000 + step * 100);
            lag.took(at(taken));
            lag.writing();
            commit(&clock, &lag, now);
            seen.push(millis(&lag, now));
        }
        assert_eq!(seen, [10_000, 9_100, 8_200, 7_300]);
    }

    #[test]
    fn a_broker_whose_clock_is_ahead_is_no_lag() {
        let (_, lag) = lag();
        lag.took(at(500));
        assert_eq!(millis(&lag, 100), 0);
    }

    #[test]
    fn a_batch_of_a_clock_that_was_ahead_is_not_shown_until_then() {
        let (clock, lag) = lag();
        lag.took(at(0));
        lag.writing();
        commit(&clock, &lag, 3_600_000);
        assert_eq!((millis(&lag, 3_600_000), millis(&lag, 100)), (3_600_000, 0));
    }

    #[test]
    fn it_is_a_gauge_from_the_start() {
        let metrics = service::Metrics::default();
        let (clock, lag) = lag();
        let lag = metrics.of("db_writer").add("behind_seconds", "Seconds", lag);
        assert!(metrics.text().contains("\nmillrace_db_writer_behind_seconds 0.0\n"), "{}", metrics.text());
        lag.took(clock.wall() - Duration::from_secs(60));
        assert!(metrics.text().contains("\nmillrace_db_writer_behind_seconds 60."), "{}", metrics.text());
    }
}
