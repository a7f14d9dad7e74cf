//! Notifications as rows.

use std::collections::HashMap;

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::{COLUMNS, Notification, Numbered, read};
use crate::engine::postgres::columns::Param;
use crate::engine::row::read_all;

/// The notifications of each incident.
pub(crate) async fn of(
    transaction: &Transaction<'_>,
    incidents: &[i64],
) -> anyhow::Result<HashMap<i64, Vec<Notification>>> {
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
) -> anyhow::Result<Vec<Numbered>> {
    read_all(&transaction.query_typed(sql, params).await?, read)
}
