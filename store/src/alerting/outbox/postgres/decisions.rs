//! What is decided of notifications, a statement for all of a kind.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use crate::alerting::incidents::postgres::turn::in_turn;
use crate::alerting::outbox::{Decisions, Deferral, NewMessage, Reminder};
use crate::engine::columns::Word;
use crate::engine::postgres::columns::{Micros, Param, text};

pub(crate) async fn decide(client: &mut Client, decisions: &Decisions) -> Result<(), Error> {
    let Decisions { messages, held, dropped, reminders } = decisions;
    let transaction = in_turn(client).await?;
    if !messages.is_empty() {
        make(&transaction, messages).await?;
    }
    if !held.is_empty() {
        defer(&transaction, held).await?;
    }
    if !dropped.is_empty() {
        drop_notifications(&transaction, dropped).await?;
    }
    if !reminders.is_empty() {
        remind(&transaction, reminders).await?;
    }
    transaction.commit().await
}

/// A message that is there already takes no further notifications: it may have been sent.
async fn make(transaction: &Transaction<'_>, messages: &[NewMessage]) -> Result<(), Error> {
    const PUT: &str = "
        UPDATE notifications n SET message = m.number
        FROM unnest($1::text[], $2::bigint[]) AS p (message_id, notification)
        JOIN messages m ON m.message_id = p.message_id AND m.number = ANY($3)
        WHERE n.number = p.notification AND n.message IS NULL AND n.dropped IS NULL";
    const REMOVE: &str = "
        DELETE FROM messages m
        WHERE number = ANY($1) AND NOT EXISTS (SELECT FROM notifications WHERE message = m.number)";
    let new = insert(transaction, messages).await?;
    let (mut ids, mut notifications): (Vec<_>, Vec<i64>) = Default::default();
    let mut put = HashSet::new();
    for message in messages {
        // The first message that a notification is to go into has it.
        for notification in message.notifications.iter().filter(|notification| put.insert(**notification)) {
            ids.push(text(&message.message_id));
            notifications.push(*notification);
        }
    }
    let params: [Param<'_>; 3] =
        [(&ids, Type::TEXT_ARRAY), (&notifications, Type::INT8_ARRAY), (&new, Type::INT8_ARRAY)];
    transaction.execute_typed(PUT, &params).await?;
    transaction.execute_typed(REMOVE, &params[2..]).await?;
    Ok(())
}

/// Returns the numbers of those that are new.
async fn insert(transaction: &Transaction<'_>, messages: &[NewMessage]) -> Result<Vec<i64>, Error> {
    const INSERT: &str = "
        INSERT INTO messages (message_id, channel, recipient, made_at)
        SELECT message_id, channel, recipient, made_at
        FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
            WITH ORDINALITY AS m (message_id, channel, recipient, made_at, turn)
        ORDER BY turn ON CONFLICT (message_id) DO NOTHING RETURNING number";
    let ids: Vec<_> = messages.iter().map(|message| text(&message.message_id)).collect();
    let channels: Vec<_> = messages.iter().map(|message| Word(message.address.channel)).collect();
    let recipients: Vec<_> = messages.iter().map(|message| text(&message.address.to)).collect();
    let made_at: Vec<_> = messages.iter().map(|message| Micros::of(message.made_at)).collect();
    let params: [Param<'_>; 4] = [
        (&ids, Type::TEXT_ARRAY),
        (&channels, Type::TEXT_ARRAY),
        (&recipients, Type::TEXT_ARRAY),
        (&made_at, Type::TIMESTAMPTZ_ARRAY),
    ];
    let rows = transaction.query_typed(INSERT, &params).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn defer(transaction: &Transaction<'_>, held: &[Deferral]) -> Result<(), Error> {
    const UPDATE: &str = "
        UPDATE notifications n SET due_at = h.until, held = h.why
        FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS h (notification, until, why)
        WHERE n.number = h.notification AND n.message IS NULL AND n.dropped IS NULL";
    let notifications: Vec<_> = held.iter().map(|deferral| deferral.notification).collect();
    let until: Vec<_> = held.iter().map(|deferral| Micros::of(deferral.until)).collect();
    let why: Vec<_> = held.iter().map(|deferral| text(&deferral.why)).collect();
    let params: [Param<'_>; 3] =
        [(&notifications, Type::INT8_ARRAY), (&until, Type::TIMESTAMPTZ_ARRAY), (&why, Type::TEXT_ARRAY)];
    transaction.execute_typed(UPDATE, &params).await?;
    Ok(())
}

async fn drop_notifications(transaction: &Transaction<'_>, dropped: &[(i64, String)]) -> Result<(), Error> {
    const UPDATE: &str = "
        UPDATE notifications n SET dropped = d.why FROM unnest($1::bigint[], $2::text[]) AS d (notification, why)
        WHERE n.number = d.notification AND n.message IS NULL AND n.dropped IS NULL";
    let notifications: Vec<_> = dropped.iter().map(|(notification, _)| *notification).collect();
    let why: Vec<_> = dropped.iter().map(|(_, why)| text(why)).collect();
    let params: [Param<'_>; 2] = [(&notifications, Type::INT8_ARRAY), (&why, Type::TEXT_ARRAY)];
    transaction.execute_typed(UPDATE, &params).await?;
    Ok(())
}

/// Asks for reminders, except where one is waiting, or the incident is over or acknowledged.
async fn remind(transaction: &Transaction<'_>, reminders: &[Reminder]) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO notifications (incident, kind, channel, recipient, asked_at, due_at)
        SELECT i.number, 'reminder', r.channel, r.recipient, r.asked_at, r.due_at
        FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
            WITH ORDINALITY AS r (incident, channel, recipient, asked_at, due_at, turn)
        JOIN incidents i ON i.id = r.incident AND i.resolved_at IS NULL AND i.acknowledged_at IS NULL
        ORDER BY r.turn ON CONFLICT DO NOTHING";
    let incidents: Vec<_> = reminders.iter().map(|reminder| text(&reminder.incident)).collect();
    let channels: Vec<_> = reminders.iter().map(|reminder| Word(reminder.address.channel)).collect();
    let recipients: Vec<_> = reminders.iter().map(|reminder| text(&reminder.address.to)).collect();
    let asked_at: Vec<_> = reminders.iter().map(|reminder| Micros::of(reminder.asked_at)).collect();
    let due_at: Vec<_> = reminders.iter().map(|reminder| Micros::of(reminder.due_at)).collect();
    let params: [Param<'_>; 5] = [
        (&incidents, Type::TEXT_ARRAY),
        (&channels, Type::TEXT_ARRAY),
        (&recipients, Type::TEXT_ARRAY),
        (&asked_at, Type::TIMESTAMPTZ_ARRAY),
        (&due_at, Type::TIMESTAMPTZ_ARRAY),
    ];
    transaction.execute_typed(INSERT, &params).await?;
    Ok(())
}
