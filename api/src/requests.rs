//! The bodies of requests that change something.

pub(crate) mod checked;

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{Acknowledgement, IncidentQuery, Severity, Silence, TextCodec as _};
use telemetry::time::read_rfc3339;

use crate::selection::{MAX_NAMED, Selection};

pub use self::checked::{
    MAX_NAME_CHARS, MAX_REASON_CHARS, MAX_SILENCE_DAYS, RequestError, SilenceRequest, acknowledgement,
};

/// The body of `POST /api/silences`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSilence {
    device: String,
    metric: Option<String>,
    rule: Option<String>,
    until: Option<String>,
    #[serde(rename = "for")]
    lasting: Option<String>,
    reason: String,
    by: Option<String>,
}

/// The body of `POST /api/acknowledgements`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAcknowledgement {
    incident: String,
    by: Option<String>,
    note: Option<String>,
}

/// The body of `POST /api/incidents/acknowledgements`: ids, or what the incidents have in common.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAcknowledgements {
    incidents: Option<Vec<String>>,
    rule: Option<String>,
    metric: Option<String>,
    device: Option<String>,
    severity: Option<String>,
    by: Option<String>,
    note: Option<String>,
}

/// The body of `POST /api/incidents/silences`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSilences {
    incidents: Vec<String>,
    until: Option<String>,
    #[serde(rename = "for")]
    lasting: Option<String>,
    reason: String,
    by: Option<String>,
}

/// The body of `POST /api/rejected/<id>/resend`; a field that is missing stays as it was stored.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    pub(crate) payload: Option<String>,
    pub(crate) topic: Option<String>,
}

impl Correction {
    /// # Errors
    /// Says which part of the body is wrong and what it may be.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        read(body)
    }
}

/// The body of `POST /api/rejected/resend`: what is resent of one topic, and how each payload is corrected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendSelected {
    pub(crate) topic: String,
    pub(crate) reason: Option<String>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) after: Option<String>,
    pub(crate) new_topic: Option<String>,
    pub(crate) replace: Option<Replace>,
}

/// Replaces a text wherever it is in a payload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replace {
    find: String,
    with: String,
}

impl ResendSelected {
    /// # Errors
    /// Says which part of the body is wrong and what it may be.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let all: Self = read(body)?;
        match &all.replace {
            Some(Replace { find, .. }) if find.is_empty() => Err("find must not be empty".into()),
            _ => Ok(all),
        }
    }

    /// The correction of one payload; an error if it is to be corrected and is not text.
    pub(crate) fn correction(&self, payload: &[u8]) -> Result<Correction, String> {
        let payload = match &self.replace {
            None => None,
            Some(Replace { find, with }) => {
                let text = std::str::from_utf8(payload).map_err(|_| "the payload is not UTF-8".to_owned())?;
                Some(text.replace(find, with))
            }
        };
        Ok(Correction { payload, topic: self.new_topic.clone() })
    }
}

/// The silence that the body of `POST /api/silences` asks for.
///
/// # Errors
/// Says which part of the body is wrong and what it may be.
pub(crate) fn read_silence(body: &[u8], now: Timestamp) -> Result<Silence, String> {
    let NewSilence { device, metric, rule, until, lasting, reason, by } = read(body)?;
    let until = end(until.as_deref(), lasting.as_deref(), now)?;
    let request = SilenceRequest { device, metric, rule, until, reason, by: by.unwrap_or_default() };
    request.from_now(now).map_err(|e| e.to_string())
}

/// The incident's id and its acknowledgement, from the body of `POST /api/acknowledgements`.
///
/// # Errors
/// Says which part of the body is wrong and what it may be.
pub(crate) fn read_acknowledgement(body: &[u8], now: Timestamp) -> Result<(String, Acknowledgement), String> {
    let NewAcknowledgement { incident, by, note } = read(body)?;
    check_id("incident", &incident)?;
    Ok((incident, acknowledged(now, by, note)?))
}

/// Which incidents are acknowledged, and by whom, from the body of `POST /api/incidents/acknowledgements`.
///
/// # Errors
/// Says which part of the body is wrong and what it may be.
pub(crate) fn read_acknowledgements(
    body: &[u8],
    now: Timestamp,
) -> Result<(Selection, Acknowledgement), String> {
    let NewAcknowledgements { incidents, rule, metric, device, severity, by, note } = read(body)?;
    let has_filter = rule.is_some() || metric.is_some() || device.is_some() || severity.is_some();
    let selection = match incidents {
        Some(_) if has_filter => {
            return Err("name incidents, or what they have in common, and not both".into());
        }
        Some(incidents) => Selection::Named(ids(incidents)?),
        None if !has_filter => {
            return Err("say which incidents: incidents, rule, metric, device (# for all) or severity".into());
        }
        None => {
            for (name, text) in [("rule", &rule), ("metric", &metric)] {
                text.as_deref().map_or(Ok(()), |text| check_id(name, text))?;
            }
            let device =
                device.map(|device| device.parse().map_err(|e| format!("device: {e}"))).transpose()?;
            let word =
                |word: String| Severity::read(&word).ok_or("severity must be info or warning or critical");
            let severity = severity.map(word).transpose()?;
            Selection::Found(IncidentQuery { rule, metric, device, severity, ..IncidentQuery::default() })
        }
    };
    Ok((selection, acknowledged(now, by, note)?))
}

