//! Devices with the firmware that people have: each connects, subscribes, retains and publishes as its firmware does, for as
//! long as a test wants, and tells which of its messages are readings.

mod esphome;
mod run;
mod shelly;
mod tasmota;
mod zigbee2mqtt;

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::mqtt::{Connect, Publish, Version, Will};

pub use esphome::Esphome;
pub use run::{Device, Tally};
pub use shelly::{Shelly1, Shelly2};
pub use tasmota::Tasmota;
pub use zigbee2mqtt::Zigbee2Mqtt;

/// How often a reading of each series was published: by metric and device.
pub type Series = BTreeMap<(String, String), usize>;

/// A message and the series that it has a reading of.
#[derive(Debug, Clone)]
pub struct Said {
    pub publish: Publish,
    /// Metric and device.
    pub series: Vec<(String, String)>,
}

impl Said {
    /// A message that holds no reading.
    #[must_use]
    pub fn aside(publish: Publish) -> Self {
        Self { publish, series: Vec::new() }
    }

    /// A message with a reading of each of these metrics of a device.
    #[must_use]
    pub fn readings(publish: Publish, device: &str, metrics: &[&str]) -> Self {
        let series = metrics.iter().map(|metric| ((*metric).to_owned(), device.to_owned())).collect();
        Self { publish, series }
    }
}

/// What a device with one firmware does.
pub trait Firmware: Debug + Send {
    /// Its CONNECT, without user and password.
    fn connect(&self) -> Connect;

    /// What it publishes as soon as it is connected, before it subscribes.
    fn greeting(&self) -> Vec<Said>;

    /// The filters that it subscribes to, one after the other, with their QoS.
    fn filters(&self) -> Vec<(String, u8)>;

    /// What it publishes once it has subscribed.
    fn introduction(&self) -> Vec<Said>;

    /// What it publishes in each round.
    fn report(&self, round: usize) -> Vec<Said>;

    /// A command that people send to it: topic and payload.
    fn command(&self) -> (String, String);

    /// What it publishes when the command has come.
    fn answer(&self, count: usize) -> Vec<Said>;

    /// The reading that its will is.
    fn gone(&self) -> Option<(String, String)>;
}

/// A CONNECT with a clean session and a retained will.
fn connect(version: Version, client_id: &str, keep_alive: u16, will: (&str, &str), qos: u8) -> Connect {
    let will = Will { qos, retain: true, ..Will::new(will.0, will.1) };
    Connect { keep_alive, ..Connect::new(version, client_id).with_will(will) }
}

/// A value that no neighbouring round has.
fn value(round: usize) -> f64 {
    (200 + round % 100) as f64 / 10.0
}

/// The time as firmware writes it, with milliseconds.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
