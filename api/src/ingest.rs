//! Readings that come in over HTTP: what requests may cost, and what is counted of them.
//!
//! | module | what is in it |
//! |---|---|
//! | `element` | a message of a request |
//! | `elements` | from a body to messages as a device would publish them; pure |
//! | `table` | the same of a table in CSV |
//! | `fields` | the fields of an object, as they were written |
//! | `admission` | what a request takes of the limits |
//! | `keys` | requests with an `Idempotency-Key` |
//! | `counters` | what is counted |

mod admission;
mod counters;
mod element;
pub(crate) mod elements;
mod fields;
pub(crate) mod keys;
mod table;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use service::{Intake, Metrics, RegistryView, SettingError, Settings};

use self::admission::Room;
use self::counters::Counters;
use self::keys::Keys;

pub(crate) use self::admission::Charge;
pub(crate) use self::counters::Counted;
pub(crate) use self::element::Element;

/// The time within which everything that a request sends must be acknowledged.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings in `ingest`: what all requests together may take.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestLimits {
    /// Requests that wait to be acknowledged, at most.
    pub max_waiting: usize,
    /// Bytes of their bodies, unpacked, at most.
    pub max_bytes: usize,
    /// Keys of requests that are stored, at most.
    pub max_idempotency_keys: u64,
}

impl IngestLimits {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let limits: Self = settings.get("ingest")?;
        let least = elements::MAX_UNPACKED_BYTES;
        if limits.max_waiting == 0 {
            return Err(SettingError::new("ingest.max_waiting", "must be at least 1"));
        }
        if limits.max_bytes < least {
            return Err(SettingError::new("ingest.max_bytes", format!("must be at least {least}")));
        }
        Ok(limits)
    }
}

/// Where readings go that come in over HTTP. Cheap to clone: clones share the limits.
#[derive(Clone)]
pub struct Ingest(Arc<Inner>);

struct Inner {
    intake: Arc<dyn Intake>,
    registry: Option<RegistryView>,
    room: Room,
    keys: Keys,
    ack_timeout: Duration,
    counters: Counters,
}

impl Ingest {
    /// Hands readings to this intake, within limits. Devices are recognised by the credentials of the registry.
    #[must_use]
    pub fn new(
        intake: Arc<dyn Intake>,
        registry: Option<RegistryView>,
        limits: IngestLimits,
        metrics: &Metrics,
    ) -> Self {
        let counters = Counters::register(metrics);
        let keys = Keys::new(limits.max_idempotency_keys, metrics);
        let room = Room::new(limits);
        Self(Arc::new(Inner { intake, registry, room, keys, ack_timeout: ACK_TIMEOUT, counters }))
    }

    /// Waits for acknowledgements for this time instead of 10 s.
    ///
    /// # Panics
    /// It is shared already.
    #[must_use]
    pub fn with_ack_timeout(mut self, ack_timeout: Duration) -> Self {
        Arc::get_mut(&mut self.0).expect("nobody shares it yet").ack_timeout = ack_timeout;
        self
    }

    pub(crate) fn intake(&self) -> &dyn Intake {
        self.0.intake.as_ref()
    }

    pub(crate) fn registry(&self) -> Option<&RegistryView> {
        self.0.registry.as_ref()
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(crate) fn ack_timeout(&self) -> Duration {
        self.0.ack_timeout
    }

    /// What a request takes of the limits, which is nothing yet.
    pub(crate) fn charge(&self) -> Charge {
        self.0.room.charge()
    }

    /// Counts a request that has begun.
    pub(crate) fn count(&self) -> Counted {
        self.0.counters.count()
    }

    /// Counts what became of what a request sent.
    pub(crate) fn count_elements(&self, readings: usize, rejected: usize) {
        self.0.counters.count_elements(readings, rejected);
    }
}
