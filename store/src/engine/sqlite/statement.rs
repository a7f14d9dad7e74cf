//! Executes statements that need not differ, in SQLite.

use async_trait::async_trait;
use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection, ToSql};

use super::Sqlite;
use super::writer::Tables;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Read, Statement, Value};
use crate::unavailable::Result;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Time(time) => Ok(ToSqlOutput::Owned(time.map(|time| time.as_microsecond()).into())),
            Self::Integer(number) => number.to_sql(),
            Self::Float(number) => number.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
        }
    }
}

/// Rolls a transaction back whose required statement changed no row.
const NONE_CHANGED: rusqlite::Error = rusqlite::Error::StatementChangedRows(0);

#[async_trait]
impl Engine for Sqlite {
    async fn execute(&self, statement: Statement) -> Result<u64> {
        let Statement { doing, sql, params, rows, .. } = statement;
        let execute = move |tables: &mut Tables<'_>| prepare(tables.connection, &sql, &params)?.raw_execute();
        Ok(self.writer.change(doing, rows, execute).await? as u64)
    }

    async fn execute_all(&self, doing: &'static str, statements: Vec<Statement>) -> Result<Option<u64>> {
        let rows = statements.iter().map(|statement| statement.rows).sum();
        let execute = move |tables: &mut Tables<'_>| {
            let mut changed = 0;
            for Statement { sql, params, is_required, .. } in &statements {
                let rows = prepare(tables.connection, sql, params)?.raw_execute()?;
                if rows == 0 && *is_required {
                    return Err(NONE_CHANGED);
                }
                changed += rows as u64;
            }
            Ok(Some(changed))
        };
        match self.writer.change(doing, rows, execute).await {
            Err(error) if error.0.downcast_ref() == Some(&NONE_CHANGED) => Ok(None),
            outcome => outcome,
        }
    }

    /// Changes come one after the other: a statement that was executed has outlasted those before it.
    async fn outlast_writers(&self) -> Result<bool> {
        Ok(true)
    }

    async fn query<T: Send + 'static>(&self, statement: Statement, read: Read<T>) -> Result<Vec<T>> {
        let Statement { doing, sql, params, .. } = statement;
        self.readers.read(doing, move |connection| select(connection, &sql, &params, read)).await
    }
}

fn select<T>(connection: &Connection, sql: &str, params: &[Value], read: Read<T>) -> anyhow::Result<Vec<T>> {
    let mut statement = prepare(connection, sql, params)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Row::Sqlite(row))?);
    }
    Ok(found)
}

/// To SQLite `$1` is a name, not a number: the first name that it meets has the first place.
fn prepare<'a>(
    connection: &'a Connection,
    sql: &str,
    params: &[Value],
) -> rusqlite::Result<CachedStatement<'a>> {
    let mut statement = connection.prepare_cached(sql)?;
    for (number, param) in (1..).zip(params) {
        if let Some(place) = statement.parameter_index(&format!("${number}"))? {
            statement.raw_bind_parameter(place, param)?;
        }
    }
    Ok(statement)
}
