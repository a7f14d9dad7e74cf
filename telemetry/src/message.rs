//! A message as the broker received it, and what it holds once it is decoded.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::reading::Reading;

/// An MQTT message on a topic whose metric is collected. Nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The MQTT topic, with `/` between its levels.
    pub topic: String,
    /// What the device published.
    pub payload: Bytes,
    /// When the broker received the message. A redelivery carries the same time.
    pub received_at: Timestamp,
}

/// The content of one message: every byte of its payload is in a reading or in a rejection.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// When the broker received the message.
    pub received_at: Timestamp,
    /// Size of the payload, in bytes.
    pub payload_bytes: usize,
    /// The good readings, in the order of the payload.
    pub readings: Vec<Reading>,
    /// What could not be read, in the order of the payload.
    pub rejected: Vec<Rejected>,
}

/// A payload, or one element of an array, that is not a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The topic that the message was published to.
    pub topic: String,
    /// The rejected bytes, as they were published.
    pub payload: Bytes,
    /// A sentence for the device's maker: what is wrong and, where that helps, what to write instead.
    pub reason: String,
    /// When the broker received the message.
    pub received_at: Timestamp,
}

/// For a service that may have the message alone, or share it with others.
impl From<Arc<Decoded>> for Decoded {
    fn from(shared: Arc<Decoded>) -> Self {
        Arc::unwrap_or_clone(shared)
    }
}

impl Decoded {
    /// The number of readings and rejections: what the counters count.
    #[must_use]
    pub fn count(&self) -> usize {
        self.readings.len() + self.rejected.len()
    }
}
