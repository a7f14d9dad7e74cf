//! What outlives a restart of a session.

use std::time::Duration;

use tokio::time::Instant;

use super::moment::{Moment, Passed};
use crate::server::client_queue::Outgoing;
use crate::server::packet::{Options, Qos};
use crate::server::publication::Publication;
use crate::server::session::{Key, State, Wait};

/// What outlives a restart of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) key: Key,
    pub(crate) expiry: Duration,
    pub(crate) subscriptions: Vec<(String, Options)>,
    /// Packet ids of QoS 2 that are settled and not released.
    pub(crate) received: Vec<u16>,
    /// Messages, and the packet id of those that were sent.
    pub(crate) messages: Vec<(Option<u16>, Option<Outgoing>)>,
}

impl Kept {
    pub(crate) fn of(key: &Key, state: &State) -> Self {
        let is_settled = |wait: &Wait| wait.settled.count() >= wait.count;
        let settled = state.received.iter().filter(|(_, wait)| wait.as_ref().is_none_or(is_settled));
        let messages = state.queue.kept();
        let messages = messages.filter(|(_, message)| message.is_none_or(|m| m.qos > Qos::AtMostOnce));
        Self {
            key: key.clone(),
            expiry: state.expiry,
            subscriptions: state
                .subscriptions
                .iter()
                .map(|(filter, options)| (filter.clone(), *options))
                .collect(),
            received: settled.map(|(id, _)| *id).collect(),
            messages: messages.map(|(id, message)| (id, message.cloned())).collect(),
        }
    }
}

/// A client that is away: how long its session is still to live, and its delayed will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) key: Key,
    /// When this was written down.
    pub(super) at: Moment,
    /// How long the session was to live then.
    pub(super) life: Duration,
    /// The will, and how long it was to wait then.
    pub(super) will: Option<(Duration, Publication)>,
}

/// A wall clock that was set while the machine was off must not end the sessions of clients that are about to come back:
/// by it alone, no more than this passes.
const LEAST: Duration = Duration::from_secs(5 * 60);

impl Absence {
    /// None while the client is connected.
    pub(crate) fn of(key: &Key, state: &State, at: Moment) -> Option<Self> {
        let now = Instant::now();
        let will = state.will.as_ref().map(|will| (until(will.at, now), will.publication.clone()));
        Some(Self { key: key.clone(), at, life: until(state.ends_at?, now), will })
    }

    /// How much of a time that was to pass then is left now.
    pub(crate) fn rest(&self, time: Duration, now: Moment) -> Duration {
        match now.since(&self.at) {
            Passed::Surely(passed) => time.saturating_sub(passed),
            Passed::Perhaps(passed) => time.saturating_sub(passed).max(time.min(LEAST)),
        }
    }
}

/// The time until then, as precise as it is written.
fn until(at: Instant, now: Instant) -> Duration {
    Duration::from_millis(at.saturating_duration_since(now).as_millis() as u64)
}
