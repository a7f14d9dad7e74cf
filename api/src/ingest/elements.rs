//! From the body of a request to messages as a device would publish them. A payload stays as it was written.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;
use telemetry::MAX_READINGS;

use super::element::Element;
use super::fields::{Elements, Fields, TOO_MANY};
use super::table;
use crate::error::ApiError;

/// Bytes of a body as it is sent, at most.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Bytes of a body that is unpacked, at most.
pub(crate) const MAX_UNPACKED_BYTES: usize = 8 * MAX_BODY_BYTES;

/// The names under which programs send a metric, a device and a time.
const METRIC: [&str; 3] = ["metric", "type", "sensor_type"];
const DEVICE: [&str; 5] = ["device", "device_id", "sensor_id", "id", "name"];
const OTHER_TIMES: [&str; 4] = ["timestamp", "time", "datetime", "ts"];
const MEASURED_AT: &str = "measured_at";

/// Fields that belong to all readings of an object.
const SHARED: [&str; 2] = ["boot", "seq"];

/// Fields beside a value that no reading has.
const NO_METRIC: [&str; 3] = ["unit", "quality", "location"];

/// Unix seconds of our time, which some programs send as their timestamp.
const SECONDS: std::ops::Range<f64> = 940_000_000.0..100_000_000_000.0;

/// Readings of one device: an object or an array of objects, each with a metric and its value, or with a field for each
/// metric.
///
/// # Errors
/// It is not JSON, empty, or too much.
pub(crate) fn of_device(body: &[u8], device: &str) -> Result<Vec<Element>, ApiError> {
    let mut elements = Vec::new();
    for (index, raw) in parts(body)?.into_iter().enumerate() {
        match object(raw) {
            Ok(fields) => of_fields(index, raw, &fields, device, &mut elements),
            Err(reason) => elements.push(Element::wrong(index, copied(raw), reason)),
        }
    }
    counted(elements)
}

/// As [`of_device`], where each object names its device. Returns the first device, too.
///
/// # Errors
/// As of [`of_device`].
pub(crate) fn with_device(body: &[u8]) -> Result<(String, Vec<Element>), ApiError> {
    let (mut elements, mut first) = (Vec::new(), None);
    for (index, raw) in parts(body)?.into_iter().enumerate() {
        match object(raw).map(|fields| (fields.text(&DEVICE), fields)) {
            Ok((Some(device), fields)) => {
                of_fields(index, raw, &fields, &device, &mut elements);
                first.get_or_insert(device);
            }
            Ok((None, _)) => {
                elements.push(Element::wrong(index, copied(raw), "it names no device: send \"device_id\""));
            }
            Err(reason) => elements.push(Element::wrong(index, copied(raw), reason)),
        }
    }
    Ok((first.unwrap_or_default(), counted(elements)?))
}

/// Whether the body names a value, and not only what a device is.
pub(crate) fn has_value(body: &[u8]) -> bool {
    let Ok(parts) = parts(body) else { return false };
    parts.into_iter().any(|raw| object(raw).is_ok_and(|fields| fields.get(&["value"]).is_some()))
}

/// Readings that name their topic, or their metric and device.
///
/// # Errors
/// As of [`of_device`].
pub(crate) fn list(body: &[u8]) -> Result<Vec<Element>, ApiError> {
    counted(parts(body)?.into_iter().enumerate().map(|(index, raw)| named(index, raw)).collect())
}

/// The same, each on a line of its own. A line that is no JSON is one that is rejected.
///
/// # Errors
/// The body is empty, no text, or too much.
pub(crate) fn lines(body: &[u8]) -> Result<Vec<Element>, ApiError> {
    let lines = text(body)?.lines().filter(|line| !line.trim().is_empty()).take(MAX_READINGS + 1);
    let element = |(index, line): (usize, &str)| match serde_json::from_str(line) {
        Ok(raw) => named(index, raw),
        Err(e) => Element::wrong(index, line.to_owned(), format!("the line is not JSON: {e}")),
    };
    counted(lines.enumerate().map(element).collect())
}

/// A table as `GET /api/readings?format=csv` gives it.
///
/// # Errors
/// A column is missing, or it is too much.
pub(crate) fn table(body: &[u8]) -> Result<Vec<Element>, ApiError> {
    counted(table::elements(text(body)?).map_err(ApiError::BadRequest)?)
}

fn counted(elements: Vec<Element>) -> Result<Vec<Element>, ApiError> {
    match elements.len() {
        0 => Err(ApiError::BadRequest("there is no reading in the body".into())),
        1..=MAX_READINGS => Ok(elements),
        _ => Err(ApiError::TooManyReadings(MAX_READINGS)),
    }
}

fn text(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|e| ApiError::BadRequest(format!("the body is not UTF-8: {e}")))
}

