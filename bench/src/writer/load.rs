//! The readings of all measurements, the same in every run.

use std::time::Duration;

use jiff::Timestamp;
use telemetry::{Reading, Series};

/// How long ago late readings were measured.
const LATE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The time between two readings, as the devices measured them.
const APART: Duration = Duration::from_millis(1);

/// Readings by number, one of each device in turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) devices: u64,
    pub(super) first_measured_at: Timestamp,
    /// Whether every second device sends readings that it measured 30 days ago.
    pub(super) late: bool,
}

impl Load {
    /// A load of `readings` readings, of which the last was measured just now.
    pub(super) fn ending_now(readings: u64, devices: u64) -> Self {
        let length = APART * u32::try_from(readings).unwrap_or(u32::MAX);
        Self { devices, first_measured_at: Timestamp::now() - length, late: false }
    }

    pub(super) fn reading(&self, number: u64) -> Reading {
        let measured_at = self.first_measured_at + APART * u32::try_from(number).unwrap_or(u32::MAX);
        let is_late = self.late && (number % self.devices) % 2 == 1;
        self.reading_at(number, if is_late { measured_at - LATE } else { measured_at })
    }

    /// The same load, measured at another time.
    pub(super) fn reading_at(&self, number: u64, measured_at: Timestamp) -> Reading {
        let device = format!("bench-{:06}", number % self.devices);
        let whole = Timestamp::from_microsecond(measured_at.as_microsecond());
        Reading {
            series: Series::new("temperature", &device).expect("letters and digits are a topic"),
            value: 15.0 + (scatter(number) % 1_000) as f64 / 100.0,
            unit: Some("celsius".into()),
            measured_at: whole.expect("a time's whole microseconds are a time"),
            received_at: measured_at,
            boot: Some(1),
            seq: Some(number / self.devices),
        }
    }
}

/// Pseudo-random numbers that are the same in every run: SplitMix64.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_one_reading_and_every_second_device_may_be_late() {
        let load = Load { devices: 10, first_measured_at: Timestamp::UNIX_EPOCH, late: true };
        let (on_time, late) = (load.reading(20), load.reading(21));
        assert_eq!(on_time, load.reading(20));
        assert_eq!((on_time.series.device(), on_time.seq), ("bench-000000", Some(2)));
        assert_eq!(on_time.measured_at.as_millisecond(), 20);
        assert_eq!(late.measured_at.as_millisecond(), 21 - 30 * 86_400_000);
        assert!((0..1_000).all(|number| (15.0..25.0).contains(&load.reading(number).value)));
    }
}
