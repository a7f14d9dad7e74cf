//! Devices as rows that are exported and imported, in CSV and JSON.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};
use store::Device;

use crate::routes::DeviceBody;

/// Devices in one import, at most.
pub const MAX_IMPORTED: usize = 10_000;

/// The columns of a table of devices.
const COLUMNS: [&str; 10] = [
    "name",
    "title",
    "type",
    "location",
    "latitude",
    "longitude",
    "sampling_rate",
    "tags",
    "note",
    "retired",
];

/// Columns with numbers.
const NUMBERS: [&str; 9] = [
    "latitude",
    "lat",
    "longitude",
    "lon",
    "lng",
    "sampling_rate",
    "sampling_interval",
    "sample_rate",
    "interval",
];

/// A row of an import, or what is wrong with it.
pub struct Row {
    /// Its number in the file: the first one is 1.
    pub number: usize,
    /// The name that it has, good or not.
    pub(crate) name: Option<String>,
    /// What it says.
    pub(crate) body: Result<DeviceBody, String>,
}

/// Reads rows: a table, which begins with the names of its columns.
///
/// # Errors
/// It is no table, or has too many rows.
pub fn read_table(text: &str) -> Result<Vec<Row>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| format!("the table cannot be read: {e}"))?.clone();
    if !header.iter().any(|column| ["name", "title"].contains(&column)) {
        return Err(format!("the first line must name the columns, such as {}", COLUMNS.join(",")));
    }
    let rows = reader.records().map(|record| {
        let record = record.map_err(|e| e.to_string())?;
        Ok(header
            .iter()
            .zip(&record)
            .map(|(column, cell)| (column.to_owned(), value(column, cell)))
            .collect())
    });
    numbered(rows)
}

/// Reads rows: an array of objects, or an answer of `GET /api/devices`.
///
/// # Errors
/// It is no such array, or has too many rows.
pub fn read_json(text: &[u8]) -> Result<Vec<Row>, String> {
    let read: Value = serde_json::from_slice(text).map_err(|e| format!("the body is not JSON: {e}"))?;
    let devices = match read {
        Value::Array(devices) => devices,
        Value::Object(mut answer) => match answer.remove("devices") {
            Some(Value::Array(devices)) => devices,
            _ => return Err("send an array of devices, or {\"devices\": [...]}".into()),
        },
        _ => return Err("send an array of devices, or {\"devices\": [...]}".into()),
    };
    numbered(devices.into_iter().map(|device| match device {
        Value::Object(fields) => Ok(fields),
        _ => Err("a device must be an object".to_owned()),
    }))
}

fn numbered(rows: impl Iterator<Item = Result<Map<String, Value>, String>>) -> Result<Vec<Row>, String> {
    let mut read = Vec::new();
    for (number, fields) in (1..).zip(rows) {
        if number > MAX_IMPORTED {
            return Err(format!("send at most {MAX_IMPORTED} devices at once"));
        }
        let name = fields.as_ref().ok().and_then(|fields| fields.get("name")?.as_str().map(str::to_owned));
        let body = fields.and_then(DeviceBody::of_row);
        read.push(Row { number, name, body });
    }
    Ok(read)
}

/// A cell that is empty is none.
fn value(column: &str, cell: &str) -> Value {
    // A spreadsheet is told by it that the cell is a text.
    let cell = cell.strip_prefix('\'').unwrap_or(cell);
    match column {
        _ if cell.is_empty() => Value::Null,
        "tags" => cell.split_whitespace().collect(),
        "retired" => cell.parse::<bool>().map_or_else(|_| Value::from(cell), Value::from),
        _ if NUMBERS.contains(&column) => cell.parse::<f64>().map_or_else(|_| Value::from(cell), Value::from),
        _ => Value::from(cell),
    }
}

/// Writes devices as a table, which [`read_table`] takes back.
#[must_use]
pub fn write_table<'a>(mut devices: impl Iterator<Item = &'a Device>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(COLUMNS).and_then(|()| {
        devices.try_for_each(|device| writer.write_record(cells(device).map(|cell| cell.into_owned())))
    });
    // It writes into memory.
    written
        .ok()
        .and_then(|()| writer.into_inner().ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn cells(device: &Device) -> [Cow<'_, str>; 10] {
    let text = |text: &'_ Option<String>| text.clone().map_or(Cow::Borrowed(""), |text| cell(text.into()));
    let number = |number: Option<f64>| number.map_or(Cow::Borrowed(""), |number| number.to_string().into());
    [
        Cow::Borrowed(&*device.name),
        text(&device.title),
        text(&device.kind),
        text(&device.location),
        number(device.degrees().0),
        number(device.degrees().1),
        number(device.interval.map(|interval| interval.as_secs_f64())),
        cell(device.tags.join(" ").into()),
        text(&device.note),
        Cow::Borrowed(if device.retired { "true" } else { "" }),
    ]
}

/// A text that no spreadsheet takes for a formula.
fn cell(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) { format!("'{text}").into() } else { text }
}

/// Writes devices as JSON, which [`read_json`] takes back.
#[must_use]
pub fn write_json<'a>(devices: impl Iterator<Item = &'a Device>) -> String {
    let rows = devices.map(crate::forms::DeviceRow::from);
    crate::forms::list("devices", rows)
}

/// The device that a row describes, as a new one.
///
/// # Errors
/// What is wrong with the row.
pub(crate) fn new_device(row: &Row, now: Timestamp) -> Result<Device, String> {
    row.body.as_ref().map_err(Clone::clone)?.device(now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn device() -> Device {
        Device {
            title: Some("Labor \"Süd\", 2".into()),
            kind: Some("bme280".into()),
            location: Some("=cellar".into()),
            place: Some((52_520_008, -13_404_954)),
            interval: Some(Duration::from_millis(2_500)),
            tags: vec!["floor=2".into(), "south".into()],
            note: Some("one\ntwo".into()),
            retired: true,
            ..Device::new("site-a/lab", Timestamp::UNIX_EPOCH)
        }
    }

    fn read(rows: Result<Vec<Row>, String>) -> Vec<Result<Device, String>> {
        rows.unwrap().iter().map(|row| new_device(row, Timestamp::UNIX_EPOCH)).collect()
    }

    #[test]
    fn what_is_written_reads_back() {
        let devices = [device(), Device::new("plain", Timestamp::UNIX_EPOCH)];
        let expected: Vec<_> = devices.iter().cloned().map(Ok).collect();
        assert_eq!(read(read_table(&write_table(devices.iter()))), expected);
        assert_eq!(read(read_json(write_json(devices.iter()).as_bytes())), expected);
    }

    #[test]
    fn each_row_has_its_own_problem() {
        let rows = read(read_table("name,lat,lon,rate of nothing\na,1,2,x\nb,91,2,\nc,north,2,\n"));
        assert!(rows[0].is_ok(), "{rows:?}");
        assert!(rows[1].as_ref().unwrap_err().contains("latitude must be"), "{rows:?}");
        assert!(rows[2].is_err(), "{rows:?}");
        assert!(read_table("a,b\n1,2\n").is_err());
        let rows = read(read_json(br#"[{"name": "a", "state": "online", "series": []}, 1, {}]"#));
        assert!(rows[0].is_ok() && rows[1].is_err() && rows[2].is_err(), "{rows:?}");
        assert!(read_json(b"1").is_err());
        assert!(read_json(format!("[{}0]", "0,".repeat(MAX_IMPORTED)).as_bytes()).is_err());
    }
}
