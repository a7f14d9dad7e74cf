//! Readings as rows.

use rusqlite::Row;
use telemetry::{Reading, Series};

use crate::engine::sqlite::columns::{Micros, Number};
use crate::readings::history::StoredReading;

/// The columns that [`read`] reads, in its order.
pub(crate) const COLUMNS: &str = "measured_at, boot, seq, value, unit, received_at, stored_at";

/// Reads a row of [`COLUMNS`].
pub(crate) fn read(row: &Row<'_>, series: &Series) -> rusqlite::Result<StoredReading> {
    let reading = Reading {
        series: series.clone(),
        measured_at: row.get::<_, Micros>(0)?.0,
        boot: row.get::<_, Number>(1)?.0,
        seq: row.get::<_, Number>(2)?.0,
        value: row.get(3)?,
        unit: row.get(4)?,
        received_at: row.get::<_, Micros>(5)?.0,
    };
    Ok(StoredReading { reading, stored_at: row.get::<_, Micros>(6)?.0 })
}
