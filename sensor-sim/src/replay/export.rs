//! The file that `GET /api/readings?format=csv` answers: each row says what it is of, and keeps its numbers.

use jiff::Timestamp;
use telemetry::Series;

use super::ReplayConfig;
use super::mapping::DeviceFrom;
use super::table::{Row, Table};
use crate::numbered_series::{Measured, RecordedNumbers};

/// The columns of an export, in their order.
const COLUMNS: [&str; 9] =
    ["device", "metric", "value", "unit", "measured_at", "received_at", "stored_at", "boot", "seq"];

/// A row of an export.
#[derive(Debug, PartialEq)]
pub(super) struct Exported {
    pub(super) series: Series,
    pub(super) unit: Option<String>,
    pub(super) measured: Measured,
}

/// Whether a file is an export of Millrace's, and no option gives its columns another meaning.
pub(super) fn is_export(config: &ReplayConfig, table: &Table) -> bool {
    let ReplayConfig { time, time_format, values, units, device, decimal_comma, missing, .. } = config;
    let is_plain = time.is_none()
        && time_format.is_none()
        && values.is_empty()
        && units.is_empty()
        && missing.is_empty()
        && !decimal_comma;
    is_plain && *device == DeviceFrom::FileName && table.header() == COLUMNS
}

pub(super) fn read(row: &Row) -> Result<Exported, String> {
    let [device, metric, value, unit, measured_at, _, _, boot, seq] = cells(row)?;
    let series = Series::new(metric, device).map_err(|e| format!("{metric}/{device}: {e}"))?;
    let value = value.parse().map_err(|_| format!("value {value:?} is not a number"))?;
    let at: Timestamp = measured_at.parse().map_err(|_| format!("time {measured_at:?} is not RFC 3339"))?;
    let numbers = RecordedNumbers { boot: number("boot", boot)?, seq: number("seq", seq)? };
    let unit = (!unit.is_empty()).then(|| unit.to_owned());
    Ok(Exported { series, unit, measured: Measured { value, at, recorded: Some(numbers) } })
}

/// The cells without the `'` that keeps a spreadsheet from running them as formulas.
fn cells(row: &Row) -> Result<[&str; 9], String> {
    let cells: Vec<_> = row.cells.iter().map(|cell| cell.strip_prefix('\'').unwrap_or(cell)).collect();
    cells.try_into().map_err(|cells: Vec<_>| format!("the row has {} columns, not 9", cells.len()))
}

fn number(name: &str, cell: &str) -> Result<Option<u64>, String> {
    if cell.is_empty() {
        return Ok(None);
    }
    cell.parse().map(Some).map_err(|_| format!("{name} {cell:?} is not a whole number"))
}
