//! Sparkplug B, version 3.0: protocol buffers whose names and types come with a device's birth.
//!
//! Source: <https://sparkplug.eclipse.org/specification/version/3.0/documents/sparkplug-specification-3.0.0.pdf>,
//! section 6.4.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Around, Parsed};
use crate::announcements::{Alias, Announced, Announcement, Birth, birth_subject};
use crate::message::Rejected;

/// Sparkplug's name of the number of a session, in births and deaths.
const BD_SEQ: &str = "bdSeq";

#[derive(Debug, Default, Clone, Copy)]
struct Metric<'a> {
    name: Option<&'a str>,
    alias: Option<u64>,
    timestamp: Option<u64>,
    datatype: Option<u64>,
    unit: Option<&'a str>,
    value: Option<Raw>,
}

#[derive(Debug, Clone, Copy)]
enum Raw {
    Integer(u64),
    Real(f64),
    Boolean(bool),
}

/// `{"timestamp", "metrics": [{"n", "v", "t", "u"}]}`: only metrics whose value is a number or a truth value. Nothing at all of
/// the death of a session that another one has followed.
pub(super) fn parse(payload: &[u8], around: &Around<'_>) -> Result<Parsed, String> {
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
    let mut parsed = Parsed::default();
    if kind.ends_with("BIRTH") {
        parsed.learn(birth(&device, &metrics, around), around);
    }
    let birth = around.announcements.birth(&device, around.received_at);
    if kind == "NDEATH" && is_of_an_earlier_session(&metrics, &birth) {
        return Ok(parsed);
    }
    let reader = Reader { device: &device, birth, around };
    let values: Result<Vec<_>, _> = metrics.iter().map(|metric| reader.json_of(metric)).collect();
    let metrics = values?.into_iter().flatten().collect::<Vec<_>>();
    parsed.roots.push(json!({"timestamp": timestamp, "metrics": metrics}));
    Ok(parsed)
}

fn birth(device: &str, metrics: &[Metric<'_>], around: &Around<'_>) -> Announcement {
    let alias = |metric: &Metric<'_>| {
        let (name, unit) = (metric.name?.to_owned(), metric.unit.map(str::to_owned));
        Some((metric.alias?, Alias { name, datatype: metric.datatype, unit }))
    };
    let aliases: BTreeMap<_, _> = metrics.iter().filter_map(alias).collect();
    let content = Announced::Birth { bd_seq: bd_seq(metrics), aliases };
    Announcement { subject: birth_subject(device), received_at: around.received_at, content }
}

fn bd_seq(metrics: &[Metric<'_>]) -> Option<u64> {
    let metric = metrics.iter().find(|metric| metric.name == Some(BD_SEQ))?;
    match metric.value? {
        Raw::Integer(number) => Some(number),
        Raw::Real(_) | Raw::Boolean(_) => None,
    }
}

/// A broker publishes a will late: by then the node may have been born again.
fn is_of_an_earlier_session(death: &[Metric<'_>], birth: &Birth) -> bool {
    birth.bd_seq().zip(bd_seq(death)).is_some_and(|(born, dead)| born != dead)
}

/// The kind of message, and whose it is: `spBv1.0/plant/DDATA/edge/press` is the `DDATA` of `plant/edge/press`.
pub(super) fn place(topic: &str) -> (&str, String) {
    // Its dot may have become a slash on the way.
    let below = topic.strip_prefix("spBv1/0/").or_else(|| Some(topic.split_once('/')?.1));
    let mut levels = below.unwrap_or_default().split('/');
    let group = levels.next().unwrap_or_default();
    let kind = levels.next().unwrap_or_default();
    let device = std::iter::once(group).chain(levels).collect::<Vec<_>>().join("/");
    (kind, device)
}

/// Reads the metrics of one message.
struct Reader<'a> {
    device: &'a str,
    birth: Birth,
    around: &'a Around<'a>,
}

impl Reader<'_> {
    fn json_of(&self, metric: &Metric<'_>) -> Result<Option<Value>, String> {
        let known = metric.alias.and_then(|alias| self.birth.alias(alias));
        let name = match (metric.name, known, metric.alias) {
            (Some(name), ..) => name,
            (None, Some(known), _) => &known.name,
            (None, None, Some(alias)) => return Err(self.unknown(alias)),
            (None, None, None) => return Err("a metric has neither a name nor an alias".into()),
        };
        let datatype = metric.datatype.or(known.and_then(|known| known.datatype));
        let unit = metric.unit.or(known.and_then(|known| known.unit.as_deref()));
        let Some(value) = metric.value.and_then(|value| number(value, datatype)) else { return Ok(None) };
        Ok(Some(json!({"n": name, "v": value, "t": metric.timestamp, "u": unit})))
    }

    fn unknown(&self, alias: u64) -> String {
        let Self { device, around, .. } = self;
        let left_out = if around.announcements.was_full() {
            ", or it was left out: all births together are as large as inputs.max_announced_bytes allows"
        } else {
            ""
        };
        Rejected::unknown_alias(alias, device, left_out)
    }
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
            (9, Field::Bytes(properties)) => metric.unit = eng_unit(properties),
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

/// The text of the property `engUnit`: keys and values stand in two lists side by side.
fn eng_unit(properties: &[u8]) -> Option<&str> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let of = |number: u64| {
        fields(properties).flatten().filter_map(move |field| match field {
            (found, Field::Bytes(bytes)) if found == number => Some(bytes),
            _ => None,
        })
    };
    let (_, value) = of(1).zip(of(2)).find(|(key, _)| text(key) == Some("engUnit"))?;
    fields(value).flatten().find_map(|field| match field {
        (8, Field::Bytes(unit)) => text(unit),
        _ => None,
    })
}

