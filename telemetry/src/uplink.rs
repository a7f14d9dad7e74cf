//! What an edge forwards to the cloud: numbered readings, packed into the payload of one message.

mod column;
mod pack;
#[cfg(test)]
mod tests;
mod unpack;

use bytes::Bytes;

use crate::journal::{Gone, UplinkReceipt, UplinkReport};
use crate::message::{Decoded, Message, Metadata, Rejected};
use crate::packing::Damaged;
use crate::reading::Reading;
use crate::series::{Series, TopicError};

/// The first level of the topics on which edges forward: `uplink/<edge>`.
pub const UPLINK: &str = "uplink";

/// Most ranges of numbers in one batch.
pub const MAX_UPLINK_RANGES: usize = 10_000;

/// Readings with their numbers, as they are forwarded in one message. The series are the edge's own.
#[derive(Debug, Clone, PartialEq)]
pub struct UplinkBatch {
    /// What the edge says of its journal.
    pub report: UplinkReport,
    /// As many as there are numbers in the report.
    pub readings: Vec<Reading>,
}

/// Why a payload is no batch of an edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UplinkError {
    /// It does not begin as a batch does.
    #[error("the payload is no batch of an edge")]
    Other,
    /// A later Millrace made it.
    #[error("the batch was made by a newer Millrace: update this one")]
    Newer,
    /// Its bytes are wrong.
    #[error("the batch cannot be read: {0}")]
    Damaged(#[from] Damaged),
    /// Unpacked it is larger than a batch may be.
    #[error("the batch has more than {} bytes unpacked", unpack::MAX_UNPACKED_BYTES)]
    TooLarge,
    /// Numbers and readings do not agree.
    #[error("the batch has {readings} readings for {numbers} numbers")]
    Count {
        /// How many readings it has.
        readings: usize,
        /// How many numbers it has.
        numbers: u64,
    },
    /// A series is none.
    #[error("the batch has a series that is none: {0}")]
    Series(#[from] TopicError),
}

/// The topic on which an edge forwards.
#[must_use]
pub fn uplink_topic(edge: &str) -> String {
    format!("{UPLINK}/{edge}")
}

/// The edge that forwards on this topic. None of any other topic.
#[must_use]
pub fn uplink_edge(topic: &str) -> Option<&str> {
    let edge = topic.strip_prefix(UPLINK)?.strip_prefix('/')?;
    Series::parse(topic).is_ok().then_some(edge)
}

impl UplinkBatch {
    /// The payload that holds the batch.
    #[must_use]
    pub fn pack(&self) -> Bytes {
        pack::pack(self)
    }

    /// The batch that a payload holds. As far as it is damaged it is refused whole: a check sum shows that.
    ///
    /// # Errors
    /// Why the payload is no batch.
    pub fn unpack(payload: &[u8]) -> Result<Self, UplinkError> {
        unpack::unpack(payload)
    }
}

/// The readings of a batch, as those of `<edge>/<device>`. What cannot be read is rejected.
pub(crate) fn decode(message: &Message, edge: &str) -> Decoded {
    let batch = match UplinkBatch::unpack(&message.payload) {
        Ok(batch) => batch,
        Err(e) => return message.clone().rejected(e.to_string()),
    };
    let mut decoded = message.without_readings();
    for reading in batch.readings {
        match Series::new(reading.series.metric(), &format!("{edge}/{}", reading.series.device())) {
            Ok(series) => decoded.readings.push(Reading { series, ..reading }),
            Err(e) => {
                decoded.rejected.push(Rejected::reading(&reading, format!("as a device of {edge}: {e}")));
            }
        }
    }
    decoded.rejected.extend(refused(message, edge, &batch.report));
    let receipt =
        UplinkReceipt { edge: edge.to_owned(), received_at: message.received_at, report: batch.report };
    decoded.metadata = Some(Box::new(Metadata { uplink: Some(receipt), ..Metadata::default() }));
    decoded
}

/// What the broker would not take is known by its number alone.
fn refused(message: &Message, edge: &str, report: &UplinkReport) -> Option<Rejected> {
    let those = report.gone.iter().filter(|gone| gone.reason == Gone::Refused);
    let numbers: Vec<String> = those
        .map(|gone| match (gone.numbers.start(), gone.numbers.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first} to {last}"),
        })
        .collect();
    (!numbers.is_empty()).then(|| Rejected {
        topic: message.topic.clone(),
        payload: Bytes::from(format!("run {}: {}", report.run, numbers.join(", "))),
        reason: format!("the broker refuses readings of {edge}: they are only there"),
        received_at: message.received_at,
    })
}
