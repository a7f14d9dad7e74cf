//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{COLUMNS, read};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;
use crate::rejections::{RejectedMessage, Rejection, RejectionQuery, Rejections};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Sqlite {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.readers.read("read rejections", move |tables| newest(tables, query)).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        super::unresent(self).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        super::mark_resent(self, id, at).await
    }
}

/// Stores a rejection unless it is there already: a redelivery has the same time.
pub(crate) fn add(tables: &Tables<'_>, message: &RejectedMessage) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO rejected (received_at, topic, reason, payload)
        SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (
            SELECT 1 FROM rejected WHERE received_at = ?1 AND topic = ?2 AND reason = ?3 AND payload = ?4
        )";
    tables.connection.prepare_cached(INSERT)?.execute(params![
        Micros(message.received_at),
        message.topic,
        message.reason,
        message.payload.as_ref(),
    ])?;
    Ok(())
}

pub(crate) fn newest(connection: &Connection, query: RejectionQuery) -> anyhow::Result<Vec<Rejection>> {
    let (conditions, values) = conditions(query);
    let sql = format!(
        "SELECT {COLUMNS} FROM rejected WHERE {conditions}
         ORDER BY received_at DESC, id DESC LIMIT ?"
    );
    let values = values.into_iter().chain([at_most(query.limit).into()]);
    connection
        .prepare_cached(&sql)?
        .query_and_then(params_from_iter(values), |row| read(&Row::Sqlite(row)))?
        .collect()
}

fn conditions(query: RejectionQuery) -> (String, Vec<Value>) {
    const BEFORE: &str = "(received_at, id) < (SELECT received_at, id FROM rejected WHERE id = ?)";
    let asked = [("id = ?", query.id), (BEFORE, query.before)];
    let (mut conditions, values): (Vec<_>, Vec<_>) =
        asked.into_iter().filter_map(|(condition, value)| Some((condition, value?.into()))).unzip();
    match query.resent {
        Some(true) => conditions.push("resent_at IS NOT NULL"),
        Some(false) => conditions.push("resent_at IS NULL"),
        None => {}
    }
    (if conditions.is_empty() { "true".into() } else { conditions.join(" AND ") }, values)
}
