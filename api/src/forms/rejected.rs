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
    /// The payload as text. Bytes that are not UTF-8 are replaced here; the store has all of them.
    pub payload: Cow<'a, str>,
    /// When somebody resent it as readings.
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
            resent_at: rejection.resent_at.map(Time),
        }
    }
}

/// What came of a rejected payload that was resent: the answer of `POST /api/rejected/<id>/resend`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resent {
    /// How many readings the payload held.
    pub readings: usize,
    /// When they had been accepted.
    pub resent_at: Time,
}
