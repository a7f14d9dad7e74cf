//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient};

use super::{COLUMNS, read};
use crate::engine::columns::at_most;
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, Param, text};
use crate::engine::row::read_all;
use crate::rejections::{RejectedMessage, Rejection, RejectionQuery, Rejections};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Postgres {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.pool.call("read rejections", async |s| newest(&s.client, query).await).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        super::unresent(self).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        super::mark_resent(self, id, at).await
    }
}

/// Stores rejections unless they are there already: a redelivery has the same time.
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

pub(crate) async fn newest(client: &Client, query: RejectionQuery) -> anyhow::Result<Vec<Rejection>> {
    // What was not asked for is NULL, and left out of the plan. The first of the two on $2 finds the place in the index.
    let select = format!(
        "SELECT {COLUMNS} FROM rejected
        WHERE ($1 IS NULL OR id = $1)
            AND ($2 IS NULL OR received_at <= (SELECT received_at FROM rejected WHERE id = $2))
            AND ($2 IS NULL OR (received_at, id) < (SELECT received_at, id FROM rejected WHERE id = $2))
            AND ($3 IS NULL OR (resent_at IS NOT NULL) = $3)
        ORDER BY received_at DESC, id DESC LIMIT $4"
    );
    let RejectionQuery { id, before, resent, limit } = query;
    let params: [Param<'_>; 4] =
        [(&id, Type::INT8), (&before, Type::INT8), (&resent, Type::BOOL), (&at_most(limit), Type::INT8)];
    let rows = client.query_typed(&select, &params).await?;
    read_all(&rows, read)
}
