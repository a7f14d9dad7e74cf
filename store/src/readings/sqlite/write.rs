//! Stores a batch in the writer's transaction.

use rusqlite::params;
use telemetry::Reading;

use crate::announcements::sqlite as announcements;
use crate::attributes::sqlite as attributes;
use crate::engine::sqlite::columns::{Micros, Number};
use crate::engine::sqlite::writer::Tables;
use crate::journal::sqlite::NewKeys;
use crate::readings::write::{Batch, Written};
use crate::rejections::sqlite as rejections;
use crate::rollups::marks::{self, Hours};
use crate::uplinks::sqlite as uplinks;

/// Stores a batch; what is stored already stays as it is.
pub(crate) fn write(tables: &mut Tables<'_>, batch: &Batch) -> rusqlite::Result<Written> {
    let mut journal = NewKeys::begin(tables)?;
    let stored = write_readings(tables, &batch.readings, journal.as_mut())?;
    if let Some(journal) = journal {
        journal.write(tables)?;
    }
    for message in &batch.rejected {
        rejections::add(tables, message)?;
    }
    announcements::add(tables, &batch.announcements)?;
    attributes::add(tables, &batch.attributes)?;
    uplinks::merge(tables, &batch.uplinks)?;
    Ok(Written {
        stored,
        duplicate: batch.readings.len() as u64 - stored,
        rejected: batch.rejected.len() as u64,
    })
}

/// Returns how many of the readings are new.
fn write_readings(
    tables: &mut Tables<'_>,
    readings: &[Reading],
    mut journal: Option<&mut NewKeys>,
) -> rusqlite::Result<u64> {
    const INSERT: &str = "
        INSERT INTO readings (series, measured_at, boot, seq, value, unit, received_at, stored_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT DO NOTHING";
    let marked_until = marks::marked_until(tables.connection)?;
    let mut insert = tables.connection.prepare_cached(INSERT)?;
    let (mut added, mut hours) = (0, Hours::default());
    for reading in readings {
        let series = tables.series.id(tables.connection, &reading.series)?;
        let is_new = insert.execute(params![
            series,
            Micros(reading.measured_at),
            Number(reading.boot),
            Number(reading.seq),
            reading.value,
            reading.unit,
            Micros(reading.received_at),
            Micros(tables.stored_at),
        ])?;
        added += is_new;
        if is_new == 0 {
            continue;
        }
        let measured_at = reading.measured_at.as_microsecond();
        if measured_at < marked_until {
            hours.add(series, measured_at);
        }
        if let Some(journal) = &mut journal {
            journal.push(series, reading)?;
        }
    }
    hours.mark(tables.connection)?;
    Ok(added as u64)
}
