//! Which column means what.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use telemetry::Series;

use super::ReplayConfig;
use super::table::{Row, Table};
use crate::device::{cleaned, cleaned_level};

/// Names of a time column, the likeliest first.
const TIME_NAMES: [&str; 7] = ["timestamp", "datetime", "date_time", "measured_at", "time", "date", "ts"];

/// Where the device's name is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceFrom {
    /// The file's name without its ending; characters that a topic does not allow become `-`.
    FileName,
    /// This name.
    Name(String),
    /// The text in this column; characters that a topic does not allow become `-`.
    Column(String),
}

/// The columns of a file by what they mean.
#[derive(Debug)]
pub(super) struct Mapping {
    time: Vec<usize>,
    pub(super) values: Vec<ValueColumn>,
    device: Device,
}

/// A column of values of one metric.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ValueColumn {
    pub(super) metric: String,
    pub(super) unit: Option<String>,
    pub(super) column: usize,
}

#[derive(Debug)]
enum Device {
    Name(String),
    Column(usize),
}

impl Mapping {
    pub(super) fn find(config: &ReplayConfig, table: &Table) -> Result<Self> {
        let device = match &config.device {
            DeviceFrom::FileName => Device::Name(file_stem(&config.file)),
            DeviceFrom::Name(name) => Device::Name(name.clone()),
            DeviceFrom::Column(column) => Device::Column(table.column(column)?),
        };
        let mapping =
            Self { time: time_columns(config, table)?, values: value_columns(config, table)?, device };
        mapping.check()?;
        Ok(mapping)
    }

    fn check(&self) -> Result<()> {
        let device = match &self.device {
            Device::Name(name) => name,
            Device::Column(_) => "any",
        };
        for (index, value) in self.values.iter().enumerate() {
            Series::new(&value.metric, device)
                .with_context(|| format!("metric {:?} of device {device:?}", value.metric))?;
            if self.values[..index].iter().any(|other| other.metric == value.metric) {
                bail!("two columns are {}: name them as --value METRIC=COLUMN", value.metric);
            }
        }
        Ok(())
    }

    /// The columns that decide, besides the values', which rows are readings: those of the time and the device's.
    pub(super) fn places(&self) -> [String; 2] {
        let time = self.time.iter().map(|column| (column + 1).to_string());
        let device =
            if let Device::Column(column) = &self.device { (column + 1).to_string() } else { String::new() };
        [time.collect::<Vec<_>>().join(","), device]
    }

    /// Whether a column has a meaning.
    pub(super) fn is_read(&self, column: usize) -> bool {
        let is_value = self.values.iter().any(|value| value.column == column);
        is_value
            || self.time.contains(&column)
            || matches!(self.device, Device::Column(device) if device == column)
    }

    /// The text of a row's time.
    pub(super) fn time_of(&self, row: &Row) -> String {
        let cells = self.time.iter().filter_map(|column| row.cells.get(*column));
        cells.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn device_of(&self, row: &Row) -> Result<String, String> {
        match &self.device {
            Device::Name(name) => Ok(name.clone()),
            Device::Column(column) => row.cell(*column).map(cleaned),
        }
    }
}

fn file_stem(path: &Path) -> String {
    cleaned_level(&path.file_stem().unwrap_or_default().to_string_lossy())
}

fn time_columns(config: &ReplayConfig, table: &Table) -> Result<Vec<usize>> {
    if let Some(names) = &config.time {
        // A name may itself have a comma.
        return match table.find(names) {
            Some(column) => Ok(vec![column]),
            None => names.split(',').map(|name| table.column(name.trim())).collect(),
        };
    }
    if let (Some(date), Some(time)) = (table.find_named("date"), table.find_named("time")) {
        return Ok(vec![date, time]);
    }
    let found = TIME_NAMES.iter().find_map(|name| table.find_named(name));
    let unknown = || anyhow!("which column is the time? Name it with --time; there are: {}", table.columns());
    found.map(|column| vec![column]).ok_or_else(unknown)
}

fn value_columns(config: &ReplayConfig, table: &Table) -> Result<Vec<ValueColumn>> {
    if config.values.is_empty() {
        let found = table.find_named("value").or_else(|| table.find_named(&config.metric));
        let column = found.ok_or_else(|| {
            let metric = &config.metric;
            anyhow!("which column is the {metric}? Name it with --value; there are: {}", table.columns())
        })?;
        return Ok(vec![value_column(config, &config.metric, column)?]);
    }
    config.values.iter().map(|value| named_value_column(config, table, value)).collect()
}

fn named_value_column(config: &ReplayConfig, table: &Table, value: &str) -> Result<ValueColumn> {
    // A name may itself have an equals sign.
    match (table.find(value), value.split_once('=')) {
        (None, Some((metric, name))) => value_column(config, metric, table.column(name)?),
        _ => value_column(config, &config.metric, table.column(value)?),
    }
}

fn value_column(config: &ReplayConfig, metric: &str, column: usize) -> Result<ValueColumn> {
    let mut units = config.units.iter().map(|unit| unit.split_once('=').unwrap_or((&config.metric, unit)));
    let unit = units.find(|(of, _)| *of == metric).map(|(_, unit)| unit.to_owned());
    if unit.as_ref().is_some_and(|unit| {
        unit.len() > telemetry::MAX_UNIT_BYTES || unit.contains(telemetry::text::is_invisible)
    }) {
        bail!("the unit of {metric} must have at most {} bytes, none of control", telemetry::MAX_UNIT_BYTES);
    }
    Ok(ValueColumn { metric: metric.to_owned(), unit, column })
}
