//! The outbox: which notifications are due, what is decided of them, and the messages that carry them.

mod messages;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod waits;

use std::time::Duration;

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

/// A message that is to be sent, without what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedMessage {
    /// As [`OutgoingMessage::message_id`].
    pub message_id: String,
    /// Who gets it.
    pub address: Address,
}

/// Which notifications that are due to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DueQuery {
    /// Those that are due at this time ...
    pub now: Timestamp,
    /// ... and were not read before ...
    pub known: Known,
    /// ... and have a higher number than this one.
    pub after: i64,
    /// Notifications, at most.
    pub limit: usize,
}

/// Up to where notifications were read: those with higher numbers are new, and so are those that became due later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// The highest number.
    pub number: i64,
    /// The time.
    pub at: Timestamp,
}

impl Default for Known {
    /// Nothing was read.
    fn default() -> Self {
        Self { number: 0, at: Timestamp::MIN }
    }
}

/// Notifications with their incidents, and when the next later one is due.
pub type DueNotifications = (Vec<(Notification, Incident)>, Option<Timestamp>);

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

/// How long what waits may be put off, at most: what is put off for longer was so by a clock that was ahead.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LongestWaits {
    /// Messages that failed, until their next attempt.
    pub messages: Duration,
    /// Reminders, by the name of their rule.
    pub reminders: Vec<(String, Duration)>,
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
    /// Notifications that are due and neither in a message nor dropped, in the order in which they were asked for, each
    /// with its incident as it is now; and when the next later one is due.
    async fn notifications_due(&self, query: &DueQuery) -> Result<DueNotifications>;

    /// All that are due at this time, or the first of them.
    async fn due_notifications(&self, now: Timestamp, limit: usize) -> Result<DueNotifications> {
        self.notifications_due(&DueQuery { now, known: Known::default(), after: 0, limit }).await
    }

    /// Of these numbers, the notifications that are neither in a message nor dropped, in order, each with its incident
    /// as it is now.
    async fn waiting_notifications(&self, numbers: &[i64]) -> Result<Vec<(Notification, Incident)>>;

    /// Puts notifications into messages, defers or drops them and asks for reminders, in one transaction.
    ///
    /// A notification that has its message or was dropped stays as it is; a message left without a notification is not made.
    async fn decide(&self, decisions: &Decisions) -> Result<()>;

    /// Messages that are to be tried at this time, oldest first, without what is in them.
    async fn queued_heads(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>>;

    /// A message with all its notifications. None where it has none any more.
    async fn outgoing_message(&self, message_id: &str) -> Result<Option<OutgoingMessage>>;

    /// Messages that are to be tried at this time, oldest first.
    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>> {
        let mut messages = Vec::new();
        for head in self.queued_heads(now, limit).await? {
            messages.extend(self.outgoing_message(&head.message_id).await?);
        }
        Ok(messages)
    }

    /// The messages whose next attempt is after this time, oldest first.
    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>>;

    /// Brings forward what a clock that was ahead has put off, in one transaction: messages and reminders to the end of
    /// their longest wait, other notifications to now.
    async fn bring_forward(&self, now: Timestamp, waits: &LongestWaits) -> Result<()>;

    /// How many messages are neither sent nor given up.
    async fn queued_count(&self) -> Result<u64>;

    /// Records the result of an attempt. A message that was sent or given up is not changed.
    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()>;

    /// When messages were made for each address since a time, in order.
    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>>;
}
