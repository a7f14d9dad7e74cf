//! Notifications with the incidents that they are about.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use crate::alerting::incidents::Incident;
use crate::alerting::incidents::postgres as incidents;
use crate::alerting::notifications::Notification;
use crate::alerting::notifications::postgres::select;
use crate::alerting::notifications::{COLUMNS, Numbered};
use crate::alerting::outbox::{OutgoingMessage, messages};
use crate::engine::columns::at_most;
use crate::engine::postgres::columns::{Micros, Param};
use crate::engine::postgres::session::snapshot;
use crate::engine::row::read_all;

/// Notifications that are due, with their incidents, and when the next one is.
type Due = (Vec<(Notification, Incident)>, Option<Timestamp>);

/// The notifications of messages, by their numbers, each with its incident.
pub(crate) async fn in_messages(
    transaction: &Transaction<'_>,
    messages: &[i64],
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let sql = format!("SELECT {COLUMNS} WHERE n.message = ANY($1) ORDER BY n.number");
    let notifications = select(transaction, &sql, &[(&messages, Type::INT8_ARRAY)]).await?;
    with_incidents(transaction, notifications).await
}

pub(crate) async fn due(client: &mut Client, now: Timestamp, limit: usize) -> anyhow::Result<Due> {
    const NEXT: &str = "
        SELECT min(due_at) FROM notifications WHERE message IS NULL AND dropped IS NULL AND due_at > $1";
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.message IS NULL AND n.dropped IS NULL AND n.due_at <= $1 ORDER BY n.number LIMIT $2"
    );
    let transaction = snapshot(client).await?;
    let (now, limit) = (Micros::of(now), at_most(limit));
    let params: [Param<'_>; 2] = [(&now, Type::TIMESTAMPTZ), (&limit, Type::INT8)];
    let due = select(&transaction, &sql, &params).await?;
    let next: Option<Micros> = transaction.query_typed_one(NEXT, &params[..1]).await?.get(0);
    Ok((with_incidents(&transaction, due).await?, next.map(Micros::time)))
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

/// The messages whose next attempt is due, oldest first.
pub(crate) async fn queued(
    client: &mut Client,
    now: Timestamp,
    limit: usize,
) -> anyhow::Result<Vec<OutgoingMessage>> {
    let sql = format!(
        "SELECT {} FROM messages m
         WHERE sent_at IS NULL AND given_up_at IS NULL AND (again_at IS NULL OR again_at <= $1)
             AND EXISTS (SELECT FROM notifications WHERE message = m.number)
         ORDER BY number LIMIT $2",
        messages::COLUMNS
    );
    let transaction = snapshot(client).await?;
    let params: [Param<'_>; 2] = [(&Micros::of(now), Type::TIMESTAMPTZ), (&at_most(limit), Type::INT8)];
    let found = read_all(&transaction.query_typed(&sql, &params).await?, messages::read)?;
    let numbers: Vec<i64> = found.iter().map(|(number, _)| *number).collect();
    let notifications = in_messages(&transaction, &numbers).await?;
    Ok(messages::complete(found, notifications))
}
