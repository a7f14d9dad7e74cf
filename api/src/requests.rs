//! The bodies of requests that change something.

mod checked;

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{Acknowledgement, Silence};

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

/// The body of `POST /api/rejected/<id>/resend`; a field that is missing stays as it was stored.
#[derive(Deserialize)]
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
    let acknowledgement = acknowledgement(now, by.unwrap_or_default(), note.unwrap_or_default());
    // A database need not accept control characters, and no id has any.
    if incident.contains(char::is_control) {
        return Err("incident must be without control characters".into());
    }
    Ok((incident, acknowledgement.map_err(|e| e.to_string())?))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|e| format!("the body cannot be read: {e}"))
}

/// When a silence ends, which a request says by a time or by a duration.
fn end(until: Option<&str>, lasting: Option<&str>, now: Timestamp) -> Result<Timestamp, String> {
    match (until, lasting) {
        (Some(until), None) => {
            until.parse().map_err(|_| "until must be RFC 3339, for example 2026-01-15T10:30:00Z".to_owned())
        }
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
            ("[]", "the body cannot be read: invalid length 0"),
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
        let error = read_acknowledgement(br#"{"by":"ann"}"#, now()).unwrap_err();
        assert!(error.contains("missing field `incident`"), "{error}");
        let error = read_acknowledgement(br#"{"incident":"a\u0000"}"#, now()).unwrap_err();
        assert!(error.contains("incident must be without control characters"), "{error}");
    }
}
