//! Sparkplug B, version 3.0: protocol buffers whose names and types come with a device's birth.
//!
//! Source: <https://sparkplug.eclipse.org/specification/version/3.0/documents/sparkplug-specification-3.0.0.pdf>,
//! section 6.4.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::Around;

/// Most metrics of all births together that are remembered.
const MAX_METRICS: usize = 100_000;

/// The names and types that devices announced in their births, by which later messages are read.
#[derive(Debug, Default)]
pub struct Births(Mutex<Devices>);

#[derive(Debug, Default)]
struct Devices {
    metrics: HashMap<String, HashMap<u64, Definition>>,
    count: usize,
}

#[derive(Debug, Clone)]
struct Definition {
    name: String,
    datatype: u64,
}

impl Devices {
    fn learn(&mut self, device: &str, metrics: &[Metric<'_>]) {
        let before = self.metrics.remove(device).map_or(0, |metrics| metrics.len());
        self.count -= before;
        let named = metrics.iter().filter_map(|metric| {
            let definition = Definition { name: metric.name?.to_owned(), datatype: metric.datatype? };
            Some((metric.alias?, definition))
        });
        let known: HashMap<_, _> = named.take(MAX_METRICS.saturating_sub(self.count)).collect();
        self.count += known.len();
        if !known.is_empty() {
            self.metrics.insert(device.to_owned(), known);
        }
    }

    fn find(&self, device: &str, alias: u64) -> Option<&Definition> {
        self.metrics.get(device)?.get(&alias)
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Metric<'a> {
    name: Option<&'a str>,
    alias: Option<u64>,
    timestamp: Option<u64>,
    datatype: Option<u64>,
    value: Option<Raw>,
}

#[derive(Debug, Clone, Copy)]
enum Raw {
    Integer(u64),
    Real(f64),
    Boolean(bool),
}

/// `{"timestamp", "metrics": [{"n", "v", "t"}]}`: only metrics whose value is a number or a truth value.
pub(super) fn parse(payload: &[u8], around: &Around<'_>) -> Result<Value, String> {
    let wrong = || "the payload is not Sparkplug B: its protocol buffer is cut off or damaged".to_owned();
    let mut timestamp = None;
    let mut metrics = Vec::new();
    for field in fields(payload) {
        match field.ok_or_else(wrong)? {
            (1, Field::Varint(millis)) => timestamp = Some(millis),
            (2, Field::Bytes(bytes)) => metrics.push(metric(bytes).ok_or_else(wrong)?),
            _ => {}
        }
    }
    let (kind, device) = place(around.topic);
    let mut births = around.births.0.lock().unwrap_or_else(PoisonError::into_inner);
    if kind.ends_with("BIRTH") {
        births.learn(&device, &metrics);
    }
    let values: Result<Vec<_>, _> = metrics.iter().map(|metric| json_of(metric, &device, &births)).collect();
    Ok(json!({"timestamp": timestamp, "metrics": values?.into_iter().flatten().collect::<Vec<_>>()}))
}

/// The kind of message, and whose it is: `spBv1.0/plant/DDATA/edge/press` is the `DDATA` of `plant/edge/press`.
fn place(topic: &str) -> (&str, String) {
    // Its dot may have become a slash on the way.
    let below = topic.strip_prefix("spBv1/0/").or_else(|| Some(topic.split_once('/')?.1));
    let mut levels = below.unwrap_or_default().split('/');
    let group = levels.next().unwrap_or_default();
    let kind = levels.next().unwrap_or_default();
    let device = std::iter::once(group).chain(levels).collect::<Vec<_>>().join("/");
    (kind, device)
}

fn json_of(metric: &Metric<'_>, device: &str, births: &Devices) -> Result<Option<Value>, String> {
    let known = metric.alias.and_then(|alias| births.find(device, alias));
    let name = match (metric.name, known, metric.alias) {
        (Some(name), ..) => name,
        (None, Some(known), _) => &known.name,
        (None, None, Some(alias)) => {
            return Err(format!("the alias {alias} is not known: no birth of {device} has come yet"));
        }
        (None, None, None) => return Err("a metric has neither a name nor an alias".into()),
    };
    let datatype = metric.datatype.or(known.map(|known| known.datatype));
    let Some(value) = metric.value.and_then(|value| number(value, datatype)) else { return Ok(None) };
    Ok(Some(json!({"n": name, "v": value, "t": metric.timestamp})))
}

/// Signed integers travel in unsigned fields: the type says how many bits there are.
fn number(value: Raw, datatype: Option<u64>) -> Option<Value> {
    match (value, datatype) {
        (Raw::Integer(bits), Some(1..=3)) => Some(json!((bits as u32).cast_signed())),
        (Raw::Integer(bits), Some(4)) => Some(json!(bits.cast_signed())),
        (Raw::Integer(bits), Some(5..=8) | None) => Some(json!(bits)),
        (Raw::Real(value), _) => Some(json!(value)),
        (Raw::Boolean(value), _) => Some(json!(value)),
        // A time, or what a later version of the specification adds.
        (Raw::Integer(_), Some(_)) => None,
    }
}

fn metric(bytes: &[u8]) -> Option<Metric<'_>> {
    let mut metric = Metric::default();
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(name)) => metric.name = Some(std::str::from_utf8(name).ok()?),
            (2, Field::Varint(alias)) => metric.alias = Some(alias),
            (3, Field::Varint(millis)) => metric.timestamp = Some(millis),
            (4, Field::Varint(datatype)) => metric.datatype = Some(datatype),
            (10 | 11, Field::Varint(bits)) => metric.value = Some(Raw::Integer(bits)),
            (12, Field::Four(bytes)) => {
                // As the device's maker wrote it: 33.6 and not 33.59999847.
                let shortest: f64 = f32::from_le_bytes(bytes).to_string().parse().ok()?;
                metric.value = Some(Raw::Real(shortest));
            }
            (13, Field::Eight(bytes)) => metric.value = Some(Raw::Real(f64::from_le_bytes(bytes))),
            (14, Field::Varint(value)) => metric.value = Some(Raw::Boolean(value != 0)),
            _ => {}
        }
    }
    Some(metric)
}

