//! Messages, as far as the two databases read and write them alike.

use jiff::Timestamp;

use super::{Attempt, OutgoingMessage, Postponed, QueuedMessage};
use crate::alerting::notifications::{Address, address};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, count};
use crate::micros::rounded_up;
use crate::unavailable::Result;

/// The columns that [`read`] reads, in its order.
pub(crate) const COLUMNS: &str = "message_id, channel, recipient, made_at, tries, number";

/// A message without its notifications, with its number.
pub(crate) fn read(row: &Row<'_>) -> anyhow::Result<(i64, OutgoingMessage)> {
    let message = OutgoingMessage {
        message_id: row.get(0)?,
        address: address(row, 1)?,
        made_at: row.time(3)?,
        tries: row.get::<i32>(4)?.unsigned_abs(),
        notifications: Vec::new(),
    };
    Ok((row.get(5)?, message))
}

/// Messages that are to be tried, oldest first.
pub(crate) async fn heads(engine: &impl Engine, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient FROM messages m
        WHERE sent_at IS NULL AND given_up_at IS NULL AND (again_at IS NULL OR again_at <= $1)
            AND EXISTS (SELECT 1 FROM notifications WHERE message = m.number)
        ORDER BY number LIMIT $2";
    let read = |row: &Row<'_>| Ok(QueuedMessage { message_id: row.get(0)?, address: address(row, 1)? });
    let params = [now.into(), at_most(limit).into()];
    engine.query(Statement::new("read queued messages", SELECT, params), read).await
}

pub(crate) async fn postponed(engine: &impl Engine, now: Timestamp) -> Result<Vec<Postponed>> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient, tries, again_at FROM messages
        WHERE sent_at IS NULL AND given_up_at IS NULL AND again_at > $1 ORDER BY number";
    let read = |row: &Row<'_>| {
        Ok(Postponed {
            message_id: row.get(0)?,
            address: address(row, 1)?,
            tries: row.get::<i32>(3)?.unsigned_abs(),
            again_at: row.time(4)?,
        })
    };
    engine.query(Statement::new("read postponed messages", SELECT, [now.into()]), read).await
}

pub(crate) async fn queued_count(engine: &impl Engine) -> Result<u64> {
    const COUNT: &str = "SELECT count(*) FROM messages WHERE sent_at IS NULL AND given_up_at IS NULL";
    count(engine, Statement::new("count queued messages", COUNT, [])).await
}

/// A message that was sent or given up before stays as it is.
pub(crate) async fn record_attempt(engine: &impl Engine, message_id: &str, attempt: &Attempt) -> Result<()> {
    const UPDATE: &str = "
        UPDATE messages SET tries = tries + 1, problem = $2, again_at = $3, sent_at = $4, given_up_at = $5
        WHERE message_id = $1 AND sent_at IS NULL AND given_up_at IS NULL";
    let (problem, [again_at, sent_at, given_up_at]) = match attempt {
        Attempt::Sent { at, problem } => (problem.as_deref(), [None, Some(*at), None]),
        Attempt::Failed { again_at, problem } => (Some(&**problem), [Some(*again_at), None, None]),
        Attempt::GivenUp { at, problem } => (Some(&**problem), [None, None, Some(*at)]),
    };
    let params = [message_id.into(), problem.into(), again_at.into(), sent_at.into(), given_up_at.into()];
    engine.execute(Statement::new("record an attempt", UPDATE, params)).await.map(drop)
}

pub(crate) async fn since(engine: &impl Engine, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
    const SELECT: &str = "
        SELECT channel, recipient, made_at FROM messages WHERE made_at >= $1 ORDER BY made_at, number";
    let read = |row: &Row<'_>| Ok((address(row, 0)?, row.time(2)?));
    engine.query(Statement::new("read messages", SELECT, [rounded_up(since).into()]), read).await
}
