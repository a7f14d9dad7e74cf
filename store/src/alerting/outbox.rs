//! The outbox: which notifications are due, what is decided of them, and the messages that carry them.

mod messages;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;

use super::incidents::Incident;
use super::notifications::{Address, Notification};
use crate::unavailable::Result;

/// What is sent at once: one mail, one call of a webhook, some publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingMessage {
    /// Its Message-ID without angle brackets: fixed when it is made, the same at every attempt.
    pub message_id: String,
    /// Who gets it.
    pub address: Address,
    /// When it was made.
    pub made_at: Timestamp,
    /// Attempts so far.
    pub tries: u32,
    /// In the order in which they were asked for; never empty.
    pub notifications: Vec<(Notification, Incident)>,
}

/// A message whose last attempt failed, and that will be tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Postponed {
    /// The message.
    pub message_id: String,
    /// Who gets it.
    pub address: Address,
    /// Attempts so far.
    pub tries: u32,
    /// When the next attempt is due.
    pub again_at: Timestamp,
}

/// What is decided of notifications that are due.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decisions {
    /// Messages to be made.
    pub messages: Vec<NewMessage>,
    /// Notifications to be deferred.
    pub held: Vec<Deferral>,
    /// Numbers of notifications that are never sent, and why.
    pub dropped: Vec<(i64, String)>,
    /// Reminders to be asked for.
    pub reminders: Vec<Reminder>,
}

/// A message to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// As [`OutgoingMessage::message_id`].
    pub message_id: String,
    /// Who gets it.
    pub address: Address,
    /// When it was made.
    pub made_at: Timestamp,
    /// Numbers of notifications.
    pub notifications: Vec<i64>,
}

/// A notification is looked at again later.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    /// The notification's number.
    pub notification: i64,
    /// When it is due again.
    pub until: Timestamp,
    /// `silenced`, `outside active hours`.
    pub why: String,
}

/// A notification of [`NotificationKind::Reminder`](super::notifications::NotificationKind::Reminder) to be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    /// The incident's id.
    pub incident: String,
    /// Who is reminded.
    pub address: Address,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Not to be sent before.
    pub due_at: Timestamp,
}

/// What became of trying to send a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// The message was sent.
    Sent {
        /// When.
        at: Timestamp,
        /// What the server answered for recipients who did not get it, if there are some.
        problem: Option<String>,
    },
    /// The message could not be sent, and will be tried again.
    Failed {
        /// When the next attempt is due.
        again_at: Timestamp,
        /// What went wrong.
        problem: String,
    },
    /// The message cannot be sent, and will not be tried again.
    GivenUp {
        /// When that was decided.
        at: Timestamp,
        /// What went wrong.
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

    /// The messages whose next attempt is due at this time, oldest first.
    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>>;

    /// The messages whose next attempt is after this time, oldest first.
    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>>;

    /// How many messages are neither sent nor given up.
    async fn queued_count(&self) -> Result<u64>;

    /// Records the result of an attempt. A message that was sent or given up is not changed.
    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()>;

    /// When messages were made for each address since a time, in order.
    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>>;
}
