//! What a simulated sensor measures: a pure function of seed and time.

use std::f64::consts::TAU;

use jiff::Timestamp;
use telemetry::fnv1a_64_of_parts;

/// A quantity that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Metric {
    /// In degrees Celsius: 20–24, with excursions to 26–33.
    Temperature,
    /// In percent: 34–58, with excursions to 52–88.
    Humidity,
    /// In hectopascal: 1001–1025.
    Pressure,
}

impl Metric {
    /// The metric's name, as in topics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Humidity => "humidity",
            Self::Pressure => "pressure",
        }
    }

    /// The unit's name, as in payloads.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Temperature => "celsius",
            Self::Humidity => "percent",
            Self::Pressure => "hectopascal",
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Temperature => Shape {
                base: (21.0, 22.5),
                daily: 0.6,
                drift: 0.3,
                noise: 0.08,
                excursion: Some((6.0, 9.0)),
                steps_per_unit: 100.0,
            },
            Self::Humidity => Shape {
                base: (42.0, 50.0),
                daily: -3.0,
                drift: 4.0,
                noise: 0.3,
                excursion: Some((20.0, 30.0)),
                steps_per_unit: 10.0,
            },
            Self::Pressure => Shape {
                base: (1008.0, 1018.0),
                daily: 0.8,
                drift: 6.0,
                noise: 0.05,
                excursion: None,
                steps_per_unit: 10.0,
            },
        }
    }
}

/// Amplitudes in the metric's unit.
#[derive(Debug, Clone, Copy)]
struct Shape {
    base: (f64, f64),
    /// Highest at three in the afternoon, UTC.
    daily: f64,
    drift: f64,
    noise: f64,
    /// How far an excursion goes up.
    excursion: Option<(f64, f64)>,
    /// The sensor's resolution.
    steps_per_unit: f64,
}

const DAY_SECONDS: f64 = 86_400.0;
const WARMEST_SECONDS: f64 = 15.0 * 3600.0;

/// The time between two turning points of the drift.
const DRIFT_SECONDS: f64 = 3.0 * 3600.0;

/// The time between two turning points of the noise. It is slow beside an excursion's edge, so that 25 °C is crossed
/// once each way at any sampling rate.
const NOISE_SECONDS: f64 = 2.0;

/// Each such period has at most one excursion, wholly within it.
const PERIOD_SECONDS: f64 = 300.0;
const EXCURSION_CHANCE: f64 = 0.3;
const PLATEAU_SECONDS: (f64, f64) = (20.0, 150.0);
const EDGE_SECONDS: (f64, f64) = (6.0, 12.0);

/// The value of one sensor over time: a daily cycle, slow drift, noise, and now and then an excursion.
#[derive(Debug, Clone)]
pub struct Signal {
    shape: Shape,
    seed: u64,
    base: f64,
}

impl Signal {
    /// Signals differ by metric, device and seed; those that agree in all three are the same.
    #[must_use]
    pub fn new(metric: Metric, device: &str, seed: u64) -> Self {
        let seed = fnv1a_64_of_parts([metric.name().as_bytes(), device.as_bytes(), &seed.to_le_bytes()]);
        let shape = metric.shape();
        Self { shape, seed, base: between(shape.base, chance(seed, "base", 0)) }
    }

    /// The value at that time, in the metric's unit.
    #[must_use]
    pub fn value_at(&self, time: Timestamp) -> f64 {
        let seconds = time.as_microsecond() as f64 / 1e6;
        let value = self.base
            + self.shape.daily * (TAU * (seconds - WARMEST_SECONDS) / DAY_SECONDS).cos()
            + self.shape.drift * self.wander("drift", seconds / DRIFT_SECONDS)
            + self.shape.noise * self.wander("noise", seconds / NOISE_SECONDS)
            + self.excursion(seconds);
        (value * self.shape.steps_per_unit).round() / self.shape.steps_per_unit
    }

    /// A smooth random walk between -1 and 1 that takes a new direction at every whole step.
    fn wander(&self, name: &str, step: f64) -> f64 {
        let whole = step.floor();
        let turn = |n: f64| 2.0 * chance(self.seed, name, n as i64) - 1.0;
        let (from, to, part) = (turn(whole), turn(whole + 1.0), step - whole);
        from + (to - from) * part * part * (3.0 - 2.0 * part)
    }

