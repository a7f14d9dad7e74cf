//! Rejected messages as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::{Micros, at_most};
use crate::engine::sqlite::writer::Tables;
use crate::rejections::{RejectedMessage, Rejection, RejectionQuery, Rejections};
use crate::unavailable::Result;

#[async_trait]
impl Rejections for Sqlite {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.readers.read("read rejections", move |tables| newest(tables, query)).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.readers.read("count rejections", count).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        let mark = move |tables: &mut Tables<'_>| mark_resent(tables, id, at);
        self.writer.change("mark a rejection", 1, mark).await
    }
}

/// Keeps a rejection unless it is there already: a redelivery bears the same time.
pub(crate) fn keep(tables: &Tables<'_>, message: &RejectedMessage) -> rusqlite::Result<()> {
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

pub(crate) fn newest(connection: &Connection, query: RejectionQuery) -> rusqlite::Result<Vec<Rejection>> {
    let (conditions, values) = conditions(query);
    let sql = format!(
        "SELECT id, received_at, topic, reason, payload, resent_at FROM rejected WHERE {conditions}
         ORDER BY received_at DESC, id DESC LIMIT ?"
    );
    let values = values.into_iter().chain([at_most(query.limit).into()]);
    connection.prepare_cached(&sql)?.query_map(params_from_iter(values), read)?.collect()
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

fn read(row: &Row<'_>) -> rusqlite::Result<Rejection> {
    let message = RejectedMessage {
        received_at: row.get::<_, Micros>(1)?.0,
        topic: row.get(2)?,
        reason: row.get(3)?,
        payload: row.get::<_, Vec<u8>>(4)?.into(),
    };
    let resent_at = row.get::<_, Option<Micros>>(5)?.map(|micros| micros.0);
    Ok(Rejection { id: row.get(0)?, message, resent_at })
}

pub(crate) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT rejected FROM totals")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

/// Returns whether this is what marked it.
pub(crate) fn mark_resent(tables: &Tables<'_>, id: i64, at: Timestamp) -> rusqlite::Result<bool> {
    const UPDATE: &str = "UPDATE rejected SET resent_at = ?2 WHERE id = ?1 AND resent_at IS NULL";
    Ok(tables.connection.prepare_cached(UPDATE)?.execute(params![id, Micros(at)])? == 1)
}