/// A field of a message, as protocol buffers put it on the wire.
enum Field<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

/// The fields of a message with their numbers; ends with nothing where the message is damaged.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Field<'_>)>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let field = take_field(&mut bytes);
        if field.is_none() {
            bytes = &[];
        }
        Some(field)
    })
}

fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(bytes)?;
    let field = match key & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => Field::Eight(take(bytes, 8)?.try_into().ok()?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Field::Bytes(take(bytes, length)?)
        }
        5 => Field::Four(take(bytes, 4)?.try_into().ok()?),
        _ => return None,
    };
    Some((key >> 3, field))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(topic: &str, payload: &[u8], births: &Births) -> Result<Value, String> {
        parse(payload, &Around { topic, received_at: jiff::Timestamp::UNIX_EPOCH, births })
    }

    /// A metric without name, with alias 7 and an integer.
    const ALIASED: [u8; 6] = [0x12, 0x04, 0x10, 0x07, 0x50, 0x05];

    #[test]
    fn an_alias_needs_a_birth() {
        let births = Births::default();
        let error = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &births).unwrap_err();
        assert_eq!(error, "the alias 7 is not known: no birth of plant/edge/press has come yet");
        let birth = [0x12, 0x09, 0x0a, 0x01, b'x', 0x10, 0x07, 0x20, 0x03, 0x50, 0x01];
        read("spBv1.0/plant/DBIRTH/edge/press", &birth, &births).unwrap();
        let data = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &births).unwrap();
        assert_eq!(data["metrics"], json!([{"n": "x", "v": 5, "t": null}]));
        assert!(read("spBv1.0/plant/DDATA/edge/other", &ALIASED, &births).is_err());
    }

    #[test]
    fn births_are_bounded() {
        let mut births = Devices { count: MAX_METRICS, ..Devices::default() };
        births.learn(
            "a",
            &[Metric { name: Some("x"), alias: Some(1), datatype: Some(3), ..Metric::default() }],
        );
        assert!(births.find("a", 1).is_none());
    }

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read("spBv1.0/a/DBIRTH/b", &payload, &Births::default());
        }
    }
}
