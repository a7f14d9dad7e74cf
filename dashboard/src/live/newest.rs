//! The newest reading of every series, its state, and when that changed; pure.

use std::collections::{BTreeMap, BTreeSet};

use api::forms::State;
use jiff::Timestamp;
use telemetry::{Reading, Series, is_ahead};

use super::ages::{Ages, since};

/// A compact id of a series, valid within this process.
pub(crate) type Id = u32;

/// The number of a frame.
pub(crate) type Version = u64;

/// A series with its newest reading.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) reading: Reading,
    pub(crate) state: State,
    changed: Version,
    /// The frame in which its name or unit last changed.
    pub(crate) named: Version,
    /// When it goes into its next state.
    expires: Option<Timestamp>,
}

/// The newest reading of every series. The cost of a frame depends on what changed, not on how many series there are.
#[derive(Debug)]
pub(crate) struct Newest {
    ages: Ages,
    version: Version,
    entries: Vec<Entry>,
    /// Ids of entries that were removed, to be used again.
    free: Vec<Id>,
    by_series: BTreeMap<Series, Id>,
    by_change: BTreeSet<(Version, Id)>,
    by_expiry: BTreeSet<(Timestamp, Id)>,
    /// When the states were last updated: a clock that shows an earlier time was set back.
    seen_at: Timestamp,
}

impl Newest {
    pub(crate) fn new(ages: Ages) -> Self {
        Self {
            ages,
            version: 0,
            entries: Vec::new(),
            free: Vec::new(),
            by_series: BTreeMap::new(),
            by_change: BTreeSet::new(),
            by_expiry: BTreeSet::new(),
            seen_at: Timestamp::MIN,
        }
    }

    /// The current frame.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Ends the current frame, and returns it.
    pub(crate) fn seal(&mut self) -> Version {
        self.version += 1;
        self.version - 1
    }

    /// Takes a reading, and returns the id of its series if that is new. A reading older than the newest changes nothing.
    pub(crate) fn observe(&mut self, reading: Reading, now: Timestamp) -> Option<Id> {
        let Some(&id) = self.by_series.get(&reading.series) else { return Some(self.add(reading, now)) };
        let entry = &mut self.entries[id as usize];
        if !replaces(&reading, &entry.reading, now) {
            return None;
        }
        if entry.reading.unit != reading.unit {
            entry.named = self.version;
        }
        entry.reading = reading;
        self.set_state(id, now);
        self.mark(id);
        None
    }

    /// Updates the states at this time.
    pub(crate) fn age(&mut self, now: Timestamp) {
        if now < self.seen_at {
            // Every reading may be younger than it was.
            self.ids().for_each(|id| self.update(id, now));
        }
        while let Some(&(expires, id)) = self.by_expiry.first()
            && expires < now
        {
            self.update(id, now);
        }
        self.seen_at = now;
    }

    /// All series, by metric and device.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.by_series.values().map(|id| self.entry(*id))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        self.by_series.values().copied().collect::<Vec<_>>().into_iter()
    }

    /// Removes series whose newest reading meets a condition, and returns their ids, which later series may get.
    pub(crate) fn remove(&mut self, is_meant: impl Fn(&Reading) -> bool) -> Vec<Id> {
        let Self { entries, by_series, by_change, by_expiry, free, .. } = self;
        let gone = by_series.extract_if(.., |_, id| is_meant(&entries[*id as usize].reading));
        let gone: Vec<Id> = gone.map(|(_, id)| id).collect();
        for id in &gone {
            let entry = &mut entries[*id as usize];
            by_change.remove(&(entry.changed, *id));
            if let Some(expires) = entry.expires.take() {
                by_expiry.remove(&(expires, *id));
            }
        }
        free.extend(&gone);
        gone
    }

    /// The series that changed in this frame or a later one, in the order of their last change.
    pub(crate) fn changed_since(&self, version: Version) -> impl Iterator<Item = Id> {
        self.by_change.range((version, 0)..).map(|(_, id)| *id)
    }

    pub(crate) fn entry(&self, id: Id) -> &Entry {
        &self.entries[id as usize]
    }

    fn count(&self) -> Id {
        Id::try_from(self.entries.len()).expect("fewer series than fit into memory")
    }

    fn add(&mut self, reading: Reading, now: Timestamp) -> Id {
        let version = self.version;
        let entry = Entry { reading, state: State::Fresh, changed: version, named: version, expires: None };
        let id = self.free.pop().unwrap_or_else(|| self.count());
        self.by_series.insert(entry.reading.series.clone(), id);
        match self.entries.get_mut(id as usize) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        self.set_state(id, now);
        self.mark(id);
        id
    }

    /// Updates the state of a series, and marks it as changed where it is another one.
    fn update(&mut self, id: Id, now: Timestamp) {
        let before = self.entry(id).state;
        self.set_state(id, now);
        if self.entry(id).state != before {
            self.mark(id);
        }
    }

    /// Sets the state of a series, and when it goes into the next one.
    fn set_state(&mut self, id: Id, now: Timestamp) {
        self.seen_at = self.seen_at.max(now);
        let entry = &mut self.entries[id as usize];
        let since = since(&entry.reading);
        entry.state = self.ages.state(since, now);
        let expires = self.ages.expiry(since, entry.state);
        if let Some(old) = std::mem::replace(&mut entry.expires, expires) {
            self.by_expiry.remove(&(old, id));
        }
        if let Some(expires) = expires {
            self.by_expiry.insert((expires, id));
        }
    }

    /// Marks a series as changed in the current frame.
    fn mark(&mut self, id: Id) {
        let changed = std::mem::replace(&mut self.entries[id as usize].changed, self.version);
        self.by_change.remove(&(changed, id));
        self.by_change.insert((self.version, id));
    }
}

