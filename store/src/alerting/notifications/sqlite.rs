//! Notifications as rows, and what is decided of them.

use std::collections::HashMap;

use rusqlite::{Connection, Params};

use super::{COLUMNS, Notification, Numbered, read};
use crate::engine::row::Row;
use crate::engine::sqlite::columns::list;

/// The notifications of each incident.
pub(crate) fn of(
    connection: &Connection,
    incidents: impl IntoIterator<Item = i64>,
) -> anyhow::Result<HashMap<i64, Vec<Notification>>> {
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
) -> anyhow::Result<Vec<Numbered>> {
    connection.prepare_cached(sql)?.query_and_then(params, |row| read(&Row::Sqlite(row)))?.collect()
}
