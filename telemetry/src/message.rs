//! A message as the broker received it, and what it holds once it is decoded.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::announcements::{Announcement, birth_subject};
use crate::attribute::Attribute;
use crate::journal::UplinkReceipt;
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
    /// What it says beside readings; most messages say nothing.
    pub metadata: Option<Box<Metadata>>,
}

/// What a message says beside readings, to be stored with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// What it announces about later messages, as far as that is new.
    pub announcements: Vec<Announcement>,
    /// How many announcements there was no room for.
    pub refused_announcements: usize,
    /// What it says of its devices in words.
    pub attributes: Vec<Attribute>,
    /// How many attributes are not allowed as they are.
    pub refused_attributes: usize,
    /// What an edge says of its journal, of a message by which it forwards readings.
    pub uplink: Option<UplinkReceipt>,
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

/// What a reason has around the alias and the device, of a rejection that an announcement may resolve.
const LACKING: [&str; 3] = ["the alias ", " is not known: no birth of ", " that has it has come yet"];

/// The subject of the announcement that a message lacked, by the reason of its rejection. None for any other reason.
#[must_use]
pub fn awaited_subject(reason: &str) -> Option<String> {
    if let Some(device) = reason.strip_prefix(HELD) {
        return Some(device_subject(device));
    }
    let [begin, middle, end] = LACKING;
    let alias = reason.strip_prefix(begin)?.trim_start_matches(|c: char| c.is_ascii_digit());
    let (device, _) = alias.strip_prefix(middle)?.rsplit_once(end)?;
    Some(birth_subject(device))
}

/// The subject of a device that nobody had registered.
#[must_use]
pub fn device_subject(device: &str) -> String {
    format!("device {device}")
}

/// How a reason begins with which readings are held, before the device.
const HELD: &str = "held: nobody has registered the device ";

impl Rejected {
    /// The rejection of one reading: its payload may be resent.
    #[must_use]
    pub fn reading(reading: &Reading, reason: String) -> Self {
        let (topic, payload) = (reading.series.to_string(), reading.to_payload().into());
        Self { topic, payload, reason, received_at: reading.received_at }
    }

    /// The reason with which readings of a device are held until somebody registers it.
    #[must_use]
    pub fn held(device: &str) -> String {
        format!("{HELD}{device}")
    }

    /// The reason for an alias that is not known; `left_out` ends it where there was no room for a birth.
    pub(crate) fn unknown_alias(alias: u64, device: &str, left_out: &str) -> String {
        let [begin, middle, end] = LACKING;
        format!("{begin}{alias}{middle}{device}{end}{left_out}")
    }

    /// Whether it lacks what a device announces, so that it can be read once that is known.
    #[must_use]
    pub fn lacks_announcement(&self) -> bool {
        self.reason.starts_with(LACKING[0]) && awaited_subject(&self.reason).is_some()
    }

    /// The message, or the element of it, to be decoded once more.
    #[must_use]
    pub fn message(&self) -> Message {
        let Self { topic, payload, received_at, .. } = self;
        Message { topic: topic.clone(), payload: payload.clone(), received_at: *received_at }
    }
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

    /// Whether an edge forwarded it: the edge has evaluated the readings.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| metadata.uplink.is_some())
    }

    /// Rejects readings that were taken out of it: with their whole message, or each by itself where an edge forwarded them.
    pub fn reject(&mut self, message: &Message, taken_out: &[Reading], reason: &str) {
        if taken_out.is_empty() {
            return;
        }
        if self.is_forwarded() {
            let each = taken_out.iter().map(|reading| Rejected::reading(reading, reason.to_owned()));
            self.rejected.extend(each);
        } else {
            self.rejected.extend(message.clone().rejected(reason.to_owned()).rejected);
        }
    }

    /// Whether it holds nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0 && self.metadata.is_none()
    }
}
