//! A message on its way from a publisher to subscribers.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::packet::{Forwarded, Qos};

/// What subscribers get. It is shared by all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// Properties of MQTT 5, as they came.
    pub(crate) properties: Bytes,
    pub(crate) expires_at: Option<Instant>,
    /// The number of the session that published it; 0 is the server.
    pub(crate) publisher: u64,
}

/// What a message costs beside its topic and payload, roughly.
const OVERHEAD: usize = 200;

/// A payload below this size is copied before it is kept: it may hold on to the memory of a whole read.
const COPIED_BELOW: usize = 16 * 1024;

impl Publication {
    pub(crate) fn new(topic: String, payload: Bytes, qos: Qos, retain: bool, forwarded: &Forwarded) -> Self {
        let expiry = forwarded.expiry.map(|seconds| Duration::from_secs(seconds.into()));
        let expires_at = expiry.and_then(|expiry| Instant::now().checked_add(expiry));
        let properties = forwarded.properties.clone();
        Self { topic, payload, qos, retain, properties, expires_at, publisher: 0 }
    }

    /// That a topic has no retained message.
    pub(crate) fn nothing(topic: String) -> Self {
        Self::new(topic, Bytes::new(), Qos::AtMostOnce, true, &Forwarded::default())
    }

    /// The bytes that it takes while it waits.
    pub(crate) fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len() + self.properties.len() + OVERHEAD
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The seconds until it expires, as in a packet to a subscriber.
    pub(crate) fn expiry(&self, now: Instant) -> Option<u32> {
        let left = self.expires_at?.saturating_duration_since(now);
        Some(u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX))
    }

    /// The same, in memory of its own.
    pub(crate) fn to_keep(&self) -> Self {
        let mut kept = self.clone();
        if kept.payload.len() < COPIED_BELOW {
            kept.payload = Bytes::copy_from_slice(&self.payload);
        }
        kept
    }
}
