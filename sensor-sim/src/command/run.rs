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
    /// Serves /livez, /readyz and /metrics there, for example 127.0.0.1:9180.
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
        })
    }
}
