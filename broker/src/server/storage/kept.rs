//! What outlives a restart of a session.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::server::client_queue::Outgoing;
use crate::server::packet::{Options, Qos};
use crate::server::publication::Publication;
use crate::server::session::{DueWill, Key, State, Wait};

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

/// A delayed will whose client is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptWill {
    pub(crate) key: Key,
    pub(crate) publication: Publication,
    /// How long it was to wait then.
    pub(super) delay: Duration,
    /// When this was written down, in milliseconds of the system's clock.
    pub(super) written: u64,
}

impl KeptWill {
    #[allow(clippy::disallowed_methods, reason = "the machine's own clock goes on while no process runs")]
    pub(crate) fn of(key: &Key, will: &DueWill) -> Self {
        let delay = will.at.saturating_duration_since(Instant::now());
        let written = milliseconds(SystemTime::now());
        // As precise as it is written.
        let delay = Duration::from_millis(delay.as_millis() as u64);
        Self { key: key.clone(), publication: will.publication.clone(), delay, written }
    }

    /// How long it is still to wait. A clock that was set back meanwhile makes that no longer than it was.
    pub(crate) fn rest(&self, now: SystemTime) -> Duration {
        let away = milliseconds(now).saturating_sub(self.written);
        self.delay.saturating_sub(Duration::from_millis(away))
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
