//! The outbox: which notifications are due, what is decided of them, and the messages that carry them.

mod messages;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;

use super::incidents::Incident;
use super::notifications::{Address, Notification};
use crate::unavailable::Result;

/// What is sent in one go: one mail, one call of a webhook, some publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingMessage {
    /// Its Message-ID without angle brackets: fixed when it is made, the same on every try.
    pub message_id: String,
    pub address: Address,
    pub made_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// In the order in which they were asked for; never empty.
    pub notifications: Vec<(Notification, Incident)>,
}

/// A message that was tried in vain, and is to be tried again later.
#[derive(Debug, Clone, PartialEq)]
pub struct Postponed {
    pub message_id: String,
    pub address: Address,
    /// How often it was tried.
    pub tries: u32,
    pub again_at: Timestamp,
}

/// What is to become of notifications.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decisions {
    pub messages: Vec<NewMessage>,
    pub held: Vec<Deferral>,
    /// Numbers of notifications, and why.
    pub dropped: Vec<(i64, String)>,
    pub reminders: Vec<Reminder>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    pub message_id: String,
    pub address: Address,
    pub made_at: Timestamp,
    /// Numbers of notifications.
    pub notifications: Vec<i64>,
}

/// A notification is looked at again later.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    pub notification: i64,
    pub until: Timestamp,
    /// `silenced`, `outside active hours`.
    pub why: String,
}

/// A notification of [`NotificationKind::Reminder`] that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    pub incident: String,
    pub address: Address,
    pub asked_at: Timestamp,
    pub due_at: Timestamp,
}

/// What became of trying to send a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// With what was said to recipients who missed it, if some did.
    Sent {
        at: Timestamp,
        problem: Option<String>,
    },
    Failed {
        again_at: Timestamp,
        problem: String,
    },
    GivenUp {
        at: Timestamp,
        problem: String,
    },
}

/// Where notifications wait for their messages, and messages to be sent.
///
/// # Errors
/// Every call: nothing was changed; keep what you have and repeat the call.
#[async_trait]
pub trait Notifications: Send + Sync {
    /// Notifications that are due at this time and neither in a message nor dropped, in the order in which they were asked
    /// for, each with its incident as it is now; and when the next later one is due.
    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)>;

    /// Puts notifications into messages, defers or drops them and asks for reminders, in one transaction.
    ///
    /// A notification that has its message or was dropped stays as it is; a message left without a notification is not made.
    async fn decide(&self, decisions: &Decisions) -> Result<()>;

    /// Messages that are to be tried at this time, oldest first.
    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>>;

    /// Messages that are to be tried after this time, oldest first.
    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>>;

    /// How many messages are neither sent nor given up.
    async fn queued_count(&self) -> Result<u64>;

    /// Notes what became of a message; one that was sent or given up stays as it is.
    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()>;

    /// When messages were made for each address since a time, in order.
    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>>;
}
