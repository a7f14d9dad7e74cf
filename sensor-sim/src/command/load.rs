//! `sensor-sim load`.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::{Common, Failure, Secret};
use crate::{HttpTarget, LoadConfig, MAX_BATCH};

#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Connections to the broker
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// Devices load-0001, load-0002, …, at least one per connection [default: the number of connections]
    #[arg(long)]
    devices: Option<u32>,
    /// Readings per second over all connections [default: as fast as they are acked]
    #[arg(long)]
    rate: Option<f64>,
    /// End after this time [default: 10s without --count]
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// End after this number of readings over all connections
    #[arg(long)]
    count: Option<u64>,
    /// Most un-acked messages per connection
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    window: u16,
    /// Readings per message
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH as i64))]
    batch: u16,
    /// Publish every message twice, as a device does that missed the PUBACK
    #[arg(long)]
    twice: bool,
    /// Bad payloads per message, of every kind in turn: 0.01 is one in a hundred
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    bad: f64,
    /// Send over HTTP to http://host[:port] instead of MQTT: a request for each message, one at a time on each connection
    #[arg(long, value_name = "URL")]
    http: Option<String>,
    /// The header Authorization for --http, such as "Bearer mk_…"
    #[arg(long, env = "MILLRACE_AUTHORIZATION", default_value = "", hide_env_values = true)]
    authorization: Secret,
    /// How long to wait for PUBACKs at the end [default: no limit]
    #[arg(long, value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
}

/// How much of a load is done: by time or by count, whichever is further.
#[derive(Debug, Clone, Copy)]
pub struct ShareDone {
    duration: Option<Duration>,
    count: Option<u64>,
}

impl ShareDone {
    /// From 0 to 1.
    #[must_use]
    pub fn of(&self, elapsed: Duration, acked: u64) -> f64 {
        let by_time = self.duration.map_or(0.0, |all| elapsed.as_secs_f64() / all.as_secs_f64());
        let by_count = self.count.map_or(0.0, |all| acked as f64 / all as f64);
        by_time.max(by_count).min(1.0)
    }
}

impl LoadArgs {
    pub(super) fn share_done(&self) -> ShareDone {
        ShareDone { duration: self.duration(), count: self.count }
    }

    fn duration(&self) -> Option<Duration> {
        self.duration.or(self.count.is_none().then_some(Duration::from_secs(10)))
    }

    /// Where to send over HTTP, if that is asked for.
    pub(super) fn http(&self) -> Result<Option<HttpTarget>, Failure> {
        let read = |url: &String| HttpTarget::read(url, &self.authorization.0).map_err(Failure::Usage);
        self.http.as_ref().map(read).transpose()
    }

    pub(super) fn config(self) -> Result<LoadConfig, Failure> {
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
        if !(0.0..=1.0).contains(&self.bad) {
            return Err(Failure::Usage(anyhow!("--bad must be a number from 0 to 1")));
        }
        Ok(LoadConfig {
            broker: self.common.broker()?,
            connections: self.connections as usize,
            devices: devices as usize,
            rate: self.rate,
            duration: self.duration(),
            count: self.count,
            window: self.window,
            batch: usize::from(self.batch),
            twice: self.twice,
            bad: self.bad,
            grace: self.grace,
        })
    }
}
