//! Notifications as rows.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Transaction};

use super::columns::{Micros, Param, Word, at_most};
use super::incidents;
use crate::{Address, DeliveryStatus, Incident, Notification};

/// The columns that [`read`] reads, in its order, and where they are.
const COLUMNS: &str = "
    n.incident, n.number, n.kind, n.channel, n.recipient, n.asked_at, n.due_at, n.held, n.dropped,
    m.message_id, m.sent_at, m.problem
    FROM notifications n LEFT JOIN messages m ON m.number = n.message";

/// A notification with its incident's number.
type Numbered = (i64, Notification);

/// Notifications that are due, with their incidents, and when the next one is.
type Due = (Vec<(Notification, Incident)>, Option<Timestamp>);

/// The notifications of each incident.
pub(super) async fn of(
    transaction: &Transaction<'_>,
    incidents: &[i64],
) -> Result<HashMap<i64, Vec<Notification>>, Error> {
    let sql = format!("SELECT {COLUMNS} WHERE n.incident = ANY($1) ORDER BY n.number");
    let mut notifications: HashMap<i64, Vec<Notification>> = HashMap::new();
    if incidents.is_empty() {
        return Ok(notifications);
    }
    for (incident, notification) in select(transaction, &sql, &[(&incidents, Type::INT8_ARRAY)]).await? {
        notifications.entry(incident).or_default().push(notification);
    }
    Ok(notifications)
}

/// The notifications of messages, by their numbers, each with its incident.
pub(super) async fn in_messages(
    transaction: &Transaction<'_>,
    messages: &[i64],
) -> Result<Vec<(Notification, Incident)>, Error> {
    let sql = format!("SELECT {COLUMNS} WHERE n.message = ANY($1) ORDER BY n.number");
    let notifications = select(transaction, &sql, &[(&messages, Type::INT8_ARRAY)]).await?;
    with_incidents(transaction, notifications).await
}

pub(super) async fn due(client: &mut Client, now: Timestamp, limit: usize) -> Result<Due, Error> {
    const NEXT: &str = "
        SELECT min(due_at) FROM notifications WHERE message IS NULL AND dropped IS NULL AND due_at > $1";
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.message IS NULL AND n.dropped IS NULL AND n.due_at <= $1 ORDER BY n.number LIMIT $2"
    );
    let transaction = incidents::unchanging(client).await?;
    let (now, limit) = (Micros::of(now), at_most(limit));
    let params: [Param<'_>; 2] = [(&now, Type::TIMESTAMPTZ), (&limit, Type::INT8)];
    let due = select(&transaction, &sql, &params).await?;
    let next: Option<Micros> = transaction.query_typed_one(NEXT, &params[..1]).await?.get(0);
    Ok((with_incidents(&transaction, due).await?, next.map(Micros::time)))
}

async fn with_incidents(
    transaction: &Transaction<'_>,
    notifications: Vec<Numbered>,
) -> Result<Vec<(Notification, Incident)>, Error> {
    let numbers: Vec<i64> = notifications.iter().map(|(incident, _)| *incident).collect();
    let incidents = incidents::numbered(transaction, &numbers).await?;
    let pair = |(incident, notification)| Some((notification, incidents.get(&incident)?.clone()));
    Ok(notifications.into_iter().filter_map(pair).collect())
}

async fn select(
    transaction: &Transaction<'_>,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Vec<Numbered>, Error> {
    Ok(transaction.query_typed(sql, params).await?.iter().map(read).collect())
}

fn read(row: &Row) -> Numbered {
    let notification = Notification {
        number: row.get(1),
        kind: row.get::<_, Word<_>>(2).0,
        address: address(row, 3),
        asked_at: row.get::<_, Micros>(5).time(),
        due_at: row.get::<_, Micros>(6).time(),
        status: status(row),
    };
    (row.get(0), notification)
}

/// The address in a row's columns `channel` and `recipient`, of which the first is given.
pub(super) fn address(row: &Row, channel: usize) -> Address {
    Address { channel: row.get::<_, Word<_>>(channel).0, to: row.get(channel + 1) }
}

fn status(row: &Row) -> DeliveryStatus {
    if let Some(why) = row.get(8) {
        return DeliveryStatus::Dropped { why };
    }
    let Some(message_id) = row.get(9) else { return DeliveryStatus::Waiting { held: row.get(7) } };
    let sent_at = row.get::<_, Option<Micros>>(10).map(Micros::time);
    DeliveryStatus::InMessage { message_id, sent_at, problem: row.get(11) }
}