/// A field of a message, as protocol buffers put it on the wire.
pub(super) enum Field<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

/// The fields of a message with their numbers; ends with nothing where the message is damaged.
pub(super) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Field<'_>)>> {
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

    use crate::announcements::Announcements;

    fn parse_at(
        second: i64,
        topic: &str,
        payload: &[u8],
        announcements: &Announcements,
    ) -> Result<Parsed, String> {
        let received_at = jiff::Timestamp::from_second(second).unwrap();
        parse(payload, &Around { topic, received_at, announcements })
    }

    fn read(topic: &str, payload: &[u8], announcements: &Announcements) -> Result<Value, String> {
        parse_at(0, topic, payload, announcements).map(|mut parsed| parsed.roots.remove(0))
    }

    /// A metric without name, with alias 7 and an integer.
    const ALIASED: [u8; 6] = [0x12, 0x04, 0x10, 0x07, 0x50, 0x05];

    /// The metric `x` with alias 7.
    const BIRTH: [u8; 11] = [0x12, 0x09, 0x0a, 0x01, b'x', 0x10, 0x07, 0x20, 0x03, 0x50, 0x01];

    /// The metric bdSeq with this value.
    fn session(number: u8) -> Vec<u8> {
        [&[0x12, 0x09, 0x0a, 0x05], &b"bdSeq"[..], &[0x50, number]].concat()
    }

    #[test]
    fn an_alias_needs_a_birth() {
        let known = Announcements::default();
        let error = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &known).unwrap_err();
        assert_eq!(error, "the alias 7 is not known: no birth of plant/edge/press that has it has come yet");
        let born = parse_at(0, "spBv1.0/plant/DBIRTH/edge/press", &BIRTH, &known).unwrap();
        assert_eq!((born.announced.len(), born.announced[0].subject.as_str()), (1, "birth plant/edge/press"));
        let data = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &known).unwrap();
        assert_eq!(data["metrics"], json!([{"n": "x", "v": 5, "t": null, "u": null}]));
        assert!(read("spBv1.0/plant/DDATA/edge/other", &ALIASED, &known).is_err());
        let again = parse_at(9, "spBv1.0/plant/DBIRTH/edge/press", &BIRTH, &known).unwrap();
        assert!(again.announced.is_empty(), "nothing is to be stored once more");

        let restarted = Announcements::default();
        restarted.learn(&born.announced[0]);
        assert_eq!(read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &restarted), Ok(data));
    }

    #[test]
    fn an_alias_that_the_birth_in_force_lacks_is_that_of_the_next_one() {
        let known = Announcements::default();
        let topic = |kind: &str| format!("spBv1.0/plant/{kind}/edge/press");
        parse_at(3, &topic("DBIRTH"), &session(1), &known).unwrap();
        let data =
            |second| parse_at(second, &topic("DDATA"), &ALIASED, &known).map(|parsed| parsed.roots.len());
        let reason = data(5).unwrap_err();
        assert_eq!(crate::awaited_subject(&reason).as_deref(), Some("birth plant/edge/press"));
        assert_eq!(crate::awaited_subject("the alias 7 is not known"), None);
        parse_at(9, &topic("DBIRTH"), &BIRTH, &known).unwrap();
        assert_eq!(data(5), Ok(1), "its birth was lost, and said again");
    }

    #[test]
    fn a_property_is_the_unit_of_a_metric() {
        let property =
            [&[0x0a, 0x07], &b"engUnit"[..], &[0x12, 0x06, 0x08, 0x0c, 0x42, 0x02], b"kW"].concat();
        let metric = [&BIRTH[2..], &[0x4a, property.len() as u8], &property].concat();
        let birth = [&[0x12, metric.len() as u8], &metric[..]].concat();
        let known = Announcements::default();
        let born = read("spBv1.0/plant/DBIRTH/edge/press", &birth, &known).unwrap();
        assert_eq!(born["metrics"][0]["u"], "kW");
        let data = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &known).unwrap();
        assert_eq!(data["metrics"][0]["u"], "kW");
    }

    #[test]
    fn the_death_of_an_earlier_session_is_none() {
        let known = Announcements::default();
        let parse = |second, kind: &str, number| {
            parse_at(second, &format!("spBv1.0/plant/{kind}/edge"), &session(number), &known)
                .unwrap()
                .roots
                .len()
        };
        assert_eq!(parse(1, "NDEATH", 4), 1, "nothing is known of the node");
        assert_eq!(parse(2, "NBIRTH", 5), 1);
        assert_eq!(parse(3, "NDEATH", 4), 0);
        assert_eq!(parse(4, "NDEATH", 5), 1);
    }

    #[test]
    fn births_are_bounded() {
        let known = Announcements::new(100);
        let born = parse_at(0, "spBv1.0/plant/DBIRTH/edge/press", &BIRTH, &known).unwrap();
        assert_eq!((born.announced.len(), born.refused, born.roots.len()), (0, 1, 1));
        let error = read("spBv1.0/plant/DDATA/edge/press", &ALIASED, &known).unwrap_err();
        assert!(
            error.ends_with(
                "or it was left out: all births together are as large as inputs.max_announced_bytes allows"
            ),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_at(0, "spBv1.0/a/DBIRTH/b", &payload, &Announcements::default());
        }
    }
}
