//! Notifications: who is notified of a change of an incident, and how far the delivery is.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use jiff::Timestamp;

use crate::engine::row::Row;
use crate::text_codec::text_codec;

/// Who is notified, and over which channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The notification channel.
    pub channel: Channel,
    /// A mail address; for other channels the name of a recipient in the rules.
    pub to: String,
}

/// A notification channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// By SMTP, or as a file.
    Mail,
    /// By an HTTP POST.
    Webhook,
    /// By an MQTT message.
    Mqtt,
}

/// The request to notify one recipient of one change of one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Grows in the order in which notifications are asked for.
    pub number: i64,
    /// Which change it is about.
    pub kind: NotificationKind,
    /// Who is notified.
    pub address: Address,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Not to be sent before.
    pub due_at: Timestamp,
    /// What became of it.
    pub status: DeliveryStatus,
}

/// Which change a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// The incident opened.
    Opened,
    /// The incident is still open and not acknowledged.
    Reminder,
    /// The incident is over.
    Resolved,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryStatus {
    /// It is in no message yet.
    Waiting {
        /// Why it is deferred, if it is.
        held: Option<String>,
    },
    /// It is never sent.
    Dropped {
        /// Why.
        why: String,
    },
    /// It is in a message.
    InMessage {
        /// The message.
        message_id: String,
        /// When the message was sent. None while it is queued, or where it was given up.
        sent_at: Option<Timestamp>,
        /// What went wrong at the last attempt, if something did.
        problem: Option<String>,
    },
}

text_codec!(Channel: Mail "mail", Webhook "webhook", Mqtt "mqtt");
text_codec!(NotificationKind: Opened "opened", Reminder "reminder", Resolved "resolved");

/// Why a reminder that waits when its incident is over is dropped.
pub(crate) const RESOLVED: &str = "resolved";

/// The columns that [`read`] reads, in its order, and where they are.
pub(crate) const COLUMNS: &str = "
    n.incident, n.number, n.kind, n.channel, n.recipient, n.asked_at, n.due_at, n.held, n.dropped,
    m.message_id, m.sent_at, m.problem
    FROM notifications n LEFT JOIN messages m ON m.number = n.message";

/// A notification with its incident's number.
pub(crate) type Numbered = (i64, Notification);

fn read(row: &Row<'_>) -> anyhow::Result<Numbered> {
    let notification = Notification {
        number: row.get(1)?,
        kind: row.word(2)?,
        address: address(row, 3)?,
        asked_at: row.time(5)?,
        due_at: row.time(6)?,
        status: status(row)?,
    };
    Ok((row.get(0)?, notification))
}

/// The address in a row's columns `channel` and `recipient`, of which the first is given.
pub(crate) fn address(row: &Row<'_>, channel: usize) -> anyhow::Result<Address> {
    Ok(Address { channel: row.word(channel)?, to: row.get(channel + 1)? })
}

fn status(row: &Row<'_>) -> anyhow::Result<DeliveryStatus> {
    if let Some(why) = row.get(8)? {
        return Ok(DeliveryStatus::Dropped { why });
    }
    let Some(message_id) = row.get(9)? else { return Ok(DeliveryStatus::Waiting { held: row.get(7)? }) };
    Ok(DeliveryStatus::InMessage { message_id, sent_at: row.time_if_any(10)?, problem: row.get(11)? })
}
