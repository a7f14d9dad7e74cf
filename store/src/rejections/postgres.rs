//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient, Row};

use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Param, at_most, text};
use crate::rejections::{RejectedMessage, Rejection, RejectionQuery, Rejections};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Postgres {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.pool.call("read rejections", async |s| newest(&s.client, query).await).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.pool.call("count rejections", async |s| count(&s.client).await).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        self.pool.call("mark a rejection", async |s| mark_resent(&s.client, id, at).await).await
    }
}

/// Keeps rejections unless they are there already: a redelivery bears the same time.
pub(crate) async fn insert(client: &impl GenericClient, messages: &[RejectedMessage]) -> Result<(), Error> {
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
    client.execute_typed(INSERT, &params).await?;
    Ok(())
}

pub(crate) async fn newest(client: &Client, query: RejectionQuery) -> Result<Vec<Rejection>, Error> {
    // What was not asked for is NULL, and left out of the plan. The first of the two on $2 finds the place in the index.
    const SELECT: &str = "
        SELECT id, received_at, topic, reason, payload, resent_at FROM rejected
        WHERE ($1 IS NULL OR id = $1)
            AND ($2 IS NULL OR received_at <= (SELECT received_at FROM rejected WHERE id = $2))
            AND ($2 IS NULL OR (received_at, id) < (SELECT received_at, id FROM rejected WHERE id = $2))
            AND ($3 IS NULL OR (resent_at IS NOT NULL) = $3)
        ORDER BY received_at DESC, id DESC LIMIT $4";
    let RejectionQuery { id, before, resent, limit } = query;
    let params: [Param<'_>; 4] =
        [(&id, Type::INT8), (&before, Type::INT8), (&resent, Type::BOOL), (&at_most(limit), Type::INT8)];
    let rows = client.query_typed(SELECT, &params).await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> Rejection {
    let message = RejectedMessage {
        received_at: row.get::<_, Micros>(1).time(),
        topic: row.get(2),
        reason: row.get(3),
        payload: row.get::<_, Vec<u8>>(4).into(),
    };
    Rejection {
        id: row.get(0),
        message,
        resent_at: row.get::<_, Option<Micros>>(5).map(|micros| micros.time()),
    }
}

pub(crate) async fn count(client: &Client) -> Result<u64, Error> {
    let row = client.query_typed_one("SELECT rejected FROM totals", &[]).await?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Returns whether this is what marked it.
pub(crate) async fn mark_resent(client: &Client, id: i64, at: Timestamp) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE rejected SET resent_at = $2 WHERE id = $1 AND resent_at IS NULL";
    let params: [Param<'_>; 2] = [(&id, Type::INT8), (&Micros::of(at), Type::TIMESTAMPTZ)];
    Ok(client.execute_typed(UPDATE, &params).await? == 1)
}
