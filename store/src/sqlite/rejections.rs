//! Rejected messages as rows.

use rusqlite::{Connection, Row, params};

use super::columns::{Micros, at_most};
use super::writer::Tables;
use crate::RejectedMessage;

/// Keeps a rejection unless it is there already: a redelivery bears the same time.
pub(super) fn keep(tables: &Tables<'_>, message: &RejectedMessage) -> rusqlite::Result<()> {
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

pub(super) fn newest(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<RejectedMessage>> {
    const SELECT: &str = "
        SELECT received_at, topic, reason, payload FROM rejected ORDER BY received_at DESC, id DESC LIMIT ?1";
    connection.prepare_cached(SELECT)?.query_map([at_most(limit)], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<RejectedMessage> {
    Ok(RejectedMessage {
        received_at: row.get::<_, Micros>(0)?.0,
        topic: row.get(1)?,
        reason: row.get(2)?,
        payload: row.get::<_, Vec<u8>>(3)?.into(),
    })
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT rejected FROM totals")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
