//! The readings of a file, row by row.

use std::sync::Arc;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use telemetry::Series;

use super::cell::Cells;
use super::clock::Clock;
use super::export::{self, Exported};
use super::mapping::Mapping;
use super::numbering::Numbering;
use super::table::{Row, Table};
use super::{ReplayConfig, Report};
use crate::counters::Counters;
use crate::numbered_series::{Measured, NumberedSeries};

/// What a row says: at most one reading per column of values.
pub(super) type Readings = Vec<(Arc<NumberedSeries>, Measured)>;

/// A file being read.
#[derive(Debug)]
pub(super) struct Recording {
    table: Table,
    mapping: Mapping,
    clock: Clock,
    cells: Cells,
    numbering: Numbering,
    is_export: bool,
}

impl Recording {
    pub(super) fn open(config: &ReplayConfig, counters: &Arc<Counters>) -> Result<Self> {
        let table = Table::open(&config.file, config.delimiter)?;
        let is_export = export::is_export(config, &table);
        ensure!(
            !(is_export && counters.is_logging()),
            "the readings of an export keep their own numbers: leave out --acked-log"
        );
        let mapping = Mapping::find(config, &table)?;
        Ok(Self {
            is_export,
            clock: Clock::new(config.time_format.clone())?,
            cells: Cells::new(config.decimal_comma, config.missing.clone()),
            numbering: Numbering::new(config, &table, &mapping, Arc::clone(counters)),
            table,
            mapping,
        })
    }

    /// The readings of the next row.
    ///
    /// # Errors
    /// The file cannot be read any further.
    pub(super) fn next(&mut self, report: &mut Report) -> Result<Option<Readings>> {
        let Some(row) = self.table.next_row()? else { return Ok(None) };
        report.rows += 1;
        let mut readings = Vec::new();
        if self.is_export {
            match self.exported(&row) {
                Ok((series, measured)) => {
                    report.take("value", &series, measured.at);
                    readings.push((series, measured));
                }
                Err(why) => report.bad(&row, why),
            }
            return Ok(Some(readings));
        }
        match self.clock.read(&self.mapping.time_of(&row)) {
            Ok(at) => self.read(&row, telemetry::time::whole_microseconds(at), &mut readings, report),
            Err(why) => report.bad(&row, why),
        }
        Ok(Some(readings))
    }

    fn read(&mut self, row: &Row, at: Timestamp, readings: &mut Readings, report: &mut Report) {
        for index in 0..self.mapping.values.len() {
            match self.reading(row, index, at) {
                Ok(Some((series, measured))) => {
                    let column = self.mapping.values[index].column;
                    report.take(&self.table.header()[column], &series, measured.at);
                    readings.push((series, measured));
                }
                Ok(None) => report.missing += 1,
                Err(why) => report.bad(row, why),
            }
        }
    }

    /// The columns that are neither values nor times, nor the device's name.
    pub(super) fn ignored(&self) -> Vec<String> {
        if self.is_export {
            return Vec::new();
        }
        let is_read = |column: &usize| self.mapping.is_read(*column);
        let columns = (0..self.table.header().len()).filter(|column| !is_read(column));
        columns.map(|column| self.table.header()[column].clone()).filter(|name| !name.is_empty()).collect()
    }

    fn exported(&mut self, row: &Row) -> Result<(Arc<NumberedSeries>, Measured), String> {
        let Exported { series, unit, measured } = export::read(row)?;
        let series = self.numbering.recorded(series, unit);
        series.refusal(measured).map_or(Ok((series, measured)), Err)
    }

    /// The reading in one column of values; none where the cell stands for no value.
    fn reading(
        &mut self,
        row: &Row,
        index: usize,
        at: Timestamp,
    ) -> Result<Option<(Arc<NumberedSeries>, Measured)>, String> {
        let column = &self.mapping.values[index];
        let Some(value) = self.cells.number(row, column.column)? else { return Ok(None) };
        let device = self.mapping.device_of(row)?;
        let topic = Series::new(&column.metric, &device).map_err(|e| format!("device {device:?}: {e}"))?;
        let measured = Measured { value, at, recorded: None };
        let series = self.numbering.series(&topic, column);
        series.refusal(measured).map_or(Ok(Some((series, measured))), Err)
    }
}

#[cfg(test)]
mod tests;
