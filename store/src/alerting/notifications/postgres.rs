//! Notifications as rows.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};

use crate::alerting::notifications::{Address, DeliveryStatus, Notification};
use crate::engine::postgres::columns::{Micros, Param, Word};

/// The columns that [`read`] reads, in its order, and where they are.
pub(crate) const COLUMNS: &str = "
    n.incident, n.number, n.kind, n.channel, n.recipient, n.asked_at, n.due_at, n.held, n.dropped,
    m.message_id, m.sent_at, m.problem
    FROM notifications n LEFT JOIN messages m ON m.number = n.message";

/// A notification with its incident's number.
pub(crate) type Numbered = (i64, Notification);

/// The notifications of each incident.
pub(crate) async fn of(
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

pub(crate) async fn select(
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
pub(crate) fn address(row: &Row, channel: usize) -> Address {
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
