//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient};

use super::{awaits, groups};
use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::{Micros, text};
use crate::rejections::{
    Awaited, RejectedMessage, Rejection, RejectionGroup, RejectionQuery, RejectionSelection, Rejections,
};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Postgres {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        super::page(self, &query).await
    }

    async fn rejection(&self, id: i64) -> Result<Option<Rejection>> {
        super::one(self, id).await
    }

    async fn rejection_groups(&self, selection: RejectionSelection) -> Result<Vec<RejectionGroup>> {
        groups::read(self, &selection).await
    }

    async fn rejected_topics(&self, limit: usize) -> Result<Vec<(i64, String)>> {
        super::topics(self, limit).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        super::unresent(self).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        super::mark_resent(self, id, at).await
    }

    async fn awaited(&self, limit: usize) -> Result<Vec<Awaited>> {
        awaits::awaited(self, limit).await
    }

    async fn await_more(&self, awaited: &Awaited) -> Result<()> {
        awaits::await_more(self, awaited).await
    }

    async fn dismiss(&self, id: i64) -> Result<bool> {
        super::dismiss(self, id).await
    }

    async fn dismiss_all(&self, selection: RejectionSelection) -> Result<u64> {
        super::dismiss_all(self, &selection).await
    }
}

/// Stores rejections unless they are there already: a redelivery has the same time.
pub(crate) async fn insert(client: &impl GenericClient, messages: &[RejectedMessage]) -> Result<(), Error> {
    // No text holds the NUL that parts the three.
    const INSERT: &str = r"
        INSERT INTO rejected (received_at, topic, reason, payload, payload_bytes, awaits, digest)
        SELECT received_at, topic, reason, payload, payload_bytes, awaits, sha256(
            convert_to(topic, 'UTF8') || '\x00' || convert_to(reason, 'UTF8') || '\x00' || payload)
        FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bytea[], $5::bigint[],
                $6::text[])
            AS messages (received_at, topic, reason, payload, payload_bytes, awaits)
        ON CONFLICT DO NOTHING";
    if messages.is_empty() {
        return Ok(());
    }
    let mut messages: Vec<_> = messages.iter().collect();
    messages.sort_by_key(|message| (message.received_at, &message.topic, &message.reason, &message.payload));
    let received_at: Vec<_> = messages.iter().map(|message| Micros::of(message.received_at)).collect();
    let topic: Vec<_> = messages.iter().map(|message| text(&message.topic)).collect();
    let reason: Vec<_> = messages.iter().map(|message| text(&message.reason)).collect();
    let payload: Vec<_> = messages.iter().map(|message| message.stored_payload()).collect();
    let payload_bytes: Vec<_> = messages.iter().map(|message| super::cut_from(message)).collect();
    let awaits: Vec<_> = messages.iter().map(|message| awaits::subject(message)).collect();
    let params: [(&(dyn ToSql + Sync), Type); 6] = [
        (&received_at, Type::TIMESTAMPTZ_ARRAY),
        (&topic, Type::TEXT_ARRAY),
        (&reason, Type::TEXT_ARRAY),
        (&payload, Type::BYTEA_ARRAY),
        (&payload_bytes, Type::INT8_ARRAY),
        (&awaits, Type::TEXT_ARRAY),
    ];
    client.execute_typed(INSERT, &params).await?;
    Ok(())
}
