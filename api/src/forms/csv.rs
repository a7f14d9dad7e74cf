//! Tables in CSV (RFC 4180), for spreadsheets.

use csv::{Terminator, WriterBuilder};
use serde::Serialize;

/// The columns of a reading: the fields of its JSON.
pub const READING: &[&str] =
    &["device", "metric", "value", "unit", "measured_at", "received_at", "stored_at", "boot", "seq"];
/// The columns of a bucket: the fields of its JSON.
pub const BUCKET: &[&str] = &["from", "to", "min", "max", "mean", "count"];

/// The header, where there is one, and a line for each row.
///
/// # Panics
/// Never for a form of the API: their fields are strings and numbers.
pub fn text<T: Serialize>(header: &[&str], rows: impl Iterator<Item = T>) -> String {
    let mut lines = WriterBuilder::new().has_headers(false).terminator(Terminator::CRLF).from_writer(vec![]);
    if !header.is_empty() {
        lines.write_record(header).expect("writing to memory does not fail");
    }
    rows.for_each(|row| lines.serialize(row).expect("a row is strings and numbers"));
    let bytes = lines.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("rows are UTF-8")
}

/// The name of a file with these readings, which needs no escaping anywhere; `readings.csv` where neither is given.
#[must_use]
pub fn file_name(metric: Option<&str>, device: Option<&str>) -> String {
    let named: Vec<_> = [metric, device].into_iter().flatten().collect();
    let named = if named.is_empty() { "readings".to_owned() } else { named.join("-") };
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let safe: String = named.chars().take(MAX_NAME_CHARS).map(safe).collect();
    format!("{safe}.csv")
}

/// File systems take 255 bytes.
const MAX_NAME_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms;
    use jiff::Timestamp;
    use store::StoredReading;
    use telemetry::{Reading, Series};

    fn reading(unit: Option<&str>) -> StoredReading {
        let at = Timestamp::UNIX_EPOCH;
        let reading = Reading {
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
        ] {
            let readings = [reading(unit)];
            let text = text(&[], readings.iter().map(forms::Reading::from));
            let boot = if unit.is_some() { "7" } else { "" };
            let expected = format!("site-a/lab,temperature,26.0,{expected},{at},{at},{at},{boot},\r\n");
            assert_eq!(text, expected);
        }
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
        assert_eq!(fields(&forms::Reading::from(&reading(None))), sorted(READING));
        let at = Timestamp::UNIX_EPOCH;
        let bucket = store::Bucket { from: at, to: at, min: 1.0, max: 3.5, mean: 2.0, count: 4 };
        assert_eq!(fields(&forms::Bucket::from(&bucket)), sorted(BUCKET));
        let text = text(BUCKET, [forms::Bucket::from(&bucket)].into_iter());
        let at = "1970-01-01T00:00:00.000000Z";
        assert_eq!(text, format!("from,to,min,max,mean,count\r\n{at},{at},1.0,3.5,2.0,4\r\n"));
        assert_eq!(super::text(READING, std::iter::empty::<forms::Bucket>()).lines().count(), 1);
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
            assert_eq!(file_name(metric, device), expected);
        }
        assert!(file_name(None, Some(&"x".repeat(1_000))).len() < 255);
    }
}
