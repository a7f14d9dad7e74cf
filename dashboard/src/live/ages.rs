//! The state of a series by the age of its newest reading: fresh, stale or offline; pure.

use std::time::Duration;

use api::forms::State;
use jiff::Timestamp;
use serde::Deserialize;
use telemetry::time::age;
use telemetry::{Reading, is_ahead};

/// The ages at which a series counts as stale and as offline, by its newest reading's `measured_at`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Ages {
    /// A newest reading that is older is stale.
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    /// A newest reading that is older is offline.
    #[serde(with = "humantime_serde")]
    pub offline_after: Duration,
}

impl Ages {
    /// The time just after which a reading goes from this state into the next one.
    pub(super) fn expiry(&self, since: Timestamp, state: State) -> Option<Timestamp> {
        let limit = match state {
            State::Fresh => self.stale_after,
            State::Stale => self.offline_after,
            State::Offline => return None,
        };
        since.checked_add(limit).ok()
    }

    pub(super) fn state(&self, since: Timestamp, now: Timestamp) -> State {
        let age = age(now, since);
        if age > self.offline_after {
            State::Offline
        } else if age > self.stale_after || is_ahead(since, now) {
            // The age of a reading from the future is unknown; that its time comes makes it no newer.
            State::Stale
        } else {
            State::Fresh
        }
    }
}

/// The time from which a reading's age counts: the device's, or the broker's where the device's clock is ahead of it.
pub(super) fn since(reading: &Reading) -> Timestamp {
    reading.measured_at.min(reading.received_at)
}
