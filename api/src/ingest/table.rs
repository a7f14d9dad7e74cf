//! Readings in a table, as `GET /api/readings?format=csv` gives them.

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};
use telemetry::MAX_READINGS;

use super::element::Element;
use crate::forms::csv::READING;

/// The columns that a reading is made of, beside those that name it.
const FIELDS: [&str; 5] = ["value", "unit", "measured_at", "boot", "seq"];

/// Where each column is.
struct Columns {
    topic: Option<usize>,
    metric: Option<usize>,
    device: Option<usize>,
    fields: Vec<(&'static str, usize)>,
}

impl Columns {
    fn read(header: &StringRecord) -> Result<Self, String> {
        let place = |name: &str| header.iter().position(|column| column.trim() == name);
        let fields: Vec<_> = FIELDS.iter().filter_map(|name| Some((*name, place(name)?))).collect();
        let columns =
            Self { topic: place("topic"), metric: place("metric"), device: place("device"), fields };
        let is_named = columns.topic.is_some() || (columns.metric.is_some() && columns.device.is_some());
        if !is_named || place("value").is_none() {
            return Err(format!("the first line names the columns, such as {}", READING.join(",")));
        }
        Ok(columns)
    }

    fn element(&self, index: usize, row: &StringRecord) -> Element {
        let cell =
            |place: Option<usize>| place.and_then(|place| row.get(place)).map(cell_text).unwrap_or_default();
        let mut reading = Map::new();
        for (name, place) in &self.fields {
            let text = cell(Some(*place));
            if !text.is_empty() {
                reading.insert((*name).to_owned(), value(name, text));
            }
        }
        let payload = Value::Object(reading).to_string();
        match self.topic {
            Some(topic) => Element::on(index, cell(Some(topic)), payload),
            None => Element::own(index, cell(self.metric), cell(self.device), payload),
        }
    }
}

/// A text without the `'` that stands before it, so that no spreadsheet runs it as a formula.
fn cell_text(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) => text,
        _ => cell,
    }
}

/// A number where one is meant; what is none is a text, which is rejected where it is read.
fn value(name: &str, text: &str) -> Value {
    let is_number = matches!(name, "value" | "boot" | "seq")
        || (name == "measured_at" && text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = serde_json::from_str(text).ok().filter(Value::is_number);
    number.filter(|_| is_number).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// # Errors
/// A column is missing.
pub(super) fn elements(text: &str) -> Result<Vec<Element>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let columns = Columns::read(rows.headers().map_err(|e| e.to_string())?)?;
    let mut elements = Vec::new();
    for row in rows.records().take(MAX_READINGS + 1) {
        let index = elements.len();
        elements.push(match row {
            Ok(row) => columns.element(index, &row),
            Err(e) => Element::wrong(index, String::new(), e.to_string()),
        });
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_is_read_again() {
        let text = "\u{feff}device,metric,value,unit,measured_at,received_at,stored_at,boot,seq\r\n\
            lab,temperature,-23.5,'=x,2026-01-15T10:30:00Z,2026-01-15T10:30:00Z,2026-01-15T10:30:01Z,7,1\r\n\
            lab,humidity,48,,2026-01-15T10:30:00.5Z,,,,\r\n\
            lab,humidity,wet,,,,,,\r\n";
        let elements = elements(text).unwrap();
        let said: Vec<_> = elements
            .iter()
            .map(|element| (&*element.topic, String::from_utf8(element.payload.to_vec()).unwrap()))
            .collect();
        let first = r#"{"boot":7,"measured_at":"2026-01-15T10:30:00Z","seq":1,"unit":"=x","value":-23.5}"#;
        assert_eq!(said[0], ("temperature/lab", first.into()));
        assert_eq!(said[1].1, r#"{"measured_at":"2026-01-15T10:30:00.5Z","value":48}"#);
        assert_eq!(said[2].1, r#"{"value":"wet"}"#);
        assert!(super::elements("a,b\n1,2\n").is_err());
    }
}
