//! The fields of a reading, as one JSON number or object has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Unexpected, Visitor};

use crate::text::is_invisible;
use crate::time::{PLAUSIBLE_MILLIS, other_unit, read_rfc3339, whole_microseconds};

/// The largest `boot` and `seq`: what a signed 64-bit column holds.
pub const MAX_SEQ: u64 = i64::MAX as u64;

/// Bytes in a unit, at most.
pub const MAX_UNIT_BYTES: usize = 64;

/// The fields that the device sent.
#[derive(Debug, PartialEq)]
pub(crate) struct RawReading {
    pub(crate) value: f64,
    pub(crate) unit: Option<String>,
    pub(crate) measured_at: Option<Timestamp>,
    pub(crate) boot: Option<u64>,
    pub(crate) seq: Option<u64>,
}

/// Reads a bare number or an object.
pub(crate) fn read(text: &str) -> Result<RawReading, String> {
    if text.trim_ascii_start().starts_with('{') {
        return read_object(text);
    }
    match serde_json::from_str::<f64>(text) {
        Ok(value) if value.is_finite() => {
            Ok(RawReading { value, unit: None, measured_at: None, boot: None, seq: None })
        }
        Err(e) => Err(no_number(text.trim()).unwrap_or_else(|| match e.is_data() {
            true => "the payload must be a number or an object with a \"value\"".into(),
            false => format!("the payload is not JSON: {e}"),
        })),
        Ok(_) => Err("the value is not finite".into()),
    }
}

/// Bytes of a payload that may be a number in another notation, at most: a number, a blank and a unit.
const MAX_NUMBER_BYTES: usize = 32 + MAX_UNIT_BYTES;

/// Says what to write instead of what devices commonly send for a number; `None` for anything else.
#[cold]
fn no_number(text: &str) -> Option<String> {
    let without_nul = text.trim_end_matches('\0');
    if without_nul.len() < text.len() {
        return Some("the payload ends with a NUL byte: publish it without its last byte".into());
    }
    if let Some(control) = text.chars().find(|c| c.is_control() && !c.is_ascii_whitespace()) {
        return Some(format!("the payload has the control character {control:?}"));
    }
    if text.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if ["nan", "inf", "infinity"].contains(&unsigned.as_str()) {
        return Some("the payload is not JSON: publish nothing while there is no value".into());
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return number(inner)
            .map(|value| format!("the payload is a text: write {value}, without quotation marks"));
    }
    if let Some(value) = number(text) {
        return Some(format!("the payload is not JSON: write {value}"));
    }
    if let Some(value) = number(&text.replacen(',', ".", 1)) {
        return Some(format!("the payload is not JSON: write {value}, with a point"));
    }
    with_unit(text)
}

/// A finite number as programs print them, such as `+5` or `.5`, in the form that JSON has.
fn number(text: &str) -> Option<String> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    serde_json::to_string(&value).ok()
}

/// Says how to write a number with its unit behind it, such as `23.5 °C`.
fn with_unit(text: &str) -> Option<String> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (value, unit) = (number(&text[..end])?, text[end..].trim_start());
    let unit = serde_json::to_string(unit).ok()?;
    Some(format!(r#"the payload is not JSON: write {{"value":{value},"unit":{unit}}}"#))
}

/// Reads an object.
pub(crate) fn read_object(text: &str) -> Result<RawReading, String> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err("an element of an array must be an object with a \"value\"".into());
    }
    let object: Object<'_> = serde_json::from_str(text)
        .map_err(|e| if e.is_data() { e.to_string() } else { format!("the payload is not JSON: {e}") })?;
    let value = object.value.as_ref().ok_or_else(|| no_value(text))?.0;
    if !value.is_finite() {
        return Err("the value is not finite".into());
    }
    if let (None, Some(name)) = (&object.measured_at, object.other_time()) {
        return Err(format!("the field \"{name}\" is not known: call it \"measured_at\""));
    }
    Ok(RawReading {
        value,
        unit: object.unit.map(|unit| unit.0.into_owned()),
        measured_at: object.measured_at.map(|time| time.0),
        boot: object.boot.map(|boot| boot.0),
        seq: object.seq.map(|seq| seq.0),
    })
}

#[derive(Deserialize)]
struct Object<'a> {
    value: Option<Value>,
    #[serde(borrow)]
    unit: Option<Unit<'a>>,
    measured_at: Option<MeasuredAt>,
    boot: Option<Boot>,
    seq: Option<Seq>,
    // Names that others give to the time: ignored, they would let an old reading pass for a new one.
    time: Option<IgnoredAny>,
    timestamp: Option<IgnoredAny>,
    datetime: Option<IgnoredAny>,
    ts: Option<IgnoredAny>,
}

impl Object<'_> {
    fn other_time(&self) -> Option<&'static str> {
        let Self { time, timestamp, datetime, ts, .. } = self;
        let others = [("time", time), ("timestamp", timestamp), ("datetime", datetime), ("ts", ts)];
        others.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name)
    }
}