    fn excursion(&self, seconds: f64) -> f64 {
        let period = (seconds / PERIOD_SECONDS).floor();
        let draw = |name: &str| chance(self.seed, name, period as i64);
        let Some(height) = self.shape.excursion.filter(|_| draw("excursion") < EXCURSION_CHANCE) else {
            return 0.0;
        };
        let rise = between(EDGE_SECONDS, draw("rise"));
        let plateau = between(PLATEAU_SECONDS, draw("plateau"));
        let fall = between(EDGE_SECONDS, draw("fall"));
        let spare = PERIOD_SECONDS - rise - plateau - fall;
        let start = period * PERIOD_SECONDS + spare * draw("start");
        let since = seconds - start;
        let risen = (since / rise).clamp(0.0, 1.0);
        let fallen = ((since - rise - plateau) / fall).clamp(0.0, 1.0);
        between(height, draw("height")) * (risen - fallen)
    }
}

fn between((low, high): (f64, f64), part: f64) -> f64 {
    low + (high - low) * part
}

/// A number from 0 to 1 that depends on its arguments alone.
fn chance(seed: u64, name: &str, index: i64) -> f64 {
    let hash = fnv1a_64_of_parts([&seed.to_le_bytes(), name.as_bytes(), &index.to_le_bytes()]);
    mixed(hash) as f64 / u64::MAX as f64
}

/// Spreads a hash's low bits over all of it: the last step of SplitMix64.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const DEVICES: [&str; 3] = ["data_center_a1", "data_center_b1", "data_center_c1"];

    fn start() -> Timestamp {
        "2026-01-15T00:00:00Z".parse().unwrap()
    }

    fn values(signal: &Signal, every: Duration, count: u32) -> Vec<f64> {
        (0..count).map(|n| signal.value_at(start() + every * n)).collect()
    }

    fn day(signal: &Signal) -> Vec<f64> {
        values(signal, Duration::from_secs(1), 86_400)
    }

    /// How often the values go above 25.
    fn excursions(values: &[f64]) -> usize {
        values.windows(2).filter(|pair| pair[0] <= 25.0 && pair[1] > 25.0).count()
    }

    #[test]
    fn a_signal_depends_on_metric_device_seed_and_time_alone() {
        let hour =
            |metric, device, seed| values(&Signal::new(metric, device, seed), Duration::from_secs(1), 3600);
        let first = hour(Metric::Temperature, "lab", 1);
        assert_eq!(first, hour(Metric::Temperature, "lab", 1));
        for other in [
            hour(Metric::Temperature, "lab", 2),
            hour(Metric::Temperature, "lap", 1),
            hour(Metric::Humidity, "lab", 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn values_keep_to_their_range() {
        for (metric, low, high) in [
            (Metric::Temperature, 20.0, 32.5),
            (Metric::Humidity, 34.7, 87.3),
            (Metric::Pressure, 1001.1, 1024.9),
        ] {
            for device in DEVICES {
                let values = day(&Signal::new(metric, device, 7));
                assert!(values.iter().all(|v| (low..=high).contains(v)), "{metric:?} {device}");
            }
        }
    }

    #[test]
    fn most_of_a_day_is_calm_and_some_of_it_is_not() {
        for device in DEVICES {
            let values = day(&Signal::new(Metric::Temperature, device, 7));
            let above = values.iter().filter(|v| **v > 25.0).count();
            assert!((40..140).contains(&excursions(&values)), "{device}: {}", excursions(&values));
            assert!(above < values.len() / 5, "{device}: {above} seconds above 25 °C");
        }
    }

    #[test]
    fn an_excursion_lasts_from_tens_of_seconds_to_minutes() {
        let values = day(&Signal::new(Metric::Temperature, "lab", 7));
        let lengths: Vec<usize> = values
            .chunk_by(|a, b| (*a > 25.0) == (*b > 25.0))
            .filter(|run| run[0] > 25.0)
            .map(<[f64]>::len)
            .collect();
        assert!(lengths.iter().all(|seconds| (20..180).contains(seconds)), "{lengths:?}");
    }

    #[test]
    fn noise_does_not_cross_the_threshold_again_however_often_one_looks() {
        for device in DEVICES {
            let signal = Signal::new(Metric::Temperature, device, 7);
            let seldom = values(&signal, Duration::from_secs(1), 7200);
            let often = values(&signal, Duration::from_millis(100), 72_000);
            assert_eq!(excursions(&often), excursions(&seldom), "{device}");
            assert!(excursions(&often) > 2, "{device}");
        }
    }

    #[test]
    fn neighbouring_readings_differ_a_little() {
        let values = values(&Signal::new(Metric::Temperature, "lab", 7), Duration::from_secs(1), 86_400);
        let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        assert!(steps.iter().filter(|step| **step > 0.0).count() > 70_000);
        assert!(steps.iter().all(|step| *step < 1.8));
    }
}
