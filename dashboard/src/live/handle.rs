//! The shared state of the live view: each page takes a snapshot first, then changes, when it is ready for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use api::forms::{self, Page, State};
use api::{Heard, Newest};
use bytes::Bytes;
use jiff::Timestamp;
use service::{Durations, Metrics};
use store::{Alias, Forgotten, Incident, SilenceIndex};
use telemetry::time::age;
use telemetry::{Clock, Reading, Scope, Series};
use tokio::sync::watch;

use super::ages::Ages;
use super::alerting::OpenIncidents;
use super::counts::Counts;
use super::group::IncidentRow;
use super::newest::{Entry, Version};
use super::topics::Topics;
use super::view::View;

/// The state of the live view; clones share it.
#[derive(Debug, Clone)]
pub struct Live {
    view: Arc<Mutex<View>>,
    clock: Arc<dyn Clock>,
    /// Whether what is stored was read at least once.
    is_loaded: Arc<AtomicBool>,
    latency: Durations,
}

/// When messages were received that no frame has yet, and how many readings each has.
pub(crate) type Arrivals = Vec<(Timestamp, u64)>;

impl Live {
    /// A live view of nothing yet, by this clock.
    #[must_use]
    pub fn new(ages: Ages, clock: Arc<dyn Clock>) -> Self {
        let view = Arc::new(Mutex::new(View::new(ages)));
        Self { view, clock, is_loaded: Arc::default(), latency: Durations::default() }
    }

    /// The same, whose latency is among these metrics.
    #[must_use]
    pub fn measured(self, metrics: &Metrics) -> Self {
        let help = "Time from when a reading was received until pages could take it";
        Self { latency: metrics.of("dashboard").register("latency_seconds", help), ..self }
    }

    /// Sets by how many seconds the writer is behind; `None` while that is not known.
    pub fn set_behind(&self, seconds: Option<f64>) {
        self.view().set_behind(seconds);
    }

    /// Sets how many groups of topics no rule reads.
    pub fn set_unmapped(&self, groups: u64) {
        self.view().set_unmapped(groups);
    }

    pub(crate) fn observe(&self, readings: impl IntoIterator<Item = Reading>) {
        let now = self.now();
        let mut view = self.view();
        readings.into_iter().for_each(|reading| view.observe(reading, now));
    }

    /// Takes the newest readings that are stored: from here on all series are known.
    pub(crate) fn load(&self, stored: Vec<Reading>) {
        self.observe(stored);
        self.is_loaded.store(true, Ordering::Release);
    }

    /// Sets which devices were forgotten, and which names devices had that no device has any more.
    pub(crate) fn set_forgotten(&self, forgotten: Vec<Forgotten>, aliases: &[Alias]) {
        let old = aliases.iter().map(|alias| (alias.old.clone(), Timestamp::MAX));
        let forgotten = forgotten.into_iter().map(|one| (one.device, one.at)).chain(old).collect();
        self.view().set_forgotten(forgotten);
    }

    /// Sets the incidents that pages list, under the silences of a time.
    pub(crate) fn set_incidents(&self, incidents: &[Incident], silences: &SilenceIndex, now: Timestamp) {
        let row = |incident| Arc::new(IncidentRow::of(incident, silences, now));
        let alerts = incidents.iter().map(row).collect();
        self.view().set_incidents(alerts);
    }

    /// Sets which series have open incidents, whether they are listed or not.
    pub(crate) fn set_alerting(&self, open: OpenIncidents) {
        self.view().set_alerting(open);
    }

    pub(crate) fn set_counts(&self, counts: Counts) {
        self.view().set_counts(counts);
    }

    /// Notifies pages that they can take what changed since the last call.
    pub(crate) fn tick(&self) {
        let now = self.now();
        self.view().tick(now);
    }

    /// From now on pages can take these.
    pub(crate) fn shown(&self, arrivals: &mut Arrivals) {
        if arrivals.is_empty() {
            return;
        }
        let now = self.now();
        for (received_at, count) in arrivals.drain(..) {
            self.latency.observe_many(age(now, received_at), count);
        }
    }

    /// Subscribes a page that has seen nothing yet.
    pub(crate) fn watch(&self, topics: Topics) -> Viewer {
        let notified = self.view().enter(&topics);
        Viewer { live: self.clone(), topics, notified, since: None }
    }

    /// How many devices are fresh, stale and offline: a device is as fresh as the newest of its readings.
    pub(crate) fn devices_by_state(&self) -> DevicesByState {
        let view = self.view();
        let mut best: HashMap<&str, State> = HashMap::new();
        for entry in view.entries() {
            let best = best.entry(entry.reading.series.device()).or_insert(entry.state);
            *best = entry.state.min(*best);
        }
        let count = |state| best.values().filter(|best| **best == state).count();
        DevicesByState {
            fresh: count(State::Fresh),
            stale: count(State::Stale),
            offline: count(State::Offline),
        }
    }

