//! Notifications as rows, and what is decided of them.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, params};

use super::columns::{Micros, Word, at_most, list};
use super::incidents;
use super::writer::Tables;
use crate::{Address, Decisions, Deferral, DeliveryStatus, Incident, NewMessage, Notification, Reminder};

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
pub(super) fn of(
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

/// The notifications of messages, by their numbers, each with its incident.
pub(super) fn in_messages(
    connection: &Connection,
    messages: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<Vec<(Notification, Incident)>> {
    let sql =
        format!("SELECT {COLUMNS} WHERE n.message IN (SELECT value FROM json_each(?1)) ORDER BY n.number");
    let notifications = select(connection, &sql, [list(messages)])?;
    with_incidents(connection, notifications)
}

pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Due> {
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

fn select(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Vec<Numbered>> {
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
pub(super) fn address(row: &Row<'_>, channel: usize) -> rusqlite::Result<Address> {
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

pub(super) fn decide(tables: &Tables<'_>, decisions: &Decisions) -> rusqlite::Result<()> {
    for message in &decisions.messages {
        make(tables, message)?;
    }
    for hold in &decisions.held {
        delay(tables, hold)?;
    }
    for (number, why) in &decisions.dropped {
        drop_notification(tables, *number, why)?;
    }
    for reminder in &decisions.reminders {
        remind(tables, reminder)?;
    }
    Ok(())
}

/// A message that is there already takes no further notifications: it may have been sent.
fn make(tables: &Tables<'_>, message: &NewMessage) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO messages (message_id, channel, recipient, made_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (message_id) DO NOTHING";
    const PUT: &str = "
        UPDATE notifications SET message = ?2 WHERE number = ?1 AND message IS NULL AND dropped IS NULL";
    const REMOVE: &str = "DELETE FROM messages WHERE number = ?1";
    let NewMessage { message_id, address, made_at, notifications } = message;
    let params = params![message_id, Word(address.channel), address.to, Micros(*made_at)];
    if tables.connection.prepare_cached(INSERT)?.execute(params)? == 0 {
        return Ok(());
    }
    let number = tables.connection.last_insert_rowid();
    let mut put = tables.connection.prepare_cached(PUT)?;
    let mut count = 0;
    for notification in notifications {
        count += put.execute([*notification, number])?;
    }
    if count == 0 {
        tables.connection.prepare_cached(REMOVE)?.execute([number])?;
    }
    Ok(())
}

fn delay(tables: &Tables<'_>, Deferral { notification, until, why }: &Deferral) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE notifications SET due_at = ?2, held = ?3 WHERE number = ?1 AND message IS NULL AND dropped IS NULL";
    tables.connection.prepare_cached(UPDATE)?.execute(params![notification, Micros(*until), why])?;
    Ok(())
}

fn drop_notification(tables: &Tables<'_>, number: i64, why: &str) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE notifications SET dropped = ?2 WHERE number = ?1 AND message IS NULL AND dropped IS NULL";
    tables.connection.prepare_cached(UPDATE)?.execute(params![number, why])?;
    Ok(())
}

/// Asks for a reminder, unless one is waiting, or nobody is to be reminded any more.
fn remind(tables: &Tables<'_>, reminder: &Reminder) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO notifications (incident, kind, channel, recipient, asked_at, due_at)
        SELECT number, 'reminder', ?2, ?3, ?4, ?5 FROM incidents
        WHERE id = ?1 AND resolved_at IS NULL AND acknowledged_at IS NULL
        ON CONFLICT DO NOTHING";
    let Reminder { incident, address, asked_at, due_at } = reminder;
    tables.connection.prepare_cached(INSERT)?.execute(params![
        incident,
        Word(address.channel),
        address.to,
        Micros(*asked_at),
        Micros(*due_at),
    ])?;
    Ok(())
}