/// Which incidents are silenced, and how, from the body of `POST /api/incidents/silences`. The request names no device.
///
/// # Errors
/// Says which part of the body is wrong and what it may be.
pub(crate) fn read_silences(body: &[u8], now: Timestamp) -> Result<(Vec<String>, SilenceRequest), String> {
    let NewSilences { incidents, until, lasting, reason, by } = read(body)?;
    let until = end(until.as_deref(), lasting.as_deref(), now)?;
    let (device, metric, rule) = ("#".to_owned(), None, None);
    let request = SilenceRequest { device, metric, rule, until, reason, by: by.unwrap_or_default() };
    Ok((ids(incidents)?, request))
}

fn acknowledged(now: Timestamp, by: Option<String>, note: Option<String>) -> Result<Acknowledgement, String> {
    acknowledgement(now, by.unwrap_or_default(), note.unwrap_or_default()).map_err(|e| e.to_string())
}

fn ids(incidents: Vec<String>) -> Result<Vec<String>, String> {
    if incidents.is_empty() || incidents.len() > MAX_NAMED {
        return Err(format!("incidents must be 1 to {MAX_NAMED} ids"));
    }
    incidents.iter().try_for_each(|id| check_id("incidents", id))?;
    Ok(incidents)
}

/// A database need not accept control characters, and no id has any.
fn check_id(name: &str, text: &str) -> Result<(), String> {
    if text.contains(char::is_control) {
        return Err(format!("{name} must be without control characters"));
    }
    Ok(())
}

/// # Errors
/// Says which part of the body is wrong.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // Otherwise the fields of an object could be written as a list of values.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err("the body must be an object, in braces".into());
    }
    serde_json::from_slice(body).map_err(|e| format!("the body cannot be read: {e}"))
}

/// When a silence ends, which a request says by a time or by a duration.
fn end(until: Option<&str>, lasting: Option<&str>, now: Timestamp) -> Result<Timestamp, String> {
    match (until, lasting) {
        (Some(until), None) => read_rfc3339(until)
            .ok_or_else(|| "until must be RFC 3339, for example 2026-01-15T10:30:00Z".to_owned()),
        (None, Some(lasting)) => {
            let lasting: Duration = humantime::parse_duration(lasting)
                .map_err(|_| "for must be a duration such as 30m, 2h or 7days".to_owned())?;
            now.checked_add(lasting).map_err(|_| "for is too long".to_owned())
        }
        _ => Err("say when it ends, either by until or by for".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-15T10:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_silence_ends_at_a_time_or_after_a_duration() {
        for end in [r#""for":"2h""#, r#""until":"2026-01-15T12:30:00Z","metric":null"#] {
            let body = format!(r#"{{"device":"site-a/#",{end},"reason":"moving"}}"#);
            let silence = read_silence(body.as_bytes(), now()).unwrap();
            assert_eq!(silence.until.to_string(), "2026-01-15T12:30:00Z");
            assert_eq!((silence.metric, silence.rule, silence.by.as_str()), (None, None, ""));
        }
    }

    #[test]
    fn an_error_names_the_part_of_the_body_that_is_wrong() {
        let silence = |body: &str| read_silence(body.as_bytes(), now()).unwrap_err();
        for (body, expected) in [
            ("", "the body cannot be read: EOF"),
            ("[]", "the body must be an object"),
            (r#"{"device":"a","for":"2h"}"#, "missing field `reason`"),
            (r#"{"for":"2h","reason":"x"}"#, "missing field `device`"),
            (
                r#"{"device":"a","for":"2h","reason":"x","rules":"y"}"#,
                "unknown field `rules`, expected one of",
            ),
            (r#"{"device":"a","for":"2 weeks of rest","reason":"x"}"#, "for must be a duration such as"),
            (r#"{"device":"a","for":"500years","reason":"x"}"#, "until must be at most 366 days"),
            (r#"{"device":"a","for":"9999years","reason":"x"}"#, "for is too long"),
            (r#"{"device":"a","for":"0s","reason":"x"}"#, "until must be later than now"),
            (r#"{"device":"a","until":"noon","reason":"x"}"#, "until must be RFC 3339"),
            (r#"{"device":"a","reason":"x"}"#, "either by until or by for"),
            (
                r#"{"device":"a","for":"1h","until":"2026-01-15T12:30:00Z","reason":"x"}"#,
                "either by until or by for",
            ),
            (r#"{"device":"a+","for":"1h","reason":"x"}"#, "device: + and # stand for whole levels"),
            (r#"{"device":"a","for":"1h","reason":""}"#, "reason must say"),
        ] {
            let error = silence(body);
            assert!(error.contains(expected), "{body}: {error}");
        }
        let many = |body: &str| read_acknowledgements(body.as_bytes(), now()).map(drop);
        for (body, expected) in [
            ("{}", "say which incidents"),
            (r#"{"by":"ann"}"#, "say which incidents"),
            (r#"{"incidents":[]}"#, "incidents must be 1 to 10000 ids"),
            (r#"{"incidents":["a\u0000"]}"#, "incidents must be without control"),
            (r#"{"incidents":["a"],"rule":"hot"}"#, "and not both"),
            (r#"{"device":"a+"}"#, "device: + and # stand for whole levels"),
            (r#"{"severity":"high"}"#, "severity must be info or warning or critical"),
            (r#"{"rule":"hot","note":"a\nb"}"#, "note must be one line"),
        ] {
            let error = many(body).unwrap_err();
            assert!(error.contains(expected), "{body}: {error}");
        }
        assert_eq!(many(r##"{"device":"#"}"##), Ok(()));
        let error = read_acknowledgement(br#"{"by":"ann"}"#, now()).unwrap_err();
        assert!(error.contains("missing field `incident`"), "{error}");
        let error = read_acknowledgement(br#"{"incident":"a\u0000"}"#, now()).unwrap_err();
        assert!(error.contains("incident must be without control characters"), "{error}");
    }
}
