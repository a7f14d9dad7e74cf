//! `boot` and `seq` of recorded readings: they follow from the file, so that a second replay adds nothing.

use std::collections::HashMap;
use std::sync::Arc;

use telemetry::{Series, fnv1a_64_of_parts};

use super::ReplayConfig;
use super::mapping::{Mapping, ValueColumn};
use super::table::Table;
use crate::counters::Counters;
use crate::numbered_series::NumberedSeries;

const BOOT_BITS: u32 = 48;

/// Between cells and between missing values where they are hashed: no CSV file uses ASCII's unit separator.
const BETWEEN: &str = "\u{1f}";

/// Numbers the readings of each device and metric from 1, without the rows that are none.
///
/// The boot is a hash of what decides which rows are readings, of device and metric, and of the file's beginning.
/// So a file that has grown keeps its boot, and only its new rows are new readings.
#[derive(Debug)]
pub(super) struct Numbering {
    counters: Arc<Counters>,
    /// What all boots of this file have in common.
    file: Vec<String>,
    series: HashMap<Series, Arc<NumberedSeries>>,
    /// Those that keep their numbers: one message has one unit.
    recorded: HashMap<(Series, Option<String>), Arc<NumberedSeries>>,
}

impl Numbering {
    pub(super) fn new(
        config: &ReplayConfig,
        table: &Table,
        mapping: &Mapping,
        counters: Arc<Counters>,
    ) -> Self {
        let [time, device] = mapping.places();
        let first_row = table.first_row().map(|row| row.cells.join(BETWEEN));
        let file = vec![
            table.header().join(BETWEEN),
            first_row.unwrap_or_default(),
            time,
            device,
            config.time_format.clone().unwrap_or_default(),
            if config.decimal_comma { "," } else { "." }.to_owned(),
            config.missing.join(BETWEEN),
        ];
        Self { counters, file, series: HashMap::new(), recorded: HashMap::new() }
    }

    pub(super) fn series(&mut self, series: &Series, column: &ValueColumn) -> Arc<NumberedSeries> {
        if let Some(series) = self.series.get(series) {
            return Arc::clone(series);
        }
        let boot = self.boot(series, column.column);
        let numbered = self.counters.series(series.clone(), column.unit.clone(), boot);
        self.series.insert(series.clone(), Arc::clone(&numbered));
        numbered
    }

    /// A series whose readings keep the numbers that they were recorded with.
    pub(super) fn recorded(&mut self, series: Series, unit: Option<String>) -> Arc<NumberedSeries> {
        let counters = &self.counters;
        let of = self.recorded.entry((series.clone(), unit.clone()));
        Arc::clone(of.or_insert_with(|| counters.recorded_series(series, unit)))
    }

    /// 64-bit FNV-1a over these texts, each followed by a zero byte: the header's cells, those of the first row of
    /// data, the time columns, the device column, the time format, the decimal mark, the missing values, the topic
    /// and the column of the value, from 1. Its upper 16 bits are folded into the lower 48, which every JSON reader
    /// keeps exactly.
    fn boot(&self, series: &Series, column: usize) -> u64 {
        let (topic, column) = (series.to_string(), (column + 1).to_string());
        let parts = self.file.iter().chain([&topic, &column]);
        let hash = fnv1a_64_of_parts(parts.map(String::as_bytes));
        (hash ^ (hash >> BOOT_BITS)) & ((1 << BOOT_BITS) - 1)
    }
}
