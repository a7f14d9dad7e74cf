//! What is decided of notifications.

use rusqlite::params;

use crate::alerting::outbox::{Decisions, Deferral, NewMessage, Reminder};
use crate::engine::columns::Word;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;

pub(crate) fn decide(tables: &Tables<'_>, decisions: &Decisions) -> rusqlite::Result<()> {
    for message in &decisions.messages {
        make(tables, message)?;
    }
    for deferral in &decisions.held {
        defer(tables, deferral)?;
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

fn defer(tables: &Tables<'_>, Deferral { notification, until, why }: &Deferral) -> rusqlite::Result<()> {
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

/// Asks for a reminder, unless one is waiting, or the incident is over or acknowledged.
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
