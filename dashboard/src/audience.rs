//! The pages that show the same sensors: what is theirs is found and written once.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};
use store::Incident;
use tokio::sync::watch;

use crate::json;
use crate::newest::{Id, Newest, Version};
use crate::topics::Topics;

/// Alerts that a page lists.
pub(crate) const ALERTS_LISTED: usize = 100;

/// A page hears from us this often, in ticks, even when nothing changes: within two seconds.
const HEARTBEAT_TICKS: u32 = 19;

/// Frames of one version that are kept for others who have seen as much: most pages are equally far.
const FRAMES_SHARED: usize = 8;

/// A value, and the frame in which it last changed.
#[derive(Debug, Default)]
pub(crate) struct Noted<T> {
    pub(crate) value: T,
    changed: Version,
}

impl<T: PartialEq> Noted<T> {
    pub(crate) fn note(&mut self, value: T, version: Version) {
        if self.value != value {
            *self = Self { value, changed: version };
        }
    }

    /// The value, for those who have not seen it.
    pub(crate) fn news(&self, since: Option<Version>) -> Option<&T> {
        since.is_none_or(|since| self.changed >= since).then_some(&self.value)
    }
}

/// An alert as JSON, and what it is about.
#[derive(Debug)]
pub(crate) struct Listed {
    topic: String,
    pub(crate) json: Box<RawValue>,
}

impl Listed {
    pub(crate) fn of(incident: &Incident) -> Self {
        let json =
            to_raw_value(&json::Incident::of(incident)).expect("an incident is a map of numbers and strings");
        Self { topic: format!("{}/{}", incident.metric, incident.device), json }
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

/// A set of ids in a bit each.
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

    fn contains(&self, id: Id) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

#[derive(Debug)]
pub(crate) struct Audience {
    topics: Topics,
    pub(crate) pages: usize,
    shown: Ids,
    pub(crate) alerts: Noted<Vec<Arc<Listed>>>,
    frames: Vec<(Option<Version>, Bytes)>,
    bell: watch::Sender<()>,
    quiet_ticks: u32,
}

impl Audience {
    pub(crate) fn new(topics: Topics, newest: &Newest, alerts: &[Arc<Listed>]) -> Self {
        let mut audience = Self {
            topics,
            pages: 0,
            shown: Ids::default(),
            alerts: Noted::default(),
            frames: Vec::new(),
            bell: watch::Sender::new(()),
            quiet_ticks: 0,
        };
        newest.ids().for_each(|id| audience.meet(id, newest));
        audience.list(alerts, newest.version());
        audience
    }

    /// Looks whether a sensor that nobody knew is shown here.
    pub(crate) fn meet(&mut self, id: Id, newest: &Newest) {
        if self.topics.matches(newest.sensor(id).reading.series.as_str()) {
            self.shown.insert(id);
        }
    }

    pub(crate) fn list(&mut self, alerts: &[Arc<Listed>], version: Version) {
        let mine = alerts.iter().filter(|alert| self.topics.matches(&alert.topic));
        self.alerts.note(mine.take(ALERTS_LISTED).cloned().collect(), version);
    }

    pub(crate) fn shows(&self, id: Id) -> bool {
        self.shown.contains(id)
    }

    /// Rings when the frame that has ended holds news, or after a time without any.
    pub(crate) fn tick(&mut self, ended: Version, newest: &Newest, is_news_for_all: bool) {
        self.frames.clear();
        self.quiet_ticks += 1;
        let is_news = is_news_for_all
            || self.alerts.news(Some(ended)).is_some()
            || newest.changed_since(ended).any(|id| self.shows(id));
        if is_news || self.quiet_ticks >= HEARTBEAT_TICKS {
            self.quiet_ticks = 0;
            self.bell.send_replace(());
        }
    }

    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// The frame that somebody else took who had seen as much.
    pub(crate) fn shared(&self, since: Option<Version>) -> Option<Bytes> {
        self.frames.iter().find(|(seen, _)| *seen == since).map(|(_, frame)| frame.clone())
    }

    pub(crate) fn share(&mut self, since: Option<Version>, frame: &Bytes) {
        if self.pages > 1 && self.frames.len() < FRAMES_SHARED {
            self.frames.push((since, frame.clone()));
        }
    }
}
