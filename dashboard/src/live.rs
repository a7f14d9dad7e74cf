//! What every open page is told: a snapshot first, then changes, each page when it is ready for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::Timestamp;
use store::Incident;
use telemetry::Reading;
use tokio::sync::watch;

use crate::audience::Listed;
use crate::json;
use crate::newest::{Ages, State, Version};
use crate::pipeline::Devices;
use crate::topics::Topics;
use crate::view::View;

/// The state that pages show; clones share it.
#[derive(Debug, Clone)]
pub struct Live {
    view: Arc<Mutex<View>>,
}

impl Live {
    #[must_use]
    pub fn new(ages: Ages) -> Self {
        Self { view: Arc::new(Mutex::new(View::new(ages))) }
    }

    /// By how many seconds the writer is behind; None while nobody knows.
    pub fn note_behind(&self, seconds: Option<f64>) {
        self.view().note_behind(seconds);
    }

    pub(crate) fn observe(&self, readings: impl IntoIterator<Item = Reading>) {
        let now = Timestamp::now();
        let mut view = self.view();
        readings.into_iter().for_each(|reading| view.observe(reading, now));
    }

    pub(crate) fn note_alerts(&self, incidents: &[Incident]) {
        let alerts = incidents.iter().map(|incident| Arc::new(Listed::of(incident))).collect();
        self.view().note_alerts(alerts);
    }

    pub(crate) fn note_counts(&self, open_alerts: u64, rejected: u64) {
        self.view().note_counts(open_alerts, rejected);
    }

    /// Tells pages that what has changed since the last call can be taken.
    pub(crate) fn tick(&self) {
        self.view().tick(Timestamp::now());
    }

    /// A page that has seen nothing yet.
    pub(crate) fn watch(&self, topics: Topics) -> Viewer {
        let bell = self.view().enter(&topics);
        Viewer { live: self.clone(), topics, bell, since: None }
    }

    /// `{"series": […]}`.
    pub(crate) fn series(&self) -> String {
        let mut view = self.view();
        view.age(Timestamp::now());
        json::listed("series", view.sensors().map(|sensor| json::Series::of((&sensor.reading, sensor.state))))
    }

    /// A device is as fresh as the newest of its readings.
    pub(crate) fn devices_by_age(&self) -> Devices {
        let view = self.view();
        let mut best: HashMap<&str, State> = HashMap::new();
        for sensor in view.sensors() {
            let best = best.entry(sensor.reading.series.device()).or_insert(sensor.state);
            *best = sensor.state.min(*best);
        }
        let count = |state| best.values().filter(|best| **best == state).count();
        Devices { fresh: count(State::Fresh), stale: count(State::Stale), offline: count(State::Offline) }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().expect("no code panics while it holds the view")
    }
}

/// An open page: what it shows, and how far it has seen that.
#[derive(Debug)]
pub(crate) struct Viewer {
    live: Live,
    topics: Topics,
    bell: watch::Receiver<()>,
    since: Option<Version>,
}

impl Viewer {
    /// Returns when there is something to take, at most ten times a second; safe to cancel.
    pub(crate) async fn news(&mut self) {
        // It fails when the bell is gone, and that is there as long as we are.
        let _ = self.bell.changed().await;
    }

    /// All that has changed since the last call, or everything.
    pub(crate) fn take(&mut self) -> Bytes {
        let (frame, version) = self.live.view().take(&self.topics, self.since, Timestamp::now());
        self.since = Some(version);
        frame
    }

    /// Shows other sensors from here on: the next frame is a snapshot.
    pub(crate) fn turn_to(&mut self, topics: Topics) {
        *self = self.live.watch(topics);
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
    fn a_device_is_as_fresh_as_the_newest_of_its_readings() {
        let live = Live::new(Ages {
            stale_after: Duration::from_secs(100),
            offline_after: Duration::from_secs(1_000),
        });
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
        assert_eq!(live.devices_by_age(), Devices::default());
        let readings =
            [("temperature/a", 5_000), ("humidity/a", 1), ("temperature/b", 500), ("humidity/b", 5_000)];
        live.observe(readings.map(reading));
        live.observe([reading(("temperature/site/c", 5_000))]);
        assert_eq!(live.devices_by_age(), Devices { fresh: 1, stale: 1, offline: 1 });
    }
}