/// The elements of an array, or the one thing that there is.
fn parts(body: &[u8]) -> Result<Vec<&RawValue>, ApiError> {
    let text = text(body)?;
    let read = match text.trim_ascii_start().starts_with('[') {
        true => serde_json::from_str(text).map(|Elements(elements)| elements),
        false => serde_json::from_str(text).map(|one: &RawValue| vec![one]),
    };
    read.map_err(|e| match e.to_string() {
        text if text.starts_with(TOO_MANY) => ApiError::TooManyReadings(MAX_READINGS),
        text => ApiError::BadRequest(format!("the body is not JSON: {text}")),
    })
}

fn object(raw: &RawValue) -> Result<Fields<'_>, String> {
    if !raw.get().starts_with('{') {
        return Err("it must be an object".into());
    }
    serde_json::from_str(raw.get()).map_err(|e| e.to_string())
}

fn copied(raw: &RawValue) -> Bytes {
    Bytes::copy_from_slice(raw.get().as_bytes())
}

fn named(index: usize, raw: &RawValue) -> Element {
    let fields = match object(raw) {
        Ok(fields) => fields,
        Err(reason) => return Element::wrong(index, copied(raw), reason),
    };
    match (fields.text(&["topic"]), fields.text(&["metric"]), fields.text(&["device"])) {
        (Some(topic), _, _) => Element::on(index, &topic, copied(raw)),
        (None, Some(metric), Some(device)) => Element::own(index, &metric, &device, copied(raw)),
        _ => Element::wrong(index, copied(raw), "it needs a \"topic\", or a \"metric\" and a \"device\""),
    }
}

/// One reading where there is a value; else one of each field that can be a metric.
fn of_fields(index: usize, raw: &RawValue, fields: &Fields<'_>, device: &str, elements: &mut Vec<Element>) {
    let time = time(fields);
    if fields.get(&["value"]).is_some() {
        elements.push(match fields.text(&METRIC) {
            Some(metric) => Element::own(index, &metric, device, with_time(raw, fields, time)),
            None => Element::wrong(index, copied(raw), "it names no metric: send its \"type\""),
        });
        return;
    }
    let before = elements.len();
    for (name, value) in fields.iter().filter(|(name, _)| is_metric(name)) {
        elements.push(Element::own(index, name, device, payload(value, fields, time.as_deref())));
    }
    if elements.len() == before {
        elements.push(Element::wrong(index, copied(raw), "there is no reading in it"));
    }
}

fn is_metric(name: &str) -> bool {
    let known: [&[&str]; 5] = [&DEVICE, &OTHER_TIMES, &SHARED, &NO_METRIC, &METRIC];
    name != MEASURED_AT && !known.iter().any(|names| names.contains(&name))
}

/// The time that belongs to a whole object, as a reading has it.
fn time<'a>(fields: &Fields<'a>) -> Option<Cow<'a, str>> {
    if let Some(measured_at) = fields.get(&[MEASURED_AT]) {
        return Some(measured_at.get().into());
    }
    let other = fields.get(&OTHER_TIMES)?.get();
    match other.parse::<f64>() {
        Ok(seconds) if SECONDS.contains(&seconds) => Some((seconds * 1e3).to_string().into()),
        _ => Some(other.into()),
    }
}

/// The object as it is, but for a time under another name.
fn with_time(raw: &RawValue, fields: &Fields<'_>, time: Option<Cow<'_, str>>) -> Bytes {
    let Some(time) = time.filter(|_| fields.get(&[MEASURED_AT]).is_none()) else { return copied(raw) };
    let rest = raw.get()[1..].trim_ascii_start();
    format!("{{\"{MEASURED_AT}\":{time},{rest}").into()
}

/// What a device would publish of one metric: its own object, or its number with what belongs to all.
fn payload(value: &RawValue, fields: &Fields<'_>, time: Option<&str>) -> Bytes {
    let mut shared = String::new();
    let own = object(value).ok();
    let has = |name: &str| own.as_ref().is_some_and(|own| own.get(&[name]).is_some());
    let named = SHARED.iter().filter_map(|name| Some((*name, fields.get(&[name])?.get())));
    for (name, raw) in time.map(|time| (MEASURED_AT, time)).into_iter().chain(named) {
        if !has(name) {
            shared.push_str(&format!("\"{name}\":{raw},"));
        }
    }
    match own {
        _ if shared.is_empty() => copied(value),
        Some(_) => format!("{{{shared}{}", value.get()[1..].trim_ascii_start()).into(),
        None => format!("{{{shared}\"value\":{}}}", value.get()).into(),
    }
}

#[cfg(test)]
mod tests {
    use service::ReadAs;

    use super::*;

    fn said(elements: &[Element]) -> Vec<(usize, &str, &str)> {
        let payload = |element: &'static [u8]| std::str::from_utf8(element).unwrap();
        elements
            .iter()
            .map(|element| (element.index, &*element.topic, payload(element.payload.to_vec().leak())))
            .collect()
    }