/// Names the fields that there are instead.
fn no_value(text: &str) -> String {
    let names: BTreeMap<String, IgnoredAny> = serde_json::from_str(text).unwrap_or_default();
    let known = ["value", "unit", "measured_at", "boot", "seq"];
    let others = names.keys().filter(|name| !known.contains(&name.as_str())).take(3);
    let others: Vec<_> = others.map(|name| excerpt(name)).collect();
    if others.is_empty() {
        return "there is no value".into();
    }
    format!("there is no value: call it \"value\", not {}", others.join(", "))
}

/// The beginning of a field's name.
fn excerpt(name: &str) -> String {
    format!("{:?}", name.chars().take(32).collect::<String>())
}

struct Value(f64);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = f64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as value")
            }
            fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
                Ok(value)
            }
            fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
                Ok(value as f64)
            }
            fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
                Ok(value as f64)
            }
        }
        deserializer.deserialize_any(Number).map(Value)
    }
}

struct Unit<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Unit<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a unit of at most {MAX_UNIT_BYTES} bytes without control or invisible characters")
            }
            fn visit_borrowed_str<E: de::Error>(self, unit: &'de str) -> Result<Cow<'de, str>, E> {
                checked_unit(unit, &self).map(|()| Cow::Borrowed(unit))
            }
            fn visit_str<E: de::Error>(self, unit: &str) -> Result<Cow<'de, str>, E> {
                checked_unit(unit, &self).map(|()| Cow::Owned(unit.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Unit)
    }
}

fn checked_unit<E: de::Error>(unit: &str, expected: &dyn de::Expected) -> Result<(), E> {
    if unit.len() > MAX_UNIT_BYTES || unit.contains(is_invisible) {
        return Err(E::invalid_value(Unexpected::Str(unit), expected));
    }
    Ok(())
}

struct MeasuredAt(Timestamp);

impl<'de> Deserialize<'de> for MeasuredAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Time;
        impl Visitor<'_> for Time {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("measured_at as RFC 3339 with an offset, or as Unix milliseconds")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                match read_rfc3339(text) {
                    Some(time) if time >= unset_until() => Ok(time),
                    Some(time) if time >= unset_from() => Err(E::custom(never_set(text))),
                    Some(time) if time >= earliest() => Ok(time),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
            fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Timestamp, E> {
                if !PLAUSIBLE_MILLIS.contains(&(millis as i64)) {
                    return self.visit_i64(millis as i64);
                }
                let time = Timestamp::from_microsecond((millis * 1000.0) as i64).ok();
                let time = time.filter(|time| *time >= earliest());
                time.ok_or_else(|| E::invalid_value(Unexpected::Float(millis), &self))
            }
            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                if !PLAUSIBLE_MILLIS.contains(&millis) {
                    return implausible(millis).map_err(E::custom);
                }
                let time = Timestamp::from_millisecond(millis).ok();
                time.ok_or_else(|| E::invalid_value(Unexpected::Signed(millis), &self))
            }
            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                self.visit_i64(i64::try_from(millis).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Time).map(whole_microseconds).map(MeasuredAt)
    }
}

/// A number that is no time of our days: one of long ago, or in another unit, or of a clock that was never set.
#[cold]
fn implausible(millis: i64) -> Result<Timestamp, String> {
    if let Some(problem) = other_unit(millis) {
        return Err(format!("measured_at {problem}"));
    }
    if millis.unsigned_abs() < PLAUSIBLE_MILLIS.start.unsigned_abs() {
        return Err(never_set(&millis.to_string()));
    }
    let time = Timestamp::from_millisecond(millis).ok().filter(|time| *time >= earliest());
    time.ok_or_else(|| format!("measured_at {millis} is outside the calendar"))
}

fn never_set(text: &str) -> String {
    format!("measured_at {text}: the device's clock was never set: set it, or leave measured_at out")
}

/// Devices whose clock was never set begin with 1970, wherever they are.
fn unset_from() -> Timestamp {
    Timestamp::constant(-86_400, 0)
}

fn unset_until() -> Timestamp {
    Timestamp::constant(7 * 86_400, 0)
}

/// The start of year 1: databases and browsers disagree on what came before.
fn earliest() -> Timestamp {
    Timestamp::constant(-62_135_596_800, 0)
}

struct Boot(u64);

impl<'de> Deserialize<'de> for Boot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Counter("boot")).map(Boot)
    }
}

struct Seq(u64);

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Counter("seq")).map(Seq)
    }
}

struct Counter(&'static str);

impl Visitor<'_> for Counter {
    type Value = u64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as a whole number from 0 to {MAX_SEQ}", self.0)
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        if number > MAX_SEQ {
            return Err(E::invalid_value(Unexpected::Unsigned(number), &self));
        }
        Ok(number)
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }
}
