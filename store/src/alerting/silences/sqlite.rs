//! Silences as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use telemetry::Filter;

use crate::alerting::silences::{Silence, Silences};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;
use crate::unavailable::Result;

#[async_trait]
impl Silences for Sqlite {
    async fn add_silence(&self, silence: &Silence) -> Result<()> {
        let silence = silence.clone();
        let add = move |tables: &mut Tables<'_>| add(tables, &silence);
        self.writer.change("keep a silence", 1, add).await
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        let id = id.to_owned();
        let end = move |tables: &mut Tables<'_>| end(tables, &id, at);
        self.writer.change("end a silence", 1, end).await
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        self.readers.read("read silences", move |tables| ending_after(tables, after)).await
    }
}

/// One that is there already stays as it is.
pub(crate) fn add(tables: &Tables<'_>, silence: &Silence) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO silences (id, rule, metric, device, starts_at, ends_at, reason, made_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO NOTHING";
    let Silence { id, rule, metric, device, from, until, reason, by } = silence;
    let params = params![id, rule, metric, device.as_str(), Micros(*from), Micros(*until), reason, by];
    tables.connection.prepare_cached(INSERT)?.execute(params)?;
    Ok(())
}

/// Returns whether there is such a silence.
pub(crate) fn end(tables: &Tables<'_>, id: &str, at: Timestamp) -> rusqlite::Result<bool> {
    const UPDATE: &str = "UPDATE silences SET ends_at = min(ends_at, ?2) WHERE id = ?1";
    Ok(tables.connection.prepare_cached(UPDATE)?.execute(params![id, Micros(at)])? == 1)
}

pub(crate) fn ending_after(connection: &Connection, after: Timestamp) -> rusqlite::Result<Vec<Silence>> {
    const SELECT: &str = "
        SELECT id, rule, metric, device, starts_at, ends_at, reason, made_by FROM silences
        WHERE ends_at > ?1 ORDER BY starts_at, number";
    connection.prepare_cached(SELECT)?.query_map([Micros(after)], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Silence> {
    let device: Filter = row.get_ref(3)?.as_str()?.parse().map_err(|error: telemetry::FilterError| {
        rusqlite::Error::FromSqlConversionFailure(3, Type::Text, error.into())
    })?;
    Ok(Silence {
        id: row.get(0)?,
        rule: row.get(1)?,
        metric: row.get(2)?,
        device,
        from: row.get::<_, Micros>(4)?.0,
        until: row.get::<_, Micros>(5)?.0,
        reason: row.get(6)?,
        by: row.get(7)?,
    })
}
