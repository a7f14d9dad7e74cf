//! What all pages show, and what each of them has not seen yet; pure but for the bell.
//!
//! Every change is marked with the frame in the making. A page remembers the first frame that it has not seen whole, and
//! when it is ready it takes all that changed since: however slow it is, it owes us nothing but that number.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use telemetry::Reading;
use tokio::sync::watch;

use crate::audience::{Audience, Listed, Noted};
use crate::frame::Frame;
use crate::newest::{Ages, Newest, Sensor, Version};
use crate::topics::Topics;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(crate) struct View {
    newest: Newest,
    /// More than any page lists, so that a page that shows few sensors finds theirs.
    alerts: Vec<Arc<Listed>>,
    open_alerts: Noted<u64>,
    rejected: Noted<u64>,
    behind: Noted<Option<f64>>,
    audiences: HashMap<Topics, Audience>,
}

impl View {
    pub(crate) fn new(ages: Ages) -> Self {
        Self {
            newest: Newest::new(ages),
            alerts: Vec::new(),
            open_alerts: Noted::default(),
            rejected: Noted::default(),
            behind: Noted::default(),
            audiences: HashMap::new(),
        }
    }

    pub(crate) fn observe(&mut self, reading: Reading, now: Timestamp) {
        if let Some(id) = self.newest.observe(reading, now) {
            self.audiences.values_mut().for_each(|audience| audience.meet(id, &self.newest));
        }
    }

    /// Open ones first, then the newest.
    pub(crate) fn note_alerts(&mut self, alerts: Vec<Arc<Listed>>) {
        self.alerts = alerts;
        let version = self.newest.version();
        self.audiences.values_mut().for_each(|audience| audience.list(&self.alerts, version));
    }

    pub(crate) fn note_counts(&mut self, open_alerts: u64, rejected: u64) {
        self.open_alerts.note(open_alerts, self.newest.version());
        self.rejected.note(rejected, self.newest.version());
    }

    pub(crate) fn note_behind(&mut self, seconds: Option<f64>) {
        let rounded = seconds.map(|seconds| (seconds * 10.0).round() / 10.0);
        self.behind.note(rounded, self.newest.version());
    }

    pub(crate) fn age(&mut self, now: Timestamp) {
        self.newest.age(now);
    }

    /// Ends the frame in the making, and rings for those who find something new in it.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.age(now);
        let ended = Some(self.newest.seal());
        let is_news_for_all = self.open_alerts.news(ended).is_some()
            || self.rejected.news(ended).is_some()
            || self.behind.news(ended).is_some();
        for audience in self.audiences.values_mut() {
            audience.tick(self.newest.version() - 1, &self.newest, is_news_for_all);
        }
    }

    /// Adds a page to those that show these sensors; each that is added is to leave.
    pub(crate) fn enter(&mut self, topics: &Topics) -> watch::Receiver<()> {
        let audience = self
            .audiences
            .entry(topics.clone())
            .or_insert_with(|| Audience::new(topics.clone(), &self.newest, &self.alerts));
        audience.pages += 1;
        audience.bell()
    }

    pub(crate) fn leave(&mut self, topics: &Topics) {
        if let Some(audience) = self.audiences.get_mut(topics) {
            audience.pages -= 1;
            if audience.pages == 0 {
                self.audiences.remove(topics);
            }
        }
    }

    /// All that a page has not seen, everything where it has seen nothing; and from which frame on it has not, then.
    pub(crate) fn take(
        &mut self,
        topics: &Topics,
        since: Option<Version>,
        now: Timestamp,
    ) -> (Bytes, Version) {
        let version = self.newest.version();
        let audience = self.audiences.get_mut(topics).expect("who takes a frame has entered");
        if let Some(frame) = audience.shared(since) {
            return (frame, version);
        }
        let mut frame = Frame::new(since, now);
        let changed = self.newest.changed_since(since.unwrap_or(0)).filter(|id| audience.shows(*id));
        changed.for_each(|id| frame.add(id, self.newest.sensor(id), since));
        frame.alerts = audience.alerts.news(since).map(|all| all.iter().map(|alert| &*alert.json).collect());
        frame.open_alerts = self.open_alerts.news(since).copied();
        frame.rejected = self.rejected.news(since).copied();
        frame.behind = self.behind.news(since).copied();
        let frame = frame.encode();
        audience.share(since, &frame);
        (frame, version)
    }

    /// By metric and device.
    pub(crate) fn sensors(&self) -> impl Iterator<Item = &Sensor> {
        self.newest.all()
    }
}
