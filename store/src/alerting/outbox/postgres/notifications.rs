//! Notifications with the incidents that they are about.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use crate::alerting::incidents::Incident;
use crate::alerting::incidents::postgres as incidents;
use crate::alerting::notifications::Notification;
use crate::alerting::notifications::postgres::select;
use crate::alerting::notifications::{COLUMNS, Numbered};
use crate::alerting::outbox::{DueNotifications, DueQuery, OutgoingMessage, messages};
use crate::engine::columns::at_most;
use crate::engine::postgres::columns::{Micros, Param, text};
use crate::engine::postgres::session::snapshot;
use crate::engine::row::read_all;

pub(crate) async fn due(client: &mut Client, query: &DueQuery) -> anyhow::Result<DueNotifications> {
    const NEXT: &str = "
        SELECT min(due_at) FROM notifications WHERE message IS NULL AND dropped IS NULL AND due_at > $1";
    let sql = format!(
        "SELECT {COLUMNS}
         WHERE n.message IS NULL AND n.dropped IS NULL AND n.due_at <= $1
             AND (n.due_at > $3 OR n.number > $4) AND n.number > $5
         ORDER BY n.number LIMIT $2"
    );
    let DueQuery { now, known, after, limit } = *query;
    let transaction = snapshot(client).await?;
    let params: [Param<'_>; 5] = [
        (&Micros::of(now), Type::TIMESTAMPTZ),
        (&at_most(limit), Type::INT8),
        (&Micros::bound(known.at), Type::TIMESTAMPTZ),
        (&known.number, Type::INT8),
        (&after, Type::INT8),
    ];
    let due = select(&transaction, &sql, &params).await?;
    let next: Option<Micros> = transaction.query_typed_one(NEXT, &params[..1]).await?.get(0);
    Ok((with_incidents(&transaction, due).await?, next.map(Micros::time)))
}

pub(crate) async fn waiting(
    client: &mut Client,
    numbers: &[i64],
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.number = ANY($1) AND n.message IS NULL AND n.dropped IS NULL ORDER BY n.number"
    );
    let transaction = snapshot(client).await?;
    let notifications = select(&transaction, &sql, &[(&numbers, Type::INT8_ARRAY)]).await?;
    with_incidents(&transaction, notifications).await
}

async fn with_incidents(
    transaction: &Transaction<'_>,
    notifications: Vec<Numbered>,
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let numbers: Vec<i64> = notifications.iter().map(|(incident, _)| *incident).collect();
    let incidents = incidents::numbered(transaction, &numbers).await?;
    let pair = |(incident, notification)| Some((notification, incidents.get(&incident)?.clone()));
    Ok(notifications.into_iter().filter_map(pair).collect())
}

/// A message with its notifications, if it has some.
pub(crate) async fn message(
    client: &mut Client,
    message_id: &str,
) -> anyhow::Result<Option<OutgoingMessage>> {
    let sql = format!("SELECT {} FROM messages WHERE message_id = $1", messages::COLUMNS);
    let transaction = snapshot(client).await?;
    let rows = transaction.query_typed(&sql, &[(&text(message_id), Type::TEXT)]).await?;
    let Some((number, message)) = read_all(&rows, messages::read)?.pop() else { return Ok(None) };
    let sql = format!("SELECT {COLUMNS} WHERE n.message = $1 ORDER BY n.number");
    let notifications = select(&transaction, &sql, &[(&number, Type::INT8)]).await?;
    let notifications = with_incidents(&transaction, notifications).await?;
    Ok((!notifications.is_empty()).then_some(OutgoingMessage { notifications, ..message }))
}
