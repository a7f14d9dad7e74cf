//! Rejected messages as rows.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Transaction};

use super::columns::{Micros, at_most, text};
use crate::RejectedMessage;

/// Keeps rejections unless they are there already: a redelivery bears the same time.
pub(super) async fn insert(transaction: &Transaction<'_>, messages: &[RejectedMessage]) -> Result<(), Error> {
    // No text holds the NUL that parts the three.
    const INSERT: &str = r"
        INSERT INTO rejected (received_at, topic, reason, payload, digest)
        SELECT received_at, topic, reason, payload, sha256(
            convert_to(topic, 'UTF8') || '\x00' || convert_to(reason, 'UTF8') || '\x00' || payload)
        FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bytea[])
            AS messages (received_at, topic, reason, payload)
        ON CONFLICT DO NOTHING";
    if messages.is_empty() {
        return Ok(());
    }
    let mut messages: Vec<_> = messages.iter().collect();
    messages.sort_by_key(|message| (message.received_at, &message.topic, &message.reason, &message.payload));
    let received_at: Vec<_> = messages.iter().map(|message| Micros::of(message.received_at)).collect();
    let topic: Vec<_> = messages.iter().map(|message| text(&message.topic)).collect();
    let reason: Vec<_> = messages.iter().map(|message| text(&message.reason)).collect();
    let payload: Vec<_> = messages.iter().map(|message| message.payload.as_ref()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&received_at, Type::TIMESTAMPTZ_ARRAY),
        (&topic, Type::TEXT_ARRAY),
        (&reason, Type::TEXT_ARRAY),
        (&payload, Type::BYTEA_ARRAY),
    ];
    transaction.execute_typed(INSERT, &params).await?;
    Ok(())
}

pub(super) async fn newest(client: &Client, limit: usize) -> Result<Vec<RejectedMessage>, Error> {
    const SELECT: &str = "
        SELECT received_at, topic, reason, payload FROM rejected ORDER BY received_at DESC, id DESC LIMIT $1";
    let rows = client.query_typed(SELECT, &[(&at_most(limit), Type::INT8)]).await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> RejectedMessage {
    RejectedMessage {
        received_at: row.get::<_, Micros>(0).time(),
        topic: row.get(1),
        reason: row.get(2),
        payload: row.get::<_, Vec<u8>>(3).into(),
    }
}

pub(super) async fn count(client: &Client) -> Result<u64, Error> {
    let row = client.query_typed_one("SELECT rejected FROM totals", &[]).await?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}
