//! Who is to be told of an incident, and the messages that tell them.

use jiff::Timestamp;
use telemetry::Filter;

use crate::{Address, Incident};

/// One person or program is to hear of one change of one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Grows in the order in which notifications are asked for.
    pub number: i64,
    pub kind: NotificationKind,
    pub address: Address,
    pub asked_at: Timestamp,
    /// Not to be told before.
    pub due_at: Timestamp,
    pub status: DeliveryStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    Opened,
    /// Still broken, and nobody has acknowledged it.
    Reminder,
    Resolved,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryStatus {
    /// With why it is held, if it is.
    Waiting { held: Option<String> },
    /// Nobody is told, and why.
    Dropped { why: String },
    /// It is in this message.
    InMessage { message_id: String, sent_at: Option<Timestamp>, problem: Option<String> },
}

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

/// While it lasts, nobody is told of the incidents it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    pub id: String,
    /// All rules where none is named; likewise for metrics.
    pub rule: Option<String>,
    pub metric: Option<String>,
    /// Of the device's name.
    pub device: Filter,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub by: String,
}

impl Silence {
    #[must_use]
    pub fn covers(&self, incident: &Incident, at: Timestamp) -> bool {
        let named = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        (self.from..self.until).contains(&at)
            && named(&self.rule, &incident.rule)
            && named(&self.metric, &incident.metric)
            && self.device.matches(&incident.device)
    }
}
