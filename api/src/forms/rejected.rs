//! Payloads that could not be read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Time;

/// A payload that could not be read: a row of `GET /api/rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejected<'a> {
    /// The row's id.
    pub id: String,
    /// When the broker received the payload.
    pub received_at: Time,
    /// The topic it was published to.
    pub topic: Cow<'a, str>,
    /// What is wrong with it.
    pub reason: Cow<'a, str>,
    /// The payload as text, in a list only its first 4 KiB. Bytes that are not UTF-8 are replaced here; the store has
    /// them.
    pub payload: Cow<'a, str>,
    /// Bytes of the payload as it arrived.
    pub payload_bytes: u64,
    /// Bytes of it that are stored. Only a payload that is stored whole can be resent as it is.
    pub stored_bytes: u64,
    /// When it was resent as readings.
    pub resent_at: Option<Time>,
}

impl<'a> From<&'a store::Rejection> for Rejected<'a> {
    fn from(rejection: &'a store::Rejection) -> Self {
        let message = &rejection.message;
        Self {
            id: rejection.id.to_string(),
            received_at: message.received_at.into(),
            topic: message.topic.as_str().into(),
            reason: message.reason.as_str().into(),
            payload: String::from_utf8_lossy(&message.payload),
            payload_bytes: rejection.payload_bytes,
            stored_bytes: rejection.stored_bytes(),
            resent_at: rejection.resent_at.map(Time),
        }
    }
}

impl Rejected<'_> {
    /// A row of a list, with a preview of the payload.
    #[must_use]
    pub fn preview(rejection: &store::Rejection) -> Rejected<'_> {
        let mut row = Rejected::from(rejection);
        // A byte that is not UTF-8 is replaced by three.
        let end = row.payload.floor_char_boundary(store::PREVIEW_BYTES);
        if end < row.payload.len() {
            row.payload = row.payload[..end].to_owned().into();
        }
        row
    }
}

/// Rejected payloads on one topic for the same kind of reason: a row of `GET /api/rejected/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedGroup {
    /// The topic they were published to.
    pub topic: String,
    /// What is wrong with them, with `…` for what differs from one to the next.
    pub reason: String,
    /// How many there are.
    pub count: u64,
    /// When the broker received the oldest of them.
    pub oldest_received_at: Time,
    /// When the broker received the newest of them.
    pub newest_received_at: Time,
}

impl From<store::RejectionGroup> for RejectedGroup {
    fn from(group: store::RejectionGroup) -> Self {
        Self {
            topic: group.topic,
            reason: group.reason,
            count: group.count,
            oldest_received_at: group.oldest.into(),
            newest_received_at: group.newest.into(),
        }
    }
}

/// How many rejected payloads were deleted: the answer of `DELETE /api/rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// How many were deleted.
    pub dismissed: u64,
}

/// What came of rejected payloads that were resent together: the answer of `POST /api/rejected/resend`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResentSelected {
    /// How many payloads were resent.
    pub resent: usize,
    /// How many readings they held.
    pub readings: usize,
    /// Those that were not resent.
    pub failed: Vec<NotResent>,
    /// Where the next call goes on, if there may be more.
    pub next: Option<String>,
}

/// A rejected payload that was not resent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotResent {
    /// The row's id.
    pub id: String,
    /// Why it was not resent.
    pub error: String,
}

/// What came of a rejected payload that was resent: the answer of `POST /api/rejected/<id>/resend`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resent {
    /// How many readings the payload held.
    pub readings: usize,
    /// When they had been accepted.
    pub resent_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{PREVIEW_BYTES, RejectedMessage, Rejection};

    #[test]
    fn a_preview_is_at_most_4_kib_of_text_whatever_the_bytes_are() {
        for (payload, expected) in [
            (vec![0xff; PREVIEW_BYTES], PREVIEW_BYTES / 3 * 3),
            ("ü".repeat(PREVIEW_BYTES).into_bytes(), PREVIEW_BYTES),
            (b"23,5".to_vec(), 4),
        ] {
            let message = RejectedMessage {
                received_at: jiff::Timestamp::UNIX_EPOCH,
                topic: "temperature/lab".into(),
                reason: "no number".into(),
                payload: payload.into(),
            };
            let rejection = Rejection { id: 1, message, payload_bytes: 70_000, resent_at: None };
            let row = Rejected::preview(&rejection);
            assert_eq!((row.payload.len(), row.payload_bytes, row.stored_bytes), (expected, 70_000, 65_536));
        }
    }
}
