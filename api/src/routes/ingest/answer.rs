//! What a request with readings is answered.

use std::collections::HashMap;

use commands::command_payload;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use service::{Outcome, Promise, RejectedPart};
use store::{Command, RejectionQuery, RejectionSelection, Store};
use warp::http::StatusCode;

use crate::forms;
use crate::ingest::Element;

/// Topics whose rejections are looked up for one answer, at most, and rejections of each.
const MAX_TOPICS: usize = 8;
const MAX_ROWS: usize = 1_000;

/// The outcome of each element.
#[derive(Serialize)]
struct Answer {
    taken: usize,
    rejected: Vec<Rejected>,
    /// The open command of a device that sends by its own credential, as over MQTT.
    commands: Vec<Value>,
    idempotent: bool,
}

/// An element, or one reading of it, that is rejected.
#[derive(Serialize)]
struct Rejected {
    index: usize,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// The answer to a short form.
#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    device_id: &'a str,
    #[serde(skip_serializing_if = "<[Rejected]>::is_empty")]
    rejected: &'a [Rejected],
}

/// What became of all elements.
pub(super) struct Summary {
    pub(super) taken: usize,
    rejected: Vec<(Rejected, Option<(String, Timestamp)>)>,
    commands: Vec<Value>,
    idempotent: bool,
}

impl Summary {
    pub(super) fn new(elements: &[Element], outcomes: Vec<Outcome>, has_key: bool) -> Self {
        let taken = outcomes.iter().map(|outcome| outcome.readings).sum();
        let idempotent = has_key || outcomes.iter().all(|outcome| outcome.readings == 0 || outcome.is_timed);
        let is_one = elements.len() == 1;
        let rejected = elements.iter().zip(outcomes).flat_map(|(element, outcome)| {
            outcome.rejected.into_iter().map(move |part| rejected(element.index, is_one, part))
        });
        Self { taken, rejected: rejected.collect(), commands: Vec::new(), idempotent }
    }

    /// Adds an element that was not even tried.
    pub(super) fn refuse(&mut self, index: usize, reason: String) {
        self.rejected.push((Rejected { index, reason, id: None }, None));
    }

    /// Adds a command for the device that sends.
    pub(super) fn command(&mut self, command: &Command) {
        self.commands.extend(serde_json::from_str::<Value>(&command_payload(command)));
    }

    pub(super) fn rejected(&self) -> usize {
        self.rejected.len()
    }

    /// Looks up under which ids rejections are kept, as far as they are.
    pub(super) async fn find_ids(&mut self, store: &dyn Store) {
        let mut topics: HashMap<String, Timestamp> = HashMap::new();
        for (topic, received_at) in self.rejected.iter().filter_map(|(_, kept)| kept.as_ref()) {
            if topics.len() < MAX_TOPICS || topics.contains_key(topic) {
                let since = topics.entry(topic.clone()).or_insert(*received_at);
                *since = (*since).min(*received_at);
            }
        }
        let mut ids = HashMap::new();
        for (topic, since) in topics {
            let selection =
                RejectionSelection { topic: Some(topic), since: Some(since), ..Default::default() };
            // What cannot be read is left out.
            let query = RejectionQuery { selection, after: None, limit: MAX_ROWS };
            for found in store.rejected(query).await.unwrap_or_default() {
                let message = found.message;
                ids.insert((message.topic, message.received_at, message.reason), found.id);
            }
        }
        for (rejected, kept) in &mut self.rejected {
            let Some((topic, received_at)) = kept else { continue };
            // Its reason is as it is kept, but for the place in an array.
            let name = |reason: &str| (topic.clone(), *received_at, reason.to_owned());
            let id = ids.get(&name(&rejected.reason));
            rejected.id = id.map(ToString::to_string);
        }
    }

    /// The status and the text. A short form, which names the device, has another one.
    pub(super) fn answer(self, promise: Promise, device: Option<&str>) -> (StatusCode, String) {
        let mut rejected: Vec<_> = self.rejected.into_iter().map(|(rejected, _)| rejected).collect();
        rejected.sort_by_key(|rejected| rejected.index);
        let status = match (self.taken, promise, device) {
            (0, _, _) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, Promise::Stored, None) => StatusCode::CREATED,
            _ => StatusCode::ACCEPTED,
        };
        if let Some(device_id) = device.filter(|_| status == StatusCode::ACCEPTED) {
            return (status, forms::text(&Accepted { status: "accepted", device_id, rejected: &rejected }));
        }
        let Self { taken, commands, idempotent, .. } = self;
        (status, forms::text(&Answer { taken, rejected, commands, idempotent }))
    }
}

/// An array that is one payload names its elements in the reasons.
fn rejected(index: usize, is_one: bool, part: RejectedPart) -> (Rejected, Option<(String, Timestamp)>) {
    let RejectedPart { kept_as, reason } = part;
    let index = telemetry::element_in(&reason).filter(|_| is_one).unwrap_or(index);
    (Rejected { index, reason, id: None }, kept_as)
}
