//! Messages as rows, and what became of them.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::notifications::in_messages;
use crate::alerting::notifications::sqlite::address;
use crate::alerting::notifications::{Address, DeliveryStatus};
use crate::alerting::outbox::{Attempt, OutgoingMessage, Postponed};
use crate::engine::sqlite::columns::{Micros, at_most};
use crate::engine::sqlite::writer::Tables;
use crate::micros::micros_from;

/// Those that are to be tried, oldest first.
pub(crate) fn queued(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<OutgoingMessage>> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient, made_at, tries, number FROM messages
        WHERE sent_at IS NULL AND given_up_at IS NULL AND (again_at IS NULL OR again_at <= ?1)
            AND EXISTS (SELECT 1 FROM notifications WHERE message = messages.number)
        ORDER BY number LIMIT ?2";
    let mut messages: Vec<(i64, OutgoingMessage)> = connection
        .prepare_cached(SELECT)?
        .query_map(params![Micros(now), at_most(limit)], read)?
        .collect::<rusqlite::Result<_>>()?;
    let mut notifications: HashMap<String, Vec<_>> = HashMap::new();
    for pair in in_messages(connection, messages.iter().map(|(number, _)| *number))? {
        if let DeliveryStatus::InMessage { message_id, .. } = &pair.0.status {
            notifications.entry(message_id.clone()).or_default().push(pair);
        }
    }
    for (_, message) in &mut messages {
        message.notifications = notifications.remove(&message.message_id).unwrap_or_default();
    }
    Ok(messages.into_iter().map(|(_, message)| message).collect())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, OutgoingMessage)> {
    let message = OutgoingMessage {
        message_id: row.get(0)?,
        address: address(row, 1)?,
        made_at: row.get::<_, Micros>(3)?.0,
        tries: row.get(4)?,
        notifications: Vec::new(),
    };
    Ok((row.get(5)?, message))
}

/// Those that are to be tried after this time, oldest first.
pub(crate) fn postponed(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Postponed>> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient, tries, again_at FROM messages
        WHERE sent_at IS NULL AND given_up_at IS NULL AND again_at > ?1 ORDER BY number";
    let read = |row: &Row<'_>| {
        Ok(Postponed {
            message_id: row.get(0)?,
            address: address(row, 1)?,
            tries: row.get(3)?,
            again_at: row.get::<_, Micros>(4)?.0,
        })
    };
    connection.prepare_cached(SELECT)?.query_map([Micros(now)], read)?.collect()
}

pub(crate) fn queued_count(connection: &Connection) -> rusqlite::Result<u64> {
    const COUNT: &str = "SELECT count(*) FROM messages WHERE sent_at IS NULL AND given_up_at IS NULL";
    connection.prepare_cached(COUNT)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// One that was sent or given up before stays as it is.
pub(crate) fn tried(tables: &Tables<'_>, message_id: &str, attempt: &Attempt) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE messages SET tries = tries + 1, problem = ?2, again_at = ?3, sent_at = ?4, given_up_at = ?5
        WHERE message_id = ?1 AND sent_at IS NULL AND given_up_at IS NULL";
    let (problem, [again_at, sent_at, given_up_at]) = match attempt {
        Attempt::Sent { at, problem } => (problem.as_deref(), [None, Some(at), None]),
        Attempt::Failed { again_at, problem } => (Some(&**problem), [Some(again_at), None, None]),
        Attempt::GivenUp { at, problem } => (Some(&**problem), [None, None, Some(at)]),
    };
    let time = |at: Option<&Timestamp>| at.copied().map(Micros);
    let mut update = tables.connection.prepare_cached(UPDATE)?;
    update.execute(params![message_id, problem, time(again_at), time(sent_at), time(given_up_at)])?;
    Ok(())
}

pub(crate) fn since(
    connection: &Connection,
    since: Timestamp,
) -> rusqlite::Result<Vec<(Address, Timestamp)>> {
    const SELECT: &str = "
        SELECT channel, recipient, made_at FROM messages WHERE made_at >= ?1 ORDER BY made_at, number";
    let read = |row: &Row<'_>| Ok((address(row, 0)?, row.get::<_, Micros>(2)?.0));
    connection.prepare_cached(SELECT)?.query_map([micros_from(since)], read)?.collect()
}