    /// What was heard of some devices.
    fn heard(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Heard> {
        let mut view = self.view();
        view.age(self.now());
        let mut devices = BTreeMap::<String, Heard>::new();
        for Entry { reading, state, .. } in view.entries() {
            let device = reading.series.device();
            if !is_wanted(device) {
                continue;
            }
            let row = forms::Series::new(reading, *state).into_owned();
            let heard = devices
                .entry(device.to_owned())
                .or_insert_with(|| Heard { last_seen: reading.measured_at, series: Vec::new() });
            heard.last_seen = heard.last_seen.max(reading.measured_at);
            heard.series.push(row);
        }
        devices
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().expect("no code panics while it holds the view")
    }
}

impl Newest for Live {
    fn page(&self, scope: &Scope, after: Option<&Series>, limit: usize) -> Option<String> {
        if !self.is_loaded.load(Ordering::Acquire) {
            return None;
        }
        let mut view = self.view();
        view.age(self.now());
        let mut page = Page::new("series", limit);
        let mut last: Option<&Series> = None;
        for Entry { reading, state, .. } in view.entries() {
            let is_before = after.is_some_and(|after| reading.series <= *after);
            if is_before || !scope.holds(reading.series.device()) {
                continue;
            }
            if !page.push(&forms::Series::new(reading, *state)) {
                return Some(page.end(last.map(Series::as_str)));
            }
            last = Some(&reading.series);
        }
        Some(page.end(None))
    }

    fn devices(&self, scope: &Scope) -> Option<BTreeMap<String, Heard>> {
        self.is_loaded.load(Ordering::Acquire).then(|| self.heard(|device| scope.holds(device)))
    }

    fn device(&self, name: &str) -> Option<Heard> {
        self.heard(|device| device == name).remove(name)
    }

    fn forget(&self, name: &str, at: Timestamp) {
        self.view().forget(name.to_owned(), at);
    }
}

/// How many devices are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DevicesByState {
    pub(crate) fresh: usize,
    pub(crate) stale: usize,
    pub(crate) offline: usize,
}

/// An open page: its subscription, and how much it has seen.
#[derive(Debug)]
pub(crate) struct Viewer {
    live: Live,
    topics: Topics,
    notified: watch::Receiver<()>,
    since: Option<Version>,
}

impl Viewer {
    /// Waits until there is something to take, at most ten times a second; safe to cancel.
    pub(crate) async fn changed(&mut self) {
        // It fails when the group is gone, which lasts as long as this page.
        let _ = self.notified.changed().await;
    }

    /// Takes everything that changed since the last call; the first time, all there is.
    pub(crate) fn take(&mut self) -> Bytes {
        let now = self.live.now();
        let (frame, version) = self.live.view().take(&self.topics, self.since, now);
        self.since = Some(version);
        frame
    }

    /// Changes the subscription, within what the viewer sees: the next frame is a snapshot.
    pub(crate) fn subscribe(&mut self, topics: Topics) {
        *self = self.live.watch(topics.within(self.topics.scope()));
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.view().leave(&self.topics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use telemetry::Series;

    #[test]
    fn readings_are_as_late_as_the_frame_in_which_they_are() {
        let (metrics, ages) =
            (Metrics::default(), Ages { stale_after: Duration::ZERO, offline_after: Duration::MAX });
        let now: Timestamp = "2026-01-15T10:30:00Z".parse().unwrap();
        let live = Live::new(ages, Arc::new(testkit::FakeClock::showing(now))).measured(&metrics);
        let mut arrivals = vec![(now - Duration::from_millis(90), 2), (now - Duration::from_secs(20), 1)];
        live.shown(&mut arrivals);
        live.shown(&mut arrivals);
        let text = metrics.text();
        for line in ["bucket{le=\"0.05\"} 0", "bucket{le=\"0.1\"} 2", "bucket{le=\"30.0\"} 3", "count 3"] {
            assert!(
                text.contains(&format!("\nmillrace_dashboard_latency_seconds_{line}\n")),
                "{line}: {text}"
            );
        }
    }

    #[test]
    fn a_device_is_as_fresh_as_the_newest_of_its_readings() {
        let ages = Ages { stale_after: Duration::from_secs(100), offline_after: Duration::from_secs(1_000) };
        let live = Live::new(ages, Arc::new(telemetry::SystemClock::default()));
        let now = Timestamp::now();
        let reading = |(topic, age): (&str, u64)| {
            let measured_at = now - Duration::from_secs(age);
            let topic = Series::parse(topic).unwrap();
            Reading {
                series: topic,
                value: 1.0,
                unit: None,
                measured_at,
                received_at: now,
                boot: None,
                seq: None,
            }
        };
        assert_eq!(live.devices_by_state(), DevicesByState::default());
        let readings =
            [("temperature/a", 5_000), ("humidity/a", 1), ("temperature/b", 500), ("humidity/b", 5_000)];
        live.observe(readings.map(reading));
        live.observe([reading(("temperature/site/c", 5_000))]);
        assert_eq!(live.devices_by_state(), DevicesByState { fresh: 1, stale: 1, offline: 1 });
    }
}
