//! What every open page is told: a snapshot first, then changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use serde::Serialize;
use store::Incident;
use telemetry::Reading;
use tokio::sync::broadcast;

use crate::json;
use crate::newest::{Ages, Newest, State};
use crate::pipeline::Devices;

/// Frames a page may be behind before it is given a snapshot instead.
const FRAMES_BEHIND: usize = 32;

/// The state that pages show; clones share it.
#[derive(Debug, Clone)]
pub struct Live {
    view: Arc<Mutex<View>>,
    frames: broadcast::Sender<Arc<str>>,
}

#[derive(Debug)]
struct View {
    newest: Newest,
    alerts: Noted<Vec<json::Alert>>,
    rejected: Noted<u64>,
}

/// A value, and whether it has changed since it was last told.
#[derive(Debug, Default)]
struct Noted<T> {
    value: T,
    changed: bool,
}

impl<T: PartialEq> Noted<T> {
    fn note(&mut self, value: T) {
        self.changed |= self.value != value;
        self.value = value;
    }

    fn take(&mut self) -> Option<&T> {
        std::mem::take(&mut self.changed).then_some(&self.value)
    }
}

#[derive(Serialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    server_time: String,
    devices: Vec<json::Device<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<&'a Vec<json::Alert>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'a u64>,
}

impl Live {
    #[must_use]
    pub fn new(ages: Ages) -> Self {
        let view = View { newest: Newest::new(ages), alerts: Noted::default(), rejected: Noted::default() };
        Self { view: Arc::new(Mutex::new(view)), frames: broadcast::Sender::new(FRAMES_BEHIND) }
    }

    pub(crate) fn observe(&self, readings: impl IntoIterator<Item = Reading>) {
        let now = Timestamp::now();
        let mut view = self.view();
        readings.into_iter().for_each(|reading| view.newest.observe(reading, now));
    }

    pub(crate) fn note(&self, incidents: &[Incident], rejected: u64) {
        let alerts = incidents.iter().map(json::Alert::of).collect();
        let mut view = self.view();
        view.alerts.note(alerts);
        view.rejected.note(rejected);
    }

    pub(crate) fn age(&self) {
        self.view().newest.age(Timestamp::now());
    }

    /// Tells all pages what has changed; with nothing changed, only when they are to hear that the line is up.
    pub(crate) fn tell(&self, even_nothing: bool) -> bool {
        let mut view = self.view();
        let View { newest, alerts, rejected } = &mut *view;
        let frame = Frame {
            kind: "changes",
            server_time: json::time(Timestamp::now()),
            devices: newest.take_changed().into_iter().map(json::Device::of).collect(),
            alerts: alerts.take(),
            rejected: rejected.take(),
        };
        let nothing = frame.devices.is_empty() && frame.alerts.is_none() && frame.rejected.is_none();
        if (even_nothing || !nothing) && self.frames.receiver_count() > 0 {
            // No page is open any more: nobody has to be told.
            let _ = self.frames.send(json::text(&frame).into());
        }
        !nothing
    }

    /// All there is, and the changes from here on; nothing in between is missed.
    pub(crate) fn watch(&self) -> (Arc<str>, broadcast::Receiver<Arc<str>>) {
        let view = self.view();
        let snapshot = Frame {
            kind: "snapshot",
            server_time: json::time(Timestamp::now()),
            devices: view.newest.all().map(json::Device::of).collect(),
            alerts: Some(&view.alerts.value),
            rejected: Some(&view.rejected.value),
        };
        (json::text(&snapshot).into(), self.frames.subscribe())
    }

    /// `{"devices": […]}`.
    pub(crate) fn devices(&self) -> String {
        let mut view = self.view();
        view.newest.age(Timestamp::now());
        json::listed("devices", view.newest.all().map(json::Device::of))
    }

    /// A device is as fresh as the newest of its readings.
    pub(crate) fn devices_by_age(&self) -> Devices {
        let view = self.view();
        let mut best: HashMap<&str, State> = HashMap::new();
        for (reading, state) in view.newest.all() {
            let best = best.entry(reading.topic.device()).or_insert(state);
            *best = state.min(*best);
        }
        let count = |state| best.values().filter(|best| **best == state).count();
        Devices { fresh: count(State::Fresh), stale: count(State::Stale), offline: count(State::Offline) }
    }

    pub(crate) fn note_behind(&self, _seconds: Option<f64>) {}

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().expect("no code panics while it holds the view")
    }
}
