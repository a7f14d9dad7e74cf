//! Notifications: who is to be told of a change of an incident, and what became of it.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use jiff::Timestamp;

use crate::text_codec::text_codec;

/// Who is told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub channel: Channel,
    /// For mail an address; else the name of a recipient in the rules.
    pub to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Mail,
    Webhook,
    Mqtt,
}

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

text_codec!(Channel: Mail "mail", Webhook "webhook", Mqtt "mqtt");
text_codec!(NotificationKind: Opened "opened", Reminder "reminder", Resolved "resolved");

/// Why a reminder that waits when its incident is over is dropped.
pub(crate) const RESOLVED: &str = "resolved";
