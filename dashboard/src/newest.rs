//! The newest reading of every sensor, how old it is and when that changed; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use telemetry::{Reading, Series};

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
    /// When a reading of this state comes into the next one: just after this time.
    fn turns(&self, measured_at: Timestamp, state: State) -> Option<Timestamp> {
        let limit = match state {
            State::Fresh => self.stale_after,
            State::Stale => self.offline_after,
            State::Offline => return None,
        };
        measured_at.checked_add(limit).ok()
    }

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

/// What a sensor, a metric of a device, is called among us: as good as its topic, and shorter.
pub(crate) type Id = u32;

/// Counts the frames; something changed in the frame that was in the making then.
pub(crate) type Version = u64;

/// The newest reading of a metric of a device.
#[derive(Debug)]
pub(crate) struct Sensor {
    pub(crate) reading: Reading,
    pub(crate) state: State,
    changed: Version,
    /// When its topic and unit were last other ones.
    pub(crate) named: Version,
    /// When it grows older, as it stands among those that do.
    turns: Option<Timestamp>,
}

/// The newest reading of every sensor, kept once; what it costs goes by what changes, not by how many there are.
#[derive(Debug)]
pub(crate) struct Newest {
    ages: Ages,
    version: Version,
    sensors: Vec<Sensor>,
    by_topic: BTreeMap<Series, Id>,
    by_change: BTreeSet<(Version, Id)>,
    by_turn: BTreeSet<(Timestamp, Id)>,
    /// When states were last seen to: a clock that shows an earlier time was set back.
    seen_at: Timestamp,
}

impl Newest {
    pub(crate) fn new(ages: Ages) -> Self {
        Self {
            ages,
            version: 0,
            sensors: Vec::new(),
            by_topic: BTreeMap::new(),
            by_change: BTreeSet::new(),
            by_turn: BTreeSet::new(),
            seen_at: Timestamp::MIN,
        }
    }

    /// The frame in the making.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Ends the frame in the making, and returns it.
    pub(crate) fn seal(&mut self) -> Version {
        self.version += 1;
        self.version - 1
    }

    /// Takes a reading, and returns its sensor if it is the first one; one older than what is shown changes nothing.
    pub(crate) fn observe(&mut self, reading: Reading, now: Timestamp) -> Option<Id> {
        let Some(&id) = self.by_topic.get(&reading.series) else { return Some(self.add(reading, now)) };
        let sensor = &mut self.sensors[id as usize];
        if order(&sensor.reading) >= order(&reading) {
            return None;
        }
        if sensor.reading.unit != reading.unit {
            sensor.named = self.version;
        }
        sensor.reading = reading;
        self.place(id, now);
        self.mark(id);
        None
    }

    /// Lets time pass: readings grow stale.
    pub(crate) fn age(&mut self, now: Timestamp) {
        if now < self.seen_at {
            // Anything may be younger than it was.
            (0..self.count()).for_each(|id| self.turn(id, now));
        }
        while let Some(&(turns, id)) = self.by_turn.first()
            && turns < now
        {
            self.turn(id, now);
        }
        self.seen_at = now;
    }

    /// By metric and device.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Sensor> {
        self.by_topic.values().map(|id| self.sensor(*id))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        0..self.count()
    }

    /// Those that changed in this frame or a later one, by their last change.
    pub(crate) fn changed_since(&self, version: Version) -> impl Iterator<Item = Id> {
        self.by_change.range((version, 0)..).map(|(_, id)| *id)
    }

    pub(crate) fn sensor(&self, id: Id) -> &Sensor {
        &self.sensors[id as usize]
    }

    fn count(&self) -> Id {
        Id::try_from(self.sensors.len()).expect("fewer sensors than fit into memory")
    }

    fn add(&mut self, reading: Reading, now: Timestamp) -> Id {
        let (id, version) = (self.count(), self.version);
        self.by_topic.insert(reading.series.clone(), id);
        self.sensors.push(Sensor {
            reading,
            state: State::Fresh,
            changed: version,
            named: version,
            turns: None,
        });
        self.place(id, now);
        self.mark(id);
        id
    }

    /// Sees how old it is, and says so where that is news.
    fn turn(&mut self, id: Id, now: Timestamp) {
        let before = self.sensor(id).state;
        self.place(id, now);
        if self.sensor(id).state != before {
            self.mark(id);
        }
    }

    /// Gives it its state, and its place among those that grow older.
    fn place(&mut self, id: Id, now: Timestamp) {
        self.seen_at = self.seen_at.max(now);
        let sensor = &mut self.sensors[id as usize];
        sensor.state = self.ages.state(sensor.reading.measured_at, now);
        let turns = self.ages.turns(sensor.reading.measured_at, sensor.state);
        if let Some(old) = std::mem::replace(&mut sensor.turns, turns) {
            self.by_turn.remove(&(old, id));
        }
        if let Some(turns) = turns {
            self.by_turn.insert((turns, id));
        }
    }

    fn mark(&mut self, id: Id) {
        let changed = std::mem::replace(&mut self.sensors[id as usize].changed, self.version);
        self.by_change.remove(&(changed, id));
        self.by_change.insert((self.version, id));
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
            series: Series::parse("temperature/lab").unwrap(),
            value,
            unit: None,
            measured_at: at(second),
            received_at: at(second),
            boot: Some(1),
            seq: Some(seq),
        }
    }

    /// What has changed in the frame that this ends.
    fn values(newest: &mut Newest) -> Vec<f64> {
        let version = newest.seal();
        newest.changed_since(version).map(|id| newest.sensor(id).reading.value).collect()
    }

    #[test]
    fn a_late_reading_never_replaces_a_newer_one() {
        let mut newest = Newest::new(AGES);
        assert_eq!(newest.observe(reading(10, 5, 1.0), at(10)), Some(0));
        assert_eq!(values(&mut newest), [1.0]);
        for (second, seq, value) in [(9, 9, 2.0), (10, 4, 3.0), (10, 5, 4.0)] {
            assert_eq!(newest.observe(reading(second, seq, value), at(10)), None);
        }
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
            (200, State::Offline, 1),
        ] {
            newest.age(at(second));
            assert_eq!(newest.all().next().unwrap().state, state, "after {second} s");
            assert_eq!(values(&mut newest).len(), changed, "after {second} s");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_after_a_reading_makes_it_younger() {
        let mut newest = Newest::new(AGES);
        newest.observe(reading(0, 1, 1.0), at(31));
        assert_eq!(newest.sensor(0).state, State::Stale);
        newest.age(at(30));
        assert_eq!(newest.sensor(0).state, State::Fresh);
    }

    #[test]
    fn what_changed_is_there_in_the_order_of_its_last_change() {
        let mut newest = Newest::new(AGES);
        let named =
            |name: &str, seq| Reading { series: Series::parse(name).unwrap(), ..reading(0, seq, 1.0) };
        for topic in ["temperature/a", "temperature/b", "temperature/c"] {
            newest.observe(named(topic, 1), at(0));
            newest.seal();
        }
        newest.observe(named("temperature/a", 2), at(0));
        assert_eq!(newest.changed_since(1).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(newest.changed_since(3).collect::<Vec<_>>(), [0]);
        assert_eq!(newest.changed_since(4).count(), 0);
        assert_eq!(newest.sensor(0).named, 0);
        newest.observe(Reading { unit: Some("celsius".into()), ..named("temperature/a", 3) }, at(0));
        assert_eq!(newest.sensor(0).named, 3, "its unit is another one");
    }
}
