//! Load: as many readings as asked for, over many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker::{BrokerUrl, OutboxConfig};
use jiff::Timestamp;
use telemetry::{Series, TopicError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::numbered_series::{Measured, NumberedSeries, boot_of_now};
use crate::publisher::{CountingPublisher, until_stopped};
use crate::signal::Metric;

/// Readings in one message, at most: they fit into the 64 KiB that the pipeline takes.
pub const MAX_BATCH: usize = 500;

/// How much to send, and how fast.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// Where to publish.
    pub broker: BrokerUrl,
    /// Connections to the broker, at least 1.
    pub connections: usize,
    /// At least as many as connections; each belongs to one connection.
    pub devices: usize,
    /// Readings per second over all connections; as fast as they are acked where none is given. After an outage the
    /// load catches up.
    pub rate: Option<f64>,
    /// Ends after this time.
    pub duration: Option<Duration>,
    /// Readings over all connections.
    pub count: Option<u64>,
    /// Un-acked messages per connection, at most.
    pub window: u16,
    /// Readings per message, up to [`MAX_BATCH`].
    pub batch: usize,
    /// Whether every message is published twice.
    pub twice: bool,
    /// Bad payloads per message, of every kind in turn: 0 to 1.
    pub bad: f64,
    /// How long to wait for PUBACKs after the last reading; without a limit where none is given.
    pub grace: Option<Duration>,
}

/// Publishes from devices `load-0001`, `load-0002`, … until `stop`, `duration` or `count`, then waits for the acks.
///
/// Values stay below 25, so that a load opens no incident.
///
/// # Errors
/// There are so many devices that a name breaks the topic grammar; nothing has been sent.
pub async fn load(
    config: LoadConfig,
    counters: Arc<Counters>,
    stop: CancellationToken,
) -> Result<(), TopicError> {
    let boot = boot_of_now();
    let series = series(config.devices, boot, &counters)?;
    let left = Arc::new(AtomicU64::new(config.count.unwrap_or(u64::MAX)));
    let start = Instant::now();
    let mut connections = JoinSet::new();
    for index in 0..config.connections {
        let connection = Connection {
            publisher: CountingPublisher::open(config.outbox(index, boot), &counters),
            series: series.iter().skip(index).step_by(config.connections).cloned().collect(),
            batch: config.batch,
            pace: config.pace(start, index),
            twice: config.twice,
            bad: Bad { share: config.bad, due: 0.0, kind: index },
            left: Arc::clone(&left),
        };
        connections.spawn(connection.live(config.duration, config.grace, stop.clone()));
    }
    connections.join_all().await;
    Ok(())
}

pub(crate) fn series(
    devices: usize,
    boot: u64,
    counters: &Counters,
) -> Result<Vec<Arc<NumberedSeries>>, TopicError> {
    let metric = Metric::Temperature;
    let series = |index| {
        let name = Series::new(metric.name(), &format!("load-{index:04}"))?;
        Ok(counters.series(name, Some(metric.unit().to_owned()), boot))
    };
    (1..=devices).map(series).collect()
}

impl LoadConfig {
    fn outbox(&self, index: usize, boot: u64) -> OutboxConfig {
        OutboxConfig {
            url: self.broker.clone(),
            client_id: format!("load-{boot:x}-{}", index + 1),
            window: self.window,
            presence: None,
        }
    }

    /// Connections take turns, so that messages are spread evenly over time.
    pub(crate) fn pace(&self, start: Instant, index: usize) -> Option<Pace> {
        let between_messages = Duration::from_secs_f64(self.batch as f64 / self.rate?);
        let turns = self.connections as u32;
        Some(Pace { next: start + between_messages * index as u32, step: between_messages * turns })
    }
}

/// When the next message is due.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    pub(crate) async fn due(&mut self) {
        if self.next > Instant::now() {
            tokio::time::sleep_until(self.next).await;
        }
        self.next += self.step;
    }
}

/// When the next bad payload is due, and which kind.
#[derive(Debug)]
struct Bad {
    share: f64,
    due: f64,
    kind: usize,
}

/// One payload of every kind that is rejected.
const BAD: [&[u8]; 8] = [
    b"",
    b"hello",
    b"23,5",
    b"NaN",
    b"\xff\xfe",
    br#"{"unit":"celsius"}"#,
    br#"{"value":1,"seq":-1}"#,
    br#"{"value":1,"measured_at":"tomorrow"}"#,
];