/// Whether a reading is newer than another. One from the future, whose stamp is a clock's that was wrong, neither holds
/// back one that isn't nor takes its place.
fn replaces(reading: &Reading, other: &Reading, now: Timestamp) -> bool {
    match (is_ahead(since(reading), now), is_ahead(since(other), now)) {
        (false, true) => true,
        (true, false) => false,
        _ => order(reading) > order(other),
    }
}

/// By `measured_at`, then boot, then seq.
fn order(reading: &Reading) -> (Timestamp, Option<u64>, Option<u64>) {
    (reading.measured_at, reading.boot, reading.seq)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        newest.changed_since(version).map(|id| newest.entry(id).reading.value).collect()
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
            (-5, State::Stale, 1),
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
        assert_eq!(newest.entry(0).state, State::Stale);
        newest.age(at(30));
        assert_eq!(newest.entry(0).state, State::Fresh);
    }

    #[test]
    fn a_reading_from_the_future_holds_nothing_back_and_is_not_fresh() {
        const YEARS: i64 = 730 * 86_400;
        for ahead in [2, 3_600, YEARS] {
            let mut newest = Newest::new(AGES);
            newest.observe(reading(ahead, 1, 1.0), at(ahead));
            assert_eq!(newest.entry(0).state, State::Fresh, "its clock was believed");
            newest.age(at(0));
            assert_eq!(newest.entry(0).state, State::Stale, "{ahead}");
            newest.observe(reading(0, 2, 2.0), at(0));
            newest.observe(reading(ahead + 1, 1, 1.0), at(0));
            let entry = newest.entry(0);
            assert_eq!((entry.reading.value, entry.state), (2.0, State::Fresh), "{ahead}");
        }
    }

    #[test]
    fn a_device_whose_clock_is_ahead_ages_by_the_brokers() {
        let mut newest = Newest::new(AGES);
        newest.observe(Reading { received_at: at(0), ..reading(240, 1, 1.0) }, at(0));
        for (second, state) in
            [(0, State::Fresh), (30, State::Fresh), (31, State::Stale), (121, State::Offline)]
        {
            newest.age(at(second));
            assert_eq!(newest.entry(0).state, state, "{second}");
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_comes_back_anew() {
        let mut newest = Newest::new(AGES);
        let named =
            |name: &str, seq| Reading { series: Series::parse(name).unwrap(), ..reading(0, seq, 1.0) };
        for topic in ["temperature/a", "temperature/b"] {
            newest.observe(named(topic, 1), at(0));
        }
        assert_eq!(newest.remove(|reading| reading.series.device() == "a"), [0]);
        assert_eq!((newest.all().count(), newest.changed_since(0).collect::<Vec<_>>()), (1, vec![1]));
        newest.age(at(200));
        newest.age(at(-5));
        assert_eq!(newest.changed_since(0).collect::<Vec<_>>(), [1]);
        assert_eq!(newest.observe(named("temperature/c", 1), at(0)), Some(0), "its id is used again");
        assert_eq!(newest.observe(named("temperature/a", 1), at(0)), Some(2));
        assert_eq!(newest.all().count(), 3);
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
        assert_eq!(newest.entry(0).named, 0);
        newest.observe(Reading { unit: Some("celsius".into()), ..named("temperature/a", 3) }, at(0));
        assert_eq!(newest.entry(0).named, 3, "its unit is another one");
    }
}
