//! The command line: what it says, and which job that asks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use broker::BrokerUrl;
use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::{LoadConfig, MAX_BATCH, Metric, RunConfig, Tally, load, names, run_counted};

/// Publishes simulated or recorded readings to an MQTT broker, and forgets none before its PUBACK.
#[derive(Debug, Parser)]
#[command(name = "sensor-sim", version)]
pub struct Command {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Simulates devices that measure now.
    Run(RunArgs),
    /// Publishes as many readings as asked for, and measures the broker.
    Load(LoadArgs),
}

#[derive(Debug, Args)]
struct Common {
    /// Where to publish: mqtt://[user:password@]host[:port]; as MILLRACE_BROKER a password stays out of the
    /// process list.
    #[arg(long, env = "MILLRACE_BROKER", default_value = "mqtt://127.0.0.1:1883", hide_env_values = true)]
    broker: Secret,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Writes a line `device boot seq` for each reading as it is acked.
    #[arg(long, value_name = "FILE")]
    acked_log: Option<PathBuf>,
}

/// A text that may hold a password: it is read late, so that no message about it can show it.
#[derive(Clone)]
struct Secret(String);

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    common: Common,
    /// How many devices: data_center_a1, data_center_b1, data_center_c1, data_center_a2, …
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    devices: u32,
    /// A device by its name; may be given several times.
    #[arg(long, value_name = "NAME", conflicts_with = "devices")]
    device: Vec<String>,
    #[arg(long, value_enum, default_value_t = Metric::Temperature)]
    metric: Metric,
    /// Time between two readings of a device, from 1ms.
    #[arg(long, env = "SENSOR_INTERVAL", default_value = "1s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// Ends after this time.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Ends after so many readings per device.
    #[arg(long)]
    count: Option<u64>,
    /// Equal seeds measure equal values at equal times.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long to wait at the end for what is un-acked.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    grace: Duration,
}

#[derive(Debug, Args)]
struct LoadArgs {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// At least as many as connections, which is the default: load-0001, load-0002, …
    #[arg(long)]
    devices: Option<u32>,
    /// Readings per second over all connections; as fast as they are acked where none is given.
    #[arg(long)]
    rate: Option<f64>,
    /// Ends after this time; 10s where no count is given.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Ends after so many readings over all connections.
    #[arg(long)]
    count: Option<u64>,
    /// Un-acked messages per connection, at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    window: u16,
    /// Readings per message.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH as i64))]
    batch: u16,
    /// How long to wait at the end for what is un-acked; without an end where none is given.
    #[arg(long, value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
}

/// Why a job did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be done; nothing was sent.
    Usage(anyhow::Error),
    /// It was begun and could not be done in full.
    Job(anyhow::Error),
}

impl Failure {
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }
}

impl Command {
    /// Whether the summary is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.job.common().json
    }

    /// Whether it has an end worth watching for.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        !matches!(self.job, Job::Run(_))
    }

    /// What the job will count with.
    ///
    /// # Errors
    /// The log of acked readings cannot be written.
    pub fn tally(&self) -> Result<Tally, Failure> {
        let Some(path) = &self.job.common().acked_log else { return Ok(Tally::default()) };
        let tally = Tally::logging_to(path).with_context(|| format!("create {}", path.display()));
        tally.map_err(Failure::Usage)
    }

    /// Does the job until it is done or told to stop, and waits until all is acked.
    ///
    /// # Errors
    /// The job was not done in full, for another reason than readings that are un-acked.
    pub async fn perform(self, tally: Arc<Tally>, stop: CancellationToken) -> Result<(), Failure> {
        match self.job {
            Job::Run(args) => run_counted(args.config()?, tally, stop).await.map_err(Failure::usage),
            Job::Load(args) => load(args.config()?, tally, stop).await.map_err(Failure::usage),
        }
    }
}

impl Job {
    fn common(&self) -> &Common {
        match self {
            Self::Run(args) => &args.common,
            Self::Load(args) => &args.common,
        }
    }
}

impl Common {
    fn broker(&self) -> Result<BrokerUrl, Failure> {
        self.broker.0.parse().context("--broker").map_err(Failure::Usage)
    }
}

impl RunArgs {
    fn config(self) -> Result<RunConfig, Failure> {
        Ok(RunConfig {
            broker: self.common.broker()?,
            devices: if self.device.is_empty() { names(self.devices as usize) } else { self.device },
            metric: self.metric,
            interval: self.interval,
            duration: self.duration,
            count: self.count,
            seed: self.seed,
            grace: Some(self.grace),
        })
    }
}

impl LoadArgs {
    fn config(self) -> Result<LoadConfig, Failure> {
        let devices = self.devices.unwrap_or(self.connections);
        if devices < self.connections {
            return Err(Failure::Usage(anyhow!(
                "--devices must be at least --connections: {}",
                self.connections
            )));
        }
        if self.rate.is_some_and(|rate| !(0.001..=1e9).contains(&rate)) {
            return Err(Failure::Usage(anyhow!(
                "--rate must be a number of readings per second, from 0.001"
            )));
        }
        Ok(LoadConfig {
            broker: self.common.broker()?,
            connections: self.connections as usize,
            devices: devices as usize,
            rate: self.rate,
            duration: self.duration.or(self.count.is_none().then_some(Duration::from_secs(10))),
            count: self.count,
            window: self.window,
            batch: usize::from(self.batch),
            grace: self.grace,
        })
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
