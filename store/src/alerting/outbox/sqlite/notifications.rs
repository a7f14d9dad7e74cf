//! Notifications with the incidents that they are about.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::alerting::incidents::Incident;
use crate::alerting::incidents::sqlite as incidents;
use crate::alerting::notifications::Notification;
use crate::alerting::notifications::sqlite::{COLUMNS, Numbered, select};
use crate::engine::sqlite::columns::{Micros, at_most, list};

/// Notifications that are due, with their incidents, and when the next one is.
type Due = (Vec<(Notification, Incident)>, Option<Timestamp>);

/// The notifications of messages, by their numbers, each with its incident.
pub(crate) fn in_messages(
    connection: &Connection,
    messages: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<Vec<(Notification, Incident)>> {
    let sql =
        format!("SELECT {COLUMNS} WHERE n.message IN (SELECT value FROM json_each(?1)) ORDER BY n.number");
    let notifications = select(connection, &sql, [list(messages)])?;
    with_incidents(connection, notifications)
}

pub(crate) fn due(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Due> {
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
) -> rusqlite::Result<Vec<(Notification, Incident)>> {
    let incidents = incidents::numbered(connection, notifications.iter().map(|(incident, _)| *incident))?;
    let pair = |(incident, notification)| Some((notification, incidents.get(&incident)?.clone()));
    Ok(notifications.into_iter().filter_map(pair).collect())
}
