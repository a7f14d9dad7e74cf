//! `sensor-sim run`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::{Common, Failure};
use crate::{Metric, RunConfig, names};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Number of devices: data_center_a1, data_center_b1, data_center_c1, data_center_a2, …
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    devices: u32,
    /// Name of a device; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "devices")]
    device: Vec<String>,
    /// What the devices measure
    #[arg(long, value_enum, default_value_t = Metric::Temperature)]
    metric: Metric,
    /// Time between two readings of a device, at least 1ms
    #[arg(long, env = "SENSOR_INTERVAL", default_value = "1s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// End after this time [default: run until stopped]
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// End after this number of readings per device
    #[arg(long)]
    count: Option<u64>,
    /// Seed of the values: with the same seed, a device measures the same at the same time
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Take no commands. Otherwise up to a hundred devices take set-interval, blink and reboot
    #[arg(long)]
    no_commands: bool,
    /// How long to wait for PUBACKs at the end
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Serve /livez, /readyz and /metrics on this address, for example 127.0.0.1:9180
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
}

impl RunArgs {
    pub(super) fn config(self) -> Result<RunConfig, Failure> {
        Ok(RunConfig {
            broker: self.common.broker()?,
            devices: if self.device.is_empty() { names(self.devices as usize) } else { self.device },
            metric: self.metric,
            interval: self.interval,
            duration: self.duration,
            count: self.count,
            seed: self.seed,
            grace: Some(self.grace),
            takes_commands: !self.no_commands,
        })
    }
}
