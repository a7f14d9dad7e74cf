//! Messages as rows, and what became of them.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::notifications::in_messages;
use crate::alerting::notifications::postgres::address;
use crate::alerting::notifications::{Address, DeliveryStatus};
use crate::alerting::outbox::{Attempt, OutgoingMessage, Postponed};
use crate::engine::postgres::columns::{Micros, Param, at_most, text};
use crate::engine::postgres::session::snapshot;

/// Those that are to be tried, oldest first.
pub(crate) async fn queued(
    client: &mut Client,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutgoingMessage>, Error> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient, made_at, tries, number FROM messages m
        WHERE sent_at IS NULL AND given_up_at IS NULL AND (again_at IS NULL OR again_at <= $1)
            AND EXISTS (SELECT FROM notifications WHERE message = m.number)
        ORDER BY number LIMIT $2";
    let transaction = snapshot(client).await?;
    let params: [Param<'_>; 2] = [(&Micros::of(now), Type::TIMESTAMPTZ), (&at_most(limit), Type::INT8)];
    let rows = transaction.query_typed(SELECT, &params).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(5)).collect();
    let mut pairs: HashMap<String, Vec<_>> = HashMap::new();
    for pair in in_messages(&transaction, &numbers).await? {
        if let DeliveryStatus::InMessage { message_id, .. } = &pair.0.status {
            pairs.entry(message_id.clone()).or_default().push(pair);
        }
    }
    let message = |row: &Row| OutgoingMessage {
        message_id: row.get(0),
        address: address(row, 1),
        made_at: row.get::<_, Micros>(3).time(),
        tries: row.get::<_, i32>(4).unsigned_abs(),
        notifications: pairs.remove(row.get::<_, &str>(0)).unwrap_or_default(),
    };
    Ok(rows.iter().map(message).collect())
}

/// Those that are to be tried after this time, oldest first.
pub(crate) async fn postponed(client: &Client, now: Timestamp) -> Result<Vec<Postponed>, Error> {
    const SELECT: &str = "
        SELECT message_id, channel, recipient, tries, again_at FROM messages
        WHERE sent_at IS NULL AND given_up_at IS NULL AND again_at > $1 ORDER BY number";
    let rows = client.query_typed(SELECT, &[(&Micros::of(now), Type::TIMESTAMPTZ)]).await?;
    let read = |row: &Row| Postponed {
        message_id: row.get(0),
        address: address(row, 1),
        tries: row.get::<_, i32>(3).unsigned_abs(),
        again_at: row.get::<_, Micros>(4).time(),
    };
    Ok(rows.iter().map(read).collect())
}

pub(crate) async fn queued_count(client: &Client) -> Result<u64, Error> {
    const COUNT: &str = "SELECT count(*) FROM messages WHERE sent_at IS NULL AND given_up_at IS NULL";
    Ok(client.query_typed_one(COUNT, &[]).await?.get::<_, i64>(0).unsigned_abs())
}

/// One that was sent or given up before stays as it is.
pub(crate) async fn tried(client: &Client, message_id: &str, attempt: &Attempt) -> Result<(), Error> {
    const UPDATE: &str = "
        UPDATE messages SET tries = tries + 1, problem = $2, again_at = $3, sent_at = $4, given_up_at = $5
        WHERE message_id = $1 AND sent_at IS NULL AND given_up_at IS NULL";
    let (problem, [again_at, sent_at, given_up_at]) = match attempt {
        Attempt::Sent { at, problem } => (problem.as_deref(), [None, Some(at), None]),
        Attempt::Failed { again_at, problem } => (Some(&**problem), [Some(again_at), None, None]),
        Attempt::GivenUp { at, problem } => (Some(&**problem), [None, None, Some(at)]),
    };
    let time = |at: Option<&Timestamp>| at.copied().map(Micros::of);
    let params: [Param<'_>; 5] = [
        (&text(message_id), Type::TEXT),
        (&problem.map(text), Type::TEXT),
        (&time(again_at), Type::TIMESTAMPTZ),
        (&time(sent_at), Type::TIMESTAMPTZ),
        (&time(given_up_at), Type::TIMESTAMPTZ),
    ];
    client.execute_typed(UPDATE, &params).await?;
    Ok(())
}

pub(crate) async fn since(client: &Client, since: Timestamp) -> Result<Vec<(Address, Timestamp)>, Error> {
    const SELECT: &str = "
        SELECT channel, recipient, made_at FROM messages WHERE made_at >= $1 ORDER BY made_at, number";
    let rows = client.query_typed(SELECT, &[(&Micros::bound(since), Type::TIMESTAMPTZ)]).await?;
    Ok(rows.iter().map(|row| (address(row, 0), row.get::<_, Micros>(2).time())).collect())
}
