//! Notifications with the incidents that they are about.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::alerting::incidents::Incident;
use crate::alerting::incidents::sqlite as incidents;
use crate::alerting::notifications::Notification;
use crate::alerting::notifications::sqlite::select;
use crate::alerting::notifications::{COLUMNS, Numbered};
use crate::alerting::outbox::{OutgoingMessage, messages};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::sqlite::columns::{Micros, list};

/// Notifications that are due, with their incidents, and when the next one is.
type Due = (Vec<(Notification, Incident)>, Option<Timestamp>);

/// The notifications of messages, by their numbers, each with its incident.
pub(crate) fn in_messages(
    connection: &Connection,
    messages: impl IntoIterator<Item = i64>,
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let sql =
        format!("SELECT {COLUMNS} WHERE n.message IN (SELECT value FROM json_each(?1)) ORDER BY n.number");
    let notifications = select(connection, &sql, [list(messages)])?;
    with_incidents(connection, notifications)
}

pub(crate) fn due(connection: &Connection, now: Timestamp, limit: usize) -> anyhow::Result<Due> {
    const NEXT: &str = "
        SELECT min(due_at) FROM notifications WHERE message IS NULL AND dropped IS NULL AND due_at > ?1";
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.message IS NULL AND n.dropped IS NULL AND n.due_at <= ?1 ORDER BY n.number LIMIT ?2"
    );
    let due = select(connection, &sql, params![Micros(now), at_most(limit)])?;
    let next: Option<Micros> = connection.prepare_cached(NEXT)?.query_row([Micros(now)], |row| row.get(0))?;
    Ok((with_incidents(connection, due)?, next.map(|next| next.0)))
}

fn with_incidents(
    connection: &Connection,
    notifications: Vec<Numbered>,
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let incidents = incidents::numbered(connection, notifications.iter().map(|(incident, _)| *incident))?;
    let pair = |(incident, notification)| Some((notification, incidents.get(&incident)?.clone()));
    Ok(notifications.into_iter().filter_map(pair).collect())
}

/// The messages whose next attempt is due, oldest first.
pub(crate) fn queued(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> anyhow::Result<Vec<OutgoingMessage>> {
    let sql = format!(
        "SELECT {} FROM messages
         WHERE sent_at IS NULL AND given_up_at IS NULL AND (again_at IS NULL OR again_at <= ?1)
             AND EXISTS (SELECT 1 FROM notifications WHERE message = messages.number)
         ORDER BY number LIMIT ?2",
        messages::COLUMNS
    );
    let found: Vec<(i64, OutgoingMessage)> = connection
        .prepare_cached(&sql)?
        .query_and_then(params![Micros(now), at_most(limit)], |row| messages::read(&Row::Sqlite(row)))?
        .collect::<anyhow::Result<_>>()?;
    let notifications = in_messages(connection, found.iter().map(|(number, _)| *number))?;
    Ok(messages::complete(found, notifications))
}