    fn wrong(elements: &[Element]) -> Vec<String> {
        let reason = |element: &Element| match &element.read_as {
            ReadAs::Wrong(reason) => Some(reason.clone()),
            _ => None,
        };
        elements.iter().filter_map(reason).collect()
    }

    #[test]
    fn an_object_of_a_device_is_one_reading_or_one_of_each_metric() {
        for (body, expected) in [
            (
                r#"{"type": "temperature", "value": 23.5, "unit": "celsius", "quality": 0.95}"#,
                vec![(
                    0,
                    "temperature/lab",
                    r#"{"type": "temperature", "value": 23.5, "unit": "celsius", "quality": 0.95}"#,
                )],
            ),
            (
                r#"{"temperature": 23.5, "humidity": 48}"#,
                vec![(0, "temperature/lab", "23.5"), (0, "humidity/lab", "48")],
            ),
            (
                r#"{"humidity": {"value": 48, "unit": "percent"}, "measured_at": 1768473000000, "seq": 3}"#,
                vec![(
                    0,
                    "humidity/lab",
                    r#"{"measured_at":1768473000000,"seq":3,"value": 48, "unit": "percent"}"#,
                )],
            ),
            (
                r#"[{"cpu": 1, "timestamp": 1768473000}, {"type": "rps", "value": 2, "ts": "x"}]"#,
                vec![
                    (0, "cpu/lab", r#"{"measured_at":1768473000000,"value":1}"#),
                    (1, "rps/lab", r#"{"measured_at":"x","type": "rps", "value": 2, "ts": "x"}"#),
                ],
            ),
        ] {
            let elements = of_device(body.as_bytes(), "lab").unwrap();
            assert_eq!(said(&elements), expected, "{body}");
            assert!(elements.iter().all(|element| element.read_as == ReadAs::OwnFormat));
        }
    }

    #[test]
    fn what_is_no_reading_is_said_and_keeps_its_place() {
        let body = r#"[1, {"value": 2}, {"a b": 3}, {"unit": "x"}, {"temperature": "hot"}]"#;
        let elements = of_device(body.as_bytes(), "lab").unwrap();
        let places: Vec<_> = elements.iter().map(|element| element.index).collect();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        let reasons = wrong(&elements);
        assert_eq!(reasons.len(), 4, "a wrong value is found where it is read: {reasons:?}");
        for (reason, expected) in
            reasons.iter().zip(["must be an object", "names no metric", "character ' '", "no reading in it"])
        {
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn a_list_names_topics_or_metrics_and_devices() {
        let body = r#"[{"topic": "temperature/a/b", "value": 1}, {"metric": "m", "device": "d", "value": 2}, {"value": 3}]"#;
        let elements = list(body.as_bytes()).unwrap();
        let topics: Vec<_> = elements.iter().map(|element| &*element.topic).collect();
        assert_eq!(topics, ["temperature/a/b", "m/d", "api/readings"]);
        let lines = lines(b"{\"topic\": \"m/d\", \"value\": 1}\n\nno json\n").unwrap();
        assert_eq!((lines[0].index, lines[1].index), (0, 1));
        assert!(wrong(&lines)[0].contains("the line is not JSON"));
    }

    #[test]
    fn a_device_may_be_named_in_the_body() {
        let body = br#"{"timestamp": 1768473000.5, "device_id": "web-1", "cpu": 12.5, "rps": 900}"#;
        let (device, elements) = with_device(body).unwrap();
        assert_eq!(device, "web-1");
        assert_eq!(
            said(&elements),
            [
                (0, "cpu/web-1", r#"{"measured_at":1768473000500,"value":12.5}"#),
                (0, "rps/web-1", r#"{"measured_at":1768473000500,"value":900}"#)
            ]
        );
        assert!(has_value(br#"{"id": "x", "value": 1}"#) && !has_value(br#"{"id": "x", "type": "y"}"#));
    }

    #[test]
    fn a_body_is_bounded() {
        let many = format!("[{}1]", "1,".repeat(MAX_READINGS));
        assert!(matches!(list(many.as_bytes()), Err(ApiError::TooManyReadings(_))));
        let object = format!("{{{}\"x\":1}}", "\"a\":1,".repeat(MAX_READINGS));
        assert!(of_device(object.as_bytes(), "lab").is_ok_and(|elements| elements.len() == 1));
        let lines_of = "{}\n".repeat(MAX_READINGS + 1);
        assert!(matches!(lines(lines_of.as_bytes()), Err(ApiError::TooManyReadings(_))));
        for body in ["", "[", "[]", "{", "x"] {
            assert!(matches!(list(body.as_bytes()), Err(ApiError::BadRequest(_))), "{body}");
        }
    }
}
