//! Simulated devices that measure now.

use std::sync::Arc;
use std::time::Duration;

use broker::{BrokerUrl, OutboxConfig, Presence};
use bytes::Bytes;
use jiff::Timestamp;
use telemetry::{Series, TopicError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::counters::{Counters, Summary};
use crate::device::status_topic;
use crate::numbered_series::{Measured, NumberedSeries, boot_of_now};
use crate::orders::{Orders, Step};
use crate::publisher::{CountingPublisher, until_stopped};
use crate::receiver::{MAX_DEVICES, Receiver};
use crate::signal::{Metric, Signal};

/// Un-acked readings per device, at most.
const WINDOW: u16 = 1000;

/// Which devices measure what, and for how long.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// Where to publish.
    pub broker: BrokerUrl,
    /// The names of the devices; no two alike.
    pub devices: Vec<String>,
    /// What every device measures.
    pub metric: Metric,
    /// Between two readings of a device, from 1 ms.
    pub interval: Duration,
    /// How long to run; until stopped where neither this nor `count` is given.
    pub duration: Option<Duration>,
    /// Readings per device.
    pub count: Option<u64>,
    /// The seed of the simulated values: with the same seed, a device measures the same at the same time.
    pub seed: u64,
    /// How long to wait for PUBACKs after the last reading; without a limit where none is given.
    pub grace: Option<Duration>,
    /// Whether the devices take commands, over one more connection, where they are no more than a hundred.
    pub takes_commands: bool,
}

/// Why a [`RunConfig`] is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunConfigError {
    /// A device's name does not fit into a topic; holds the name and the reason.
    #[error("device {0:?}: {1}")]
    Device(String, TopicError),
    /// Two devices have this name.
    #[error("the device {0:?} is named twice")]
    Twice(String),
    /// The interval is shorter than 1 ms.
    #[error("the interval is too short: from 1ms")]
    Interval,
}

/// Publishes readings until `stop`, `duration` or `count`, then waits until all are acked.
///
/// Each device has a connection of its own and says `online` or `offline`, retained, on `status/<device>`. While
/// the broker is away a device keeps 1000 readings and then waits; it goes on with the present time, so that
/// the numbers have no gap though the times have one. Dropping the future gives up at once.
///
/// # Errors
/// The configuration cannot be used; nothing has been sent.
pub async fn run(config: RunConfig, stop: CancellationToken) -> Result<Summary, RunConfigError> {
    let counters = Arc::new(Counters::default());
    run_counted(config, Arc::clone(&counters), stop).await?;
    Ok(counters.summary())
}

/// As [`run`], with counts that can be read meanwhile.
///
/// # Errors
/// As [`run`].
pub async fn run_counted(
    config: RunConfig,
    counters: Arc<Counters>,
    stop: CancellationToken,
) -> Result<(), RunConfigError> {
    let all_series = config.all_series()?;
    let boot = boot_of_now();
    let start = Instant::now();
    let mut sensors = JoinSet::new();
    let mut receiver = Receiver::default();
    let takes_commands = config.takes_commands && config.devices.len() <= MAX_DEVICES;
    for (index, series) in all_series.into_iter().enumerate() {
        let first = start + config.interval.mul_f64(index as f64 / config.devices.len() as f64);
        let commands = takes_commands.then(|| receiver.add(series.device()));
        let sensor = Sensor::new(&config, series, boot, &counters, commands);
        sensors.spawn(sensor.live(config.clone(), first, stop.clone()));
    }
    let ended = CancellationToken::new();
    let received = takes_commands.then(|| {
        let client_id = format!("sensors-{boot:x}");
        tokio::spawn(receiver.run(config.broker.clone(), client_id, ended.clone()))
    });
    sensors.join_all().await;
    ended.cancel();
    if let Some(received) = received {
        // A panic in it has been printed already.
        let _ = received.await;
    }
    Ok(())
}

impl RunConfig {
    fn all_series(&self) -> Result<Vec<Series>, RunConfigError> {
        if self.interval < Duration::from_millis(1) {
            return Err(RunConfigError::Interval);
        }
        if let Some(name) = twice(&self.devices) {
            return Err(RunConfigError::Twice(name.to_owned()));
        }
        let series = |device: &String| {
            Series::new(self.metric.name(), device).map_err(|e| RunConfigError::Device(device.clone(), e))
        };
        self.devices.iter().map(series).collect()
    }
}

fn twice(names: &[String]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str())).map(String::as_str)
}

