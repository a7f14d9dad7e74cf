//! Silences and acknowledgements that people ask for, checked.

use jiff::{SignedDuration, Timestamp};
use store::{Acknowledgement, Silence};
use telemetry::text::is_invisible;
use telemetry::{Filter, FilterError, fnv1a_64_of_parts};

/// Days that a silence lasts, at most.
pub const MAX_SILENCE_DAYS: i64 = 366;

/// Characters of a reason or a note, at most.
pub const MAX_REASON_CHARS: usize = 500;

/// Characters of a person's name, at most.
pub const MAX_NAME_CHARS: usize = 100;

/// Invisible, and needed to write some languages.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Why a request is refused: which part of it is wrong, and what it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The devices are no MQTT topic filter.
    #[error("device: {0}")]
    Device(#[from] FilterError),
    /// A metric or a rule is no name.
    #[error("{0} must be 1 to 64 characters of A-Z a-z 0-9 _ -; leave it out for all")]
    Name(&'static str),
    /// The silence would be over already.
    #[error("until must be later than now")]
    Over,
    /// The silence would last too long.
    #[error("until must be at most {MAX_SILENCE_DAYS} days from now")]
    TooFar,
    /// There is no reason, or one that is too long.
    #[error("reason must say in 1 to {MAX_REASON_CHARS} characters why notifications are held back")]
    Reason,
    /// A text has control characters, or is too long.
    #[error("{0} must be one line of at most {1} characters")]
    Line(&'static str, usize),
}

/// A requested silence.
#[derive(Debug, Clone)]
pub struct SilenceRequest {
    /// The devices, as an MQTT topic filter such as `site-a/#`.
    pub device: String,
    /// The metric; all metrics where it is missing.
    pub metric: Option<String>,
    /// The rule; all rules where it is missing.
    pub rule: Option<String>,
    /// When the silence ends.
    pub until: Timestamp,
    /// The reason for the silence.
    pub reason: String,
    /// Who asks; may be empty.
    pub by: String,
}

impl SilenceRequest {
    /// The silence from now on. The same request at the same time has the same id, in every release.
    ///
    /// # Errors
    /// A part of the request is wrong.
    pub fn from_now(self, now: Timestamp) -> Result<Silence, RequestError> {
        let device: Filter = self.device.parse()?;
        check_name("metric", self.metric.as_deref())?;
        check_name("rule", self.rule.as_deref())?;
        if self.until <= now {
            return Err(RequestError::Over);
        }
        if self.until.duration_since(now) > SignedDuration::from_hours(24 * MAX_SILENCE_DAYS) {
            return Err(RequestError::TooFar);
        }
        if self.reason.trim().is_empty() || self.reason.chars().count() > MAX_REASON_CHARS {
            return Err(RequestError::Reason);
        }
        check_line("reason", &self.reason, MAX_REASON_CHARS)?;
        check_line("by", &self.by, MAX_NAME_CHARS)?;
        let id = self.id(now);
        let Self { metric, rule, until, reason, by, .. } = self;
        Ok(Silence { id, rule, metric, device, from: now, until, reason, by })
    }

    /// Twelve hexadecimal digits.
    fn id(&self, now: Timestamp) -> String {
        let (now, until) = (now.to_string(), self.until.to_string());
        let (metric, rule) = (self.metric.as_deref(), self.rule.as_deref());
        let parts = [
            &now,
            self.device.as_str(),
            metric.unwrap_or_default(),
            rule.unwrap_or_default(),
            &until,
            &self.reason,
            &self.by,
        ];
        format!("{:012x}", fnv1a_64_of_parts(parts.map(str::as_bytes)) >> 16)
    }
}

/// The acknowledgement of an incident; name and note may be empty.
///
/// # Errors
/// The name or the note is too long, or more than a line.
pub fn acknowledgement(at: Timestamp, by: String, note: String) -> Result<Acknowledgement, RequestError> {
    check_line("by", &by, MAX_NAME_CHARS)?;
    check_line("note", &note, MAX_REASON_CHARS)?;
    Ok(Acknowledgement { at, by, note })
}

fn check_name(what: &'static str, name: Option<&str>) -> Result<(), RequestError> {
    let is_level = |name: &str| {
        !name.contains('/') && name.parse::<Filter>().is_ok_and(|filter| filter.literal().is_some())
    };
    if name.is_none_or(is_level) { Ok(()) } else { Err(RequestError::Name(what)) }
}

/// A text that mails and terminals show must not begin a header or move a cursor.
fn check_line(what: &'static str, text: &str, max: usize) -> Result<(), RequestError> {
    if text.chars().count() > max || text.contains(|c| is_invisible(c) && !JOINERS.contains(&c)) {
        return Err(RequestError::Line(what, max));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-15T10:30:00Z".parse().unwrap()
    }

    fn request() -> SilenceRequest {
        SilenceRequest {
            device: "site-a/#".into(),
            metric: None,
            rule: Some("temperature-high".into()),
            until: now() + SignedDuration::from_hours(2),
            reason: "the rack is moved".into(),
            by: "ann".into(),
        }
    }

    #[test]
    fn a_silence_begins_now_and_has_an_id_of_its_own() {
        let silence = request().from_now(now()).unwrap();
        assert_eq!((silence.from, silence.device.as_str()), (now(), "site-a/#"));
        assert_eq!(silence.id.len(), 12);
        assert_eq!(request().from_now(now()).unwrap(), silence);
        let later = request().from_now(now() + SignedDuration::from_micros(1)).unwrap();
        let other = SilenceRequest { reason: "another".into(), ..request() }.from_now(now()).unwrap();
        assert!(later.id != silence.id && other.id != silence.id);
    }

    #[test]
    fn what_is_wrong_with_a_silence_is_named() {
        let (text, long) = (str::to_owned, |count| "x".repeat(count));
        let days = |days: i64| now() + SignedDuration::from_hours(24 * days);
        for (wrong, expected) in [
            (SilenceRequest { device: text("a+"), ..request() }, "device: + and # stand for whole levels"),
            (SilenceRequest { device: text(""), ..request() }, "device: the topic has an empty level"),
            (SilenceRequest { metric: Some(text("a/b")), ..request() }, "metric must be 1 to 64"),
            (SilenceRequest { rule: Some(text("+")), ..request() }, "rule must be 1 to 64"),
            (SilenceRequest { rule: Some(text("")), ..request() }, "rule must be 1 to 64"),
            (SilenceRequest { until: now(), ..request() }, "until must be later than now"),
            (SilenceRequest { until: days(367), ..request() }, "until must be at most 366 days"),
            (SilenceRequest { reason: text(" "), ..request() }, "reason must say in 1 to 500"),
            (SilenceRequest { reason: long(501), ..request() }, "reason must say in 1 to 500"),
            (SilenceRequest { reason: text("a\x1b[2J"), ..request() }, "reason must be one line"),
            (SilenceRequest { by: long(101), ..request() }, "by must be one line of at most 100"),
        ] {
            let error = wrong.clone().from_now(now()).unwrap_err().to_string();
            assert!(error.contains(expected), "{wrong:?}: {error}");
        }
        let longest = SilenceRequest { until: days(366), reason: long(500), by: long(100), ..request() };
        assert!(longest.from_now(now()).is_ok());
        let note = acknowledgement(now(), String::new(), "a\nb".into()).unwrap_err();
        assert_eq!(note.to_string(), "note must be one line of at most 500 characters");
    }
}
