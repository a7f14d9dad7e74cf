//! Notifications with the incidents that they are about.

use rusqlite::{Connection, params};

use crate::alerting::incidents::Incident;
use crate::alerting::incidents::sqlite as incidents;
use crate::alerting::notifications::Notification;
use crate::alerting::notifications::sqlite::select;
use crate::alerting::notifications::{COLUMNS, Numbered};
use crate::alerting::outbox::{DueNotifications, DueQuery, OutgoingMessage, messages};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::sqlite::columns::{Micros, list};

/// Each condition on what is new has an index of its own; the plus keeps SQLite from taking the wrong one.
pub(crate) fn due(connection: &Connection, query: &DueQuery) -> anyhow::Result<DueNotifications> {
    const NEXT: &str = "
        SELECT min(due_at) FROM notifications WHERE message IS NULL AND dropped IS NULL AND due_at > ?1";
    let DueQuery { now, known, after, limit } = *query;
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.number IN (
             SELECT number FROM notifications
             WHERE message IS NULL AND dropped IS NULL AND due_at > ?3 AND due_at <= ?1
             UNION SELECT number FROM notifications
             WHERE number > ?4 AND message IS NULL AND dropped IS NULL AND +due_at <= ?1
         ) AND n.number > ?5 ORDER BY n.number LIMIT ?2"
    );
    let params = params![Micros(now), at_most(limit), Micros(known.at), known.number, after];
    let due = select(connection, &sql, params)?;
    let next: Option<Micros> = connection.prepare_cached(NEXT)?.query_row([Micros(now)], |row| row.get(0))?;
    Ok((with_incidents(connection, due)?, next.map(|next| next.0)))
}

pub(crate) fn waiting(
    connection: &Connection,
    numbers: Vec<i64>,
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE n.number IN (SELECT value FROM json_each(?1))
             AND n.message IS NULL AND n.dropped IS NULL ORDER BY n.number"
    );
    let notifications = select(connection, &sql, [list(numbers)])?;
    with_incidents(connection, notifications)
}

fn with_incidents(
    connection: &Connection,
    notifications: Vec<Numbered>,
) -> anyhow::Result<Vec<(Notification, Incident)>> {
    let incidents = incidents::numbered(connection, notifications.iter().map(|(incident, _)| *incident))?;
    let pair = |(incident, notification)| Some((notification, incidents.get(&incident)?.clone()));
    Ok(notifications.into_iter().filter_map(pair).collect())
}

/// A message with its notifications, if it has some.
pub(crate) fn message(connection: &Connection, message_id: &str) -> anyhow::Result<Option<OutgoingMessage>> {
    let sql = format!("SELECT {} FROM messages WHERE message_id = ?1", messages::COLUMNS);
    let mut found = connection.prepare_cached(&sql)?;
    let mut found = found.query_and_then([message_id], |row| messages::read(&Row::Sqlite(row)))?;
    let Some((number, message)) = found.next().transpose()? else { return Ok(None) };
    let sql = format!("SELECT {COLUMNS} WHERE n.message = ?1 ORDER BY n.number");
    let notifications = with_incidents(connection, select(connection, &sql, [number])?)?;
    Ok((!notifications.is_empty()).then_some(OutgoingMessage { notifications, ..message }))
}
