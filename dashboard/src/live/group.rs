//! The pages with one subscription: what they show is found and encoded once.

use std::sync::Arc;

use api::forms;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};
use store::{Incident, SilenceIndex};
use tokio::sync::watch;

use super::newest::{Id, Newest, Version};
use super::topics::Topics;

/// Incidents that a page lists.
pub(crate) const MAX_INCIDENTS: usize = 100;

/// Ticks after which a page gets a frame even when nothing changed: within two seconds.
const HEARTBEAT_TICKS: u32 = 19;

/// Encoded frames cached per version: most pages have seen equally much.
const FRAMES_SHARED: usize = 8;

/// A value, with the frame in which it last changed.
#[derive(Debug, Default)]
pub(crate) struct Versioned<T> {
    pub(crate) value: T,
    changed: Version,
}

impl<T: PartialEq> Versioned<T> {
    pub(crate) fn set(&mut self, value: T, version: Version) {
        if self.value != value {
            *self = Self { value, changed: version };
        }
    }

    /// The value, where it changed in the frame `since` or a later one.
    pub(crate) fn if_changed(&self, since: Option<Version>) -> Option<&T> {
        since.is_none_or(|since| self.changed >= since).then_some(&self.value)
    }
}

/// An incident as JSON, with its series as a topic.
#[derive(Debug)]
pub(crate) struct IncidentRow {
    topic: String,
    pub(crate) json: Box<RawValue>,
}

impl IncidentRow {
    /// An incident under the silences of a time.
    pub(crate) fn of(incident: &Incident, silences: &SilenceIndex, now: Timestamp) -> Self {
        let json = to_raw_value(&forms::Incident::under(incident, silences, now))
            .expect("an incident is a map of numbers and strings");
        Self { topic: format!("{}/{}", incident.metric, incident.device), json }
    }
}

impl PartialEq for IncidentRow {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

/// A set of ids, one bit each.
#[derive(Debug, Default)]
struct Ids(Vec<u64>);

impl Ids {
    fn insert(&mut self, id: Id) {
        let word = id as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    fn remove(&mut self, id: Id) {
        if let Some(word) = self.0.get_mut(id as usize / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    fn contains(&self, id: Id) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

/// The pages that subscribed to the same topics.
#[derive(Debug)]
pub(crate) struct SubscriptionGroup {
    topics: Topics,
    pub(crate) viewers: usize,
    shown: Ids,
    pub(crate) alerts: Versioned<Vec<Arc<IncidentRow>>>,
    frames: Vec<(Option<Version>, Bytes)>,
    notify: watch::Sender<()>,
    quiet_ticks: u32,
}

impl SubscriptionGroup {
    pub(crate) fn new(topics: Topics, newest: &Newest, alerts: &[Arc<IncidentRow>]) -> Self {
        let mut group = Self {
            topics,
            viewers: 0,
            shown: Ids::default(),
            alerts: Versioned::default(),
            frames: Vec::new(),
            notify: watch::Sender::new(()),
            quiet_ticks: 0,
        };
        newest.ids().for_each(|id| group.add_series(id, newest));
        group.set_incidents(alerts, newest.version());
        group
    }

    /// Adds a new series, where it matches the subscription.
    pub(crate) fn add_series(&mut self, id: Id, newest: &Newest) {
        if self.topics.matches(newest.entry(id).reading.series.as_str()) {
            self.shown.insert(id);
        }
    }

    /// Removes series: a frame of before may have them.
    pub(crate) fn remove_series(&mut self, ids: &[Id]) {
        ids.iter().for_each(|id| self.shown.remove(*id));
        self.frames.clear();
    }

    pub(crate) fn set_incidents(&mut self, alerts: &[Arc<IncidentRow>], version: Version) {
        let matching = alerts.iter().filter(|alert| self.topics.matches(&alert.topic));
        self.alerts.set(matching.take(MAX_INCIDENTS).cloned().collect(), version);
    }

    pub(crate) fn shows(&self, id: Id) -> bool {
        self.shown.contains(id)
    }

    /// Notifies the pages when the frame that ended has a change for them, or as a heartbeat.
    pub(crate) fn tick(&mut self, ended: Version, newest: &Newest, changed_for_all: bool) {
        self.frames.clear();
        self.quiet_ticks += 1;
        let has_changed = changed_for_all
            || self.alerts.if_changed(Some(ended)).is_some()
            || newest.changed_since(ended).any(|id| self.shows(id));
        if has_changed || self.quiet_ticks >= HEARTBEAT_TICKS {
            self.quiet_ticks = 0;
            self.notify.send_replace(());
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.notify.subscribe()
    }

    /// The encoded frame of another page that had seen as much.
    pub(crate) fn shared(&self, since: Option<Version>) -> Option<Bytes> {
        self.frames.iter().find(|(seen, _)| *seen == since).map(|(_, frame)| frame.clone())
    }

    pub(crate) fn share(&mut self, since: Option<Version>, frame: &Bytes) {
        if self.viewers > 1 && self.frames.len() < FRAMES_SHARED {
            self.frames.push((since, frame.clone()));
        }
    }
}
