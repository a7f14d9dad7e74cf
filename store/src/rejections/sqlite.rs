//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;

use super::{awaits, groups};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;
use crate::rejections::{
    Awaited, RejectedMessage, Rejection, RejectionGroup, RejectionQuery, RejectionSelection, Rejections,
};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Sqlite {
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

/// Stores a rejection unless it is there already: a redelivery has the same time.
pub(crate) fn add(tables: &Tables<'_>, message: &RejectedMessage) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO rejected (received_at, topic, reason, payload, payload_bytes, stored_at, awaits)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (
            SELECT 1 FROM rejected WHERE received_at = ?1 AND topic = ?2 AND reason = ?3 AND payload = ?4
        )";
    tables.connection.prepare_cached(INSERT)?.execute(params![
        Micros(message.received_at),
        message.topic,
        message.reason,
        message.stored_payload(),
        super::cut_from(message),
        Micros(tables.stored_at),
        awaits::subject(message),
    ])?;
    Ok(())
}
