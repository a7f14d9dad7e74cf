//! What all pages show, and what each of them has not seen yet; pure but for the notifications.
//!
//! Every change is marked with the number of the frame that will hold it. A page remembers the first frame that it has
//! not seen, and takes everything that changed since when it is ready: however slow it is, it costs us one number.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use telemetry::Reading;
use tokio::sync::watch;

use super::ages::Ages;
use super::alerting::{Alerting, OpenIncidents};
use super::counts::Counts;
use super::frame::Frame;
use super::group::{IncidentRow, SubscriptionGroup, Versioned};
use super::newest::{Entry, Newest, Version};
use super::topics::Topics;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(crate) struct View {
    newest: Newest,
    /// More than one page lists, so that a page that shows few series finds theirs.
    alerts: Vec<Arc<IncidentRow>>,
    alerting: Alerting,
    counts: Versioned<Counts>,
    behind: Versioned<Option<f64>>,
    unmapped: Versioned<u64>,
    groups: HashMap<Topics, SubscriptionGroup>,
    /// Up to when what was received of devices is forgotten.
    forgotten: HashMap<String, Timestamp>,
    /// The frame in which series were last removed: who has not seen the one after it gets a snapshot.
    removed_in: Option<Version>,
}

impl View {
    pub(crate) fn new(ages: Ages) -> Self {
        Self {
            newest: Newest::new(ages),
            alerts: Vec::new(),
            alerting: Alerting::default(),
            counts: Versioned::default(),
            behind: Versioned::default(),
            unmapped: Versioned::default(),
            groups: HashMap::new(),
            forgotten: HashMap::new(),
            removed_in: None,
        }
    }

    /// Forgets what was received of a device up to a time, beside what was forgotten before.
    pub(crate) fn forget(&mut self, device: String, at: Timestamp) {
        self.forgotten.insert(device, at);
        self.remove_forgotten();
    }

    /// Sets what is forgotten: devices, and up to when what was received of them is.
    pub(crate) fn set_forgotten(&mut self, forgotten: HashMap<String, Timestamp>) {
        self.forgotten = forgotten;
        self.remove_forgotten();
    }

    fn remove_forgotten(&mut self) {
        let forgotten = &self.forgotten;
        let gone = self.newest.remove(|reading| has_forgotten(forgotten, reading));
        if gone.is_empty() {
            return;
        }
        gone.iter().for_each(|id| self.alerting.remove(*id));
        self.groups.values_mut().for_each(|group| group.remove_series(&gone));
        self.removed_in = Some(self.newest.version());
    }

    pub(crate) fn observe(&mut self, reading: Reading, now: Timestamp) {
        if has_forgotten(&self.forgotten, &reading) {
            return;
        }
        if let Some(id) = self.newest.observe(reading, now) {
            self.alerting.update(id, &self.newest);
            self.groups.values_mut().for_each(|group| group.add_series(id, &self.newest));
        }
    }

    /// Sets the incidents: open ones first, then the newest.
    pub(crate) fn set_incidents(&mut self, alerts: Vec<Arc<IncidentRow>>) {
        self.alerts = alerts;
        let version = self.newest.version();
        self.groups.values_mut().for_each(|group| group.set_incidents(&self.alerts, version));
    }

    /// Sets which series have open incidents, whether they are listed or not.
    pub(crate) fn set_alerting(&mut self, open: OpenIncidents) {
        self.alerting.set(open, &self.newest);
    }

    pub(crate) fn set_counts(&mut self, counts: Counts) {
        self.counts.set(counts, self.newest.version());
    }

    pub(crate) fn set_behind(&mut self, seconds: Option<f64>) {
        let rounded = seconds.map(|seconds| (seconds * 10.0).round() / 10.0);
        self.behind.set(rounded, self.newest.version());
    }

    pub(crate) fn set_unmapped(&mut self, groups: u64) {
        self.unmapped.set(groups, self.newest.version());
    }

    pub(crate) fn age(&mut self, now: Timestamp) {
        self.newest.age(now);
    }

    /// Ends the current frame, and notifies the groups that something in it is new for.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.age(now);
        let ended = Some(self.newest.seal());
        let changed_for_all = self.removed_in == ended
            || self.counts.if_changed(ended).is_some()
            || self.behind.if_changed(ended).is_some()
            || self.unmapped.if_changed(ended).is_some();
        for group in self.groups.values_mut() {
            let has_changed =
                changed_for_all || self.alerting.changed_since(ended).any(|(id, _)| group.shows(id));
            group.tick(self.newest.version() - 1, &self.newest, has_changed);
        }
    }

    /// Adds a page with this subscription, which must [`leave`](Self::leave) later; the receiver is notified of changes.
    pub(crate) fn enter(&mut self, topics: &Topics) -> watch::Receiver<()> {
        let group = self
            .groups
            .entry(topics.clone())
            .or_insert_with(|| SubscriptionGroup::new(topics.clone(), &self.newest, &self.alerts));
        group.viewers += 1;
        group.subscribe()
    }

    pub(crate) fn leave(&mut self, topics: &Topics) {
        if let Some(group) = self.groups.get_mut(topics) {
            group.viewers -= 1;
            if group.viewers == 0 {
                self.groups.remove(topics);
            }
        }
    }

    /// Everything that a page has not seen, or all where it has seen nothing, and the next frame that it has to see.
    pub(crate) fn take(
        &mut self,
        topics: &Topics,
        since: Option<Version>,
        now: Timestamp,
    ) -> (Bytes, Version) {
        let version = self.newest.version();
        let since = since.filter(|since| self.removed_in.is_none_or(|removed| *since > removed));
        let group = self.groups.get_mut(topics).expect("a page enters before it takes a frame");
        if let Some(frame) = group.shared(since) {
            return (frame, version);
        }
        let mut frame = Frame::new(since, now);
        let changed = self.newest.changed_since(since.unwrap_or(0)).filter(|id| group.shows(*id));
        changed.for_each(|id| frame.add(id, self.newest.entry(id), since));
        frame.set_incidents(
            group.alerts.if_changed(since).map(|rows| rows.iter().map(|row| &*row.json).collect()),
        );
        let alerting = self.alerting.changed_since(since).filter(|(id, _)| group.shows(*id));
        frame.set_alerting(alerting.collect());
        frame.set_behind(self.behind.if_changed(since).copied());
        if topics.scope().is_all() {
            frame.set_counts(self.counts.if_changed(since));
            frame.set_unmapped(self.unmapped.if_changed(since).copied());
        } else {
            // What is counted over all devices would tell of those that the viewer does not see.
            frame.set_counts(Some(&self.alerting.counts_within(topics.scope())));
        }
        let frame = frame.encode();
        group.share(since, &frame);
        (frame, version)
    }

    /// All series with their newest reading, by metric and device.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.newest.all()
    }
}

fn has_forgotten(forgotten: &HashMap<String, Timestamp>, reading: &Reading) -> bool {
    !forgotten.is_empty()
        && forgotten.get(reading.series.device()).is_some_and(|at| reading.received_at <= *at)
}