/// One device that measures one metric.
struct Sensor {
    signal: Signal,
    series: Arc<NumberedSeries>,
    publisher: CountingPublisher,
    orders: Orders,
    /// None where it takes no commands.
    commands: Option<mpsc::Receiver<Bytes>>,
}

impl Sensor {
    fn new(
        config: &RunConfig,
        series: Series,
        boot: u64,
        counters: &Arc<Counters>,
        commands: Option<mpsc::Receiver<Bytes>>,
    ) -> Self {
        let device = series.device();
        let outbox = OutboxConfig {
            url: config.broker.clone(),
            // The boot makes the id unique: two simulations of one device would otherwise disconnect each other.
            client_id: format!("{}-{boot:x}", device.replace('/', "-")),
            window: WINDOW,
            presence: Some(Presence {
                topic: status_topic(device),
                online: Bytes::from_static(b"online"),
                offline: Bytes::from_static(b"offline"),
            }),
        };
        Self {
            signal: Signal::new(config.metric, device, config.seed),
            publisher: CountingPublisher::open(outbox, counters),
            series: counters.series(series, Some(config.metric.unit().to_owned()), boot),
            orders: Orders::new(config.interval),
            commands,
        }
    }

    async fn live(mut self, config: RunConfig, first: Instant, stop: CancellationToken) {
        until_stopped(&stop, config.duration, self.measure(config.interval, config.count, first)).await;
        self.publisher.close(config.grace).await;
    }

    async fn measure(&mut self, interval: Duration, count: Option<u64>, first: Instant) {
        let mut ticks = ticks(first, interval);
        let mut measured = 0;
        while measured < count.unwrap_or(u64::MAX) {
            tokio::select! {
                _ = ticks.tick() => {}
                command = received(&mut self.commands) => {
                    if let Some(interval) = self.obey(&command).await {
                        ticks = self::ticks(Instant::now() + interval, interval);
                    }
                    continue;
                }
            }
            let at = telemetry::time::whole_microseconds(Timestamp::now());
            let value = self.signal.value_at(at);
            self.publisher.send(&self.series, &[Measured { value, at, recorded: None }]).await;
            measured += 1;
        }
    }

    /// Carries a command out; returns the interval where that is another one now.
    async fn obey(&mut self, command: &Bytes) -> Option<Duration> {
        let device = self.series.series().device().to_owned();
        let mut interval = None;
        for step in self.orders.obey(command) {
            match step {
                Step::Answer(text) => self.publisher.say(&format!("results/{device}"), text).await,
                Step::Report(text) => self.publisher.say(&format!("state/{device}"), text).await,
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Measure(every) => interval = Some(every),
            }
        }
        interval
    }
}

fn ticks(first: Instant, interval: Duration) -> Interval {
    let mut ticks = tokio::time::interval_at(first, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// The next command; never, where none are taken.
async fn received(commands: &mut Option<mpsc::Receiver<Bytes>>) -> Bytes {
    if let Some(open) = commands {
        if let Some(command) = open.recv().await {
            return command;
        }
        *commands = None;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(devices: &[&str], interval: Duration) -> RunConfig {
        RunConfig {
            broker: "mqtt://127.0.0.1:1".parse().unwrap(),
            devices: devices.iter().map(ToString::to_string).collect(),
            metric: Metric::Temperature,
            interval,
            duration: None,
            count: None,
            seed: 1,
            grace: Some(Duration::ZERO),
            takes_commands: true,
        }
    }

    #[tokio::test]
    async fn what_cannot_be_simulated_is_refused_by_name() {
        let second = Duration::from_secs(1);
        for (config, error) in [
            (config(&["lab", "a b"], second), "device \"a b\": the topic has the character ' '"),
            (config(&["lab", "roof", "lab"], second), "the device \"lab\" is named twice"),
            (config(&["lab"], Duration::ZERO), "the interval is too short: from 1ms"),
        ] {
            let refused = run(config, CancellationToken::new()).await.unwrap_err();
            assert!(refused.to_string().starts_with(error), "{refused}");
        }
    }

    #[tokio::test]
    async fn without_a_broker_a_stop_ends_within_the_grace_and_says_what_is_un_acked() {
        let stop = CancellationToken::new();
        let config = RunConfig { count: Some(3), ..config(&["a", "b"], Duration::from_millis(1)) };
        let summary = run(config, stop).await.unwrap();
        assert_eq!((summary.sent, summary.acked, summary.unacked()), (6, 0, 6));
        assert_eq!(summary.devices.len(), 2);
        assert!(summary.devices.iter().all(|sent| (sent.first_seq, sent.last_seq) == (1, 3)));
    }
}
