//! The forms of payloads, each read into values in which rules find readings.

mod csv;
mod influx;
mod ruuvi;
mod senml;
mod sparkplug;
mod sparkplug_gaps;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::announcements::{Announcement, Announcements, Learned};

pub use sparkplug_gaps::SparkplugGaps;

/// How a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// JSON, or a bare text or number. A list is read element by element.
    #[default]
    Json,
    /// One value as a text.
    Text,
    /// Lines of columns, which are named by their number from 1 on.
    Csv,
    /// InfluxDB's line protocol: `name`, `tags`, `fields` and `time` for each line.
    Influx,
    /// SenML (RFC 8428): `device`, `metric`, `v`, `u` and `t` for each record.
    Senml,
    /// Sparkplug B: `timestamp` and `metrics`, each with `n`, `v`, `t` and `u`.
    Sparkplug,
    /// The JSON of a Ruuvi gateway, with the advertisement in `data` decoded into `decoded`.
    Ruuvi,
}

/// What a format may need beside the payload.
pub(super) struct Around<'a> {
    pub(super) topic: &'a str,
    pub(super) received_at: Timestamp,
    pub(super) announcements: &'a Announcements,
}

/// What is in a payload.
#[derive(Default)]
pub(super) struct Parsed {
    /// The values: one, or one for each element or line.
    pub(super) roots: Vec<Value>,
    /// What it announces that is new.
    pub(super) announced: Vec<Announcement>,
    /// How many announcements there was no room for.
    pub(super) refused: usize,
}

impl Parsed {
    pub(super) fn learn(&mut self, announcement: Announcement, around: &Around<'_>) {
        match around.announcements.learn(&announcement) {
            Learned::New => self.announced.push(announcement),
            Learned::Known => {}
            Learned::Refused => self.refused += 1,
        }
    }
}

impl From<Vec<Value>> for Parsed {
    fn from(roots: Vec<Value>) -> Self {
        Self { roots, ..Self::default() }
    }
}

/// Reads a payload.
///
/// # Errors
/// The payload is not of this form: what is wrong, and where.
pub(super) fn parse(format: Format, payload: &[u8], around: &Around<'_>) -> Result<Parsed, String> {
    if format == Format::Sparkplug {
        return sparkplug::parse(payload, around);
    }
    let text = std::str::from_utf8(payload).map_err(|e| format!("the payload is not UTF-8: {e}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let roots = match format {
        Format::Json => json(text).map(elements),
        Format::Text => Ok(vec![Value::String(text.to_owned())]),
        Format::Csv => csv::parse(text),
        Format::Influx => influx::parse(text),
        Format::Senml => senml::parse(text, around.received_at),
        Format::Ruuvi => json(text).map(ruuvi::with_decoded).map(elements),
        Format::Sparkplug => unreachable!("read above, as it is no text"),
    };
    roots.map(Parsed::from)
}

fn json(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // Many devices publish a bare word where others publish an object.
        Err(_) if !text.trim_start().starts_with(['{', '[', '"']) => Ok(Value::String(text.to_owned())),
        Err(e) => Err(format!("the payload is not JSON: {e}")),
    }
}

fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        value => vec![value],
    }
}
