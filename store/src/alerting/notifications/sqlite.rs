//! Notifications as rows, and what is decided of them.

use std::collections::HashMap;

use rusqlite::{Connection, Params, Row};

use crate::alerting::notifications::{Address, DeliveryStatus, Notification};
use crate::engine::sqlite::columns::{Micros, Word, list};

/// The columns that [`read`] reads, in its order, and where they are.
pub(crate) const COLUMNS: &str = "
    n.incident, n.number, n.kind, n.channel, n.recipient, n.asked_at, n.due_at, n.held, n.dropped,
    m.message_id, m.sent_at, m.problem
    FROM notifications n LEFT JOIN messages m ON m.number = n.message";

/// A notification with its incident's number.
pub(crate) type Numbered = (i64, Notification);

/// The notifications of each incident.
pub(crate) fn of(
    connection: &Connection,
    incidents: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<HashMap<i64, Vec<Notification>>> {
    let sql =
        format!("SELECT {COLUMNS} WHERE n.incident IN (SELECT value FROM json_each(?1)) ORDER BY n.number");
    let mut notifications: HashMap<i64, Vec<Notification>> = HashMap::new();
    for (incident, notification) in select(connection, &sql, [list(incidents)])? {
        notifications.entry(incident).or_default().push(notification);
    }
    Ok(notifications)
}

pub(crate) fn select(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Numbered>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    let notification = Notification {
        number: row.get(1)?,
        kind: row.get::<_, Word<_>>(2)?.0,
        address: address(row, 3)?,
        asked_at: row.get::<_, Micros>(5)?.0,
        due_at: row.get::<_, Micros>(6)?.0,
        status: status(row)?,
    };
    Ok((row.get(0)?, notification))
}

/// The address in a row's columns `channel` and `recipient`, of which the first is given.
pub(crate) fn address(row: &Row<'_>, channel: usize) -> rusqlite::Result<Address> {
    Ok(Address { channel: row.get::<_, Word<_>>(channel)?.0, to: row.get(channel + 1)? })
}

fn status(row: &Row<'_>) -> rusqlite::Result<DeliveryStatus> {
    if let Some(why) = row.get(8)? {
        return Ok(DeliveryStatus::Dropped { why });
    }
    let Some(message_id) = row.get(9)? else { return Ok(DeliveryStatus::Waiting { held: row.get(7)? }) };
    let sent_at = row.get::<_, Option<Micros>>(10)?.map(|at| at.0);
    Ok(DeliveryStatus::InMessage { message_id, sent_at, problem: row.get(11)? })
}
