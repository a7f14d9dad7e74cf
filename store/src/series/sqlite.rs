//! Series: each device and metric by a number.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use telemetry::Series;

/// Series that the writer remembers, at most: some 20 MB.
const MAX_REMEMBERED: usize = 100_000;

/// The writer's memory of what number a series has.
///
/// A rollback must be followed by [`SeriesIds::forget`]: it may have taken a series back.
#[derive(Default)]
pub(crate) struct SeriesIds(HashMap<Series, i64>);

impl SeriesIds {
    /// The number of the series, which is added where there is none.
    pub(crate) fn id(&mut self, connection: &Connection, series: &Series) -> rusqlite::Result<i64> {
        if let Some(id) = self.0.get(series) {
            return Ok(*id);
        }
        let id = match find(connection, series.device(), series.metric())? {
            Some(id) => id,
            None => add(connection, series)?,
        };
        if self.0.len() == MAX_REMEMBERED {
            self.forget();
        }
        self.0.insert(series.clone(), id);
        Ok(id)
    }

    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

pub(crate) fn find(connection: &Connection, device: &str, metric: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM series WHERE device = ?1 AND metric = ?2")?
        .query_row([device, metric], |row| row.get(0))
        .optional()
}

fn add(connection: &Connection, series: &Series) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO series (device, metric) VALUES (?1, ?2) RETURNING id")?
        .query_row([series.device(), series.metric()], |row| row.get(0))
}

/// The series with this number, which there is.
pub(crate) fn by_id(connection: &Connection, id: i64) -> rusqlite::Result<Series> {
    connection
        .prepare_cached("SELECT id, device, metric FROM series WHERE id = ?1")?
        .query_row([id], |row| read(row).map(|(_, series)| series))
}

/// The series of a device and a metric, or of all where none is named, by device and metric.
pub(crate) fn matching(
    connection: &Connection,
    device: Option<&str>,
    metric: Option<&str>,
) -> rusqlite::Result<Vec<(i64, Series)>> {
    const SELECT: &str = "
        SELECT id, device, metric FROM series
        WHERE (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR metric = ?2)
        ORDER BY device, metric";
    connection.prepare_cached(SELECT)?.query_map(params![device, metric], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Series)> {
    let (device, metric): (String, String) = (row.get(1)?, row.get(2)?);
    let topic = Series::new(&metric, &device).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
    })?;
    Ok((row.get(0)?, topic))
}