impl Bad {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.due += self.share;
        if self.due < 1.0 {
            return None;
        }
        self.due -= 1.0;
        self.kind += 1;
        Some(BAD[self.kind % BAD.len()].to_vec())
    }
}

struct Connection {
    publisher: CountingPublisher,
    series: Vec<Arc<NumberedSeries>>,
    batch: usize,
    pace: Option<Pace>,
    twice: bool,
    bad: Bad,
    /// Readings that no connection has begun to send yet.
    left: Arc<AtomicU64>,
}

impl Connection {
    async fn live(mut self, duration: Option<Duration>, grace: Option<Duration>, stop: CancellationToken) {
        until_stopped(&stop, duration, self.publish()).await;
        self.publisher.close(grace).await;
    }

    async fn publish(&mut self) {
        for series in self.series.iter().cycle() {
            if let Some(pace) = &mut self.pace {
                pace.due().await;
            }
            let count = take(&self.left, self.batch as u64);
            if count == 0 {
                return;
            }
            let measured = measured(series, count);
            if self.twice {
                self.publisher.send_twice(series, &measured).await;
            } else {
                self.publisher.send(series, &measured).await;
            }
            if let Some(bad) = self.bad.next() {
                self.publisher.send_bad(series, bad).await;
            }
        }
    }
}

/// Takes up to `wanted` of what is left.
pub(crate) fn take(left: &AtomicU64, wanted: u64) -> u64 {
    let before = left.update(Ordering::Relaxed, Ordering::Relaxed, |left| left.saturating_sub(wanted));
    before.min(wanted)
}

pub(crate) fn measured(series: &NumberedSeries, count: u64) -> Vec<Measured> {
    let at = telemetry::time::whole_microseconds(Timestamp::now());
    let value = |seq| 20.0 + (seq % 400) as f64 / 100.0;
    (0..count).map(|n| Measured { value: value(series.next_seq() + n), at, recorded: None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::Message;

    fn config(connections: usize, rate: Option<f64>, batch: usize) -> LoadConfig {
        LoadConfig {
            broker: "mqtt://127.0.0.1:1".parse().unwrap(),
            connections,
            devices: connections,
            rate,
            duration: None,
            count: Some(10),
            window: 100,
            batch,
            twice: false,
            bad: 0.0,
            grace: Some(Duration::ZERO),
        }
    }

    #[test]
    fn what_is_left_is_taken_once() {
        let left = AtomicU64::new(5);
        assert_eq!([take(&left, 2), take(&left, 2), take(&left, 2), take(&left, 2)], [2, 2, 1, 0]);
    }

    #[test]
    fn connections_share_the_rate_evenly() {
        let start = Instant::now();
        let paces: Vec<Pace> =
            (0..4).filter_map(|index| config(4, Some(1000.0), 10).pace(start, index)).collect();
        let first: Vec<u128> = paces.iter().map(|pace| (pace.next - start).as_millis()).collect();
        assert_eq!(first, [0, 10, 20, 30]);
        assert!(paces.iter().all(|pace| pace.step == Duration::from_millis(40)));
        assert!(config(4, None, 10).pace(start, 0).is_none());
    }

    #[test]
    fn bad_payloads_come_in_their_share_and_in_every_kind() {
        let mut bad = Bad { share: 0.25, due: 0.0, kind: 0 };
        let sent: Vec<Vec<u8>> = (0..32).filter_map(|_| bad.next()).collect();
        assert_eq!(sent.len(), 8);
        assert!(BAD.iter().all(|kind| sent.iter().any(|sent| sent == kind)), "{sent:?}");
        for payload in BAD {
            let message = Message {
                topic: "temperature/lab".into(),
                payload: payload.into(),
                received_at: Timestamp::now(),
            };
            let decoded = message.decode();
            assert_eq!((decoded.readings.len(), decoded.rejected.len()), (0, 1), "{payload:?}");
        }
    }

    #[tokio::test]
    async fn a_count_is_sent_exactly_over_all_devices() {
        let counters = Arc::new(Counters::default());
        let config = LoadConfig { devices: 5, ..config(2, None, 3) };
        load(config, Arc::clone(&counters), CancellationToken::new()).await.unwrap();
        let summary = counters.summary();
        assert_eq!((summary.sent, summary.acked), (10, 0));
        assert_eq!(summary.devices.iter().map(|sent| sent.last_seq).sum::<u64>(), 10);
        assert!(summary.devices.iter().all(|sent| sent.device.starts_with("load-000")));
    }
}
