//! The newest reading of every device and metric, and how old it is; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use telemetry::{Reading, Topic};

/// When a device counts as stale and as offline, by the age of its newest reading's `measured_at`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Ages {
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    #[serde(with = "humantime_serde")]
    pub offline_after: Duration,
}

/// How much the newest value can be trusted to be today's, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Fresh,
    Stale,
    Offline,
}

impl Ages {
    fn state(&self, measured_at: Timestamp, now: Timestamp) -> State {
        // A device's clock may be a little ahead: that is no age.
        let age = Duration::try_from(now.duration_since(measured_at)).unwrap_or_default();
        if age > self.offline_after {
            State::Offline
        } else if age > self.stale_after {
            State::Stale
        } else {
            State::Fresh
        }
    }
}

/// The newest reading of every device and metric, and what has changed since it was last asked.
#[derive(Debug)]
pub struct Newest {
    ages: Ages,
    shown: BTreeMap<Topic, (Reading, State)>,
    changed: BTreeSet<Topic>,
}

impl Newest {
    #[must_use]
    pub fn new(ages: Ages) -> Self {
        Self { ages, shown: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// Takes a reading; one that is older than what is shown changes nothing.
    pub fn observe(&mut self, reading: Reading, now: Timestamp) {
        if self.shown.get(&reading.topic).is_some_and(|(shown, _)| order(shown) >= order(&reading)) {
            return;
        }
        let state = self.ages.state(reading.measured_at, now);
        self.changed.insert(reading.topic.clone());
        self.shown.insert(reading.topic.clone(), (reading, state));
    }

    /// Lets time pass: readings grow stale.
    pub fn age(&mut self, now: Timestamp) {
        for (topic, (reading, state)) in &mut self.shown {
            let aged = self.ages.state(reading.measured_at, now);
            if aged != *state {
                *state = aged;
                self.changed.insert(topic.clone());
            }
        }
    }

    /// All that is shown, by metric and device.
    pub fn all(&self) -> impl Iterator<Item = (&Reading, State)> {
        self.shown.values().map(|(reading, state)| (reading, *state))
    }

    /// What has changed since the last call.
    pub fn take_changed(&mut self) -> Vec<(&Reading, State)> {
        let changed = std::mem::take(&mut self.changed);
        let shown = &self.shown;
        changed
            .iter()
            .filter_map(|topic| shown.get(topic))
            .map(|(reading, state)| (reading, *state))
            .collect()
    }
}

/// By `measured_at`, then boot, then seq.
fn order(reading: &Reading) -> (Timestamp, Option<u64>, Option<u64>) {
    (reading.measured_at, reading.boot, reading.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: Ages = Ages { stale_after: Duration::from_secs(30), offline_after: Duration::from_secs(120) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_768_473_000 + second).unwrap()
    }

    fn reading(second: i64, seq: u64, value: f64) -> Reading {
        Reading {
            topic: Topic::parse("temperature/lab").unwrap(),
            value,
            unit: None,
            measured_at: at(second),
            received_at: at(second),
            boot: Some(1),
            seq: Some(seq),
        }
    }

    fn values(newest: &mut Newest) -> Vec<f64> {
        newest.take_changed().into_iter().map(|(reading, _)| reading.value).collect()
    }

    #[test]
    fn a_late_reading_never_replaces_a_newer_one() {
        let mut newest = Newest::new(AGES);
        newest.observe(reading(10, 5, 1.0), at(10));
        assert_eq!(values(&mut newest), [1.0]);
        newest.observe(reading(9, 9, 2.0), at(10));
        newest.observe(reading(10, 4, 3.0), at(10));
        newest.observe(reading(10, 5, 4.0), at(10));
        assert_eq!(values(&mut newest), [] as [f64; 0]);
        newest.observe(reading(10, 6, 5.0), at(10));
        assert_eq!(values(&mut newest), [5.0]);
    }

    #[test]
    fn a_reading_grows_stale_and_then_offline() {
        let mut newest = Newest::new(AGES);
        newest.observe(reading(0, 1, 1.0), at(0));
        for (second, state, changed) in [
            (0, State::Fresh, 1),
            (30, State::Fresh, 0),
            (31, State::Stale, 1),
            (120, State::Stale, 0),
            (121, State::Offline, 1),
            (-5, State::Fresh, 1),
        ] {
            newest.age(at(second));
            assert_eq!(newest.all().next().unwrap().1, state, "after {second} s");
            assert_eq!(newest.take_changed().len(), changed, "after {second} s");
        }
    }
}
