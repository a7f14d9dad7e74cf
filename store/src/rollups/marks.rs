//! Marks where rollups do not hold any more, in the transaction that adds or removes the readings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use super::width::Width;
use crate::engine::postgres::columns::Micros;
use crate::engine::statement::Statement;

/// Marks a range of a series.
pub(crate) fn mark(series: i64, from: Timestamp, to: Timestamp) -> Statement {
    const INSERT: &str = "
        INSERT INTO rollup_marks (series, from_at, to_at) VALUES (CAST($1 AS integer), $2, $3)";
    Statement::new("mark what is to be summed up again", INSERT, [series.into(), from.into(), to.into()])
}

/// Hours of series in which readings were added or removed.
#[derive(Default)]
pub(crate) struct Hours(BTreeSet<(i64, i64)>);

impl Hours {
    pub(crate) fn add(&mut self, series: i64, measured_at: i64) {
        self.0.insert((series, Width::Hour.floor(measured_at)));
    }

    /// Marks them in SQLite.
    pub(crate) fn mark(&self, connection: &Connection) -> rusqlite::Result<()> {
        const INSERT: &str = "INSERT INTO rollup_marks (series, from_at, to_at) VALUES (?1, ?2, ?3)";
        if self.0.is_empty() {
            return Ok(());
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        for (series, hour) in &self.0 {
            insert.execute(params![series, hour, hour + Width::Hour.micros()])?;
        }
        Ok(())
    }
}

/// Up to when readings are summed up in SQLite, or are about to be: who changes earlier ones makes a mark.
pub(crate) fn marked_until(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT marked_until FROM rollup_progress")?.query_row([], |row| row.get(0))
}

/// Marks in PostgreSQL the hours that are summed up or about to be, of the series and times that are given in order.
///
/// It comes after the readings in their transaction, which has a number by then: see [`super::roll`].
pub(crate) async fn insert(
    client: &impl GenericClient,
    rows: impl Iterator<Item = (i32, Micros)>,
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO rollup_marks (series, from_at, to_at)
        SELECT series, hour, hour + INTERVAL '1 hour'
        FROM unnest($1::integer[], $2::timestamptz[]) AS changed (series, hour)
        WHERE hour < (SELECT marked_until FROM rollup_progress)";
    let mut hours: Vec<_> = rows.map(|(series, at)| (series, Micros(Width::Hour.floor(at.0)))).collect();
    hours.dedup();
    if hours.is_empty() {
        return Ok(());
    }
    let (series, hours): (Vec<_>, Vec<_>) = hours.into_iter().unzip();
    let params = [(&series as _, Type::INT4_ARRAY), (&hours as _, Type::TIMESTAMPTZ_ARRAY)];
    client.execute_typed(INSERT, &params).await.map(drop)
}
