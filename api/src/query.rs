//! Reads the parameters of a query: each function takes one out, and what is left over is unknown.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use store::TimeRange;
use telemetry::Filter;
use telemetry::time::read_rfc3339;

/// The parameters of a request's query, by name.
pub type Parameters = BTreeMap<String, String>;

/// Rows on one page, at most, and where no limit is asked for.
pub(crate) const MAX_LIMIT: usize = 100_000;
pub(crate) const DEFAULT_LIMIT: usize = 1_000;

/// What is wrong with a text that is no cursor.
pub(crate) const NO_CURSOR: &str = "after must be the `next` of an earlier answer";

/// A text, or `None` where it is missing or empty. Control characters are refused: a database need not accept them, and
/// no name has one.
pub(crate) fn text(parameters: &mut Parameters, name: &str) -> Result<Option<String>, String> {
    match parameters.remove(name).filter(|text| !text.is_empty()) {
        Some(text) if text.contains(char::is_control) => {
            Err(format!("{name} must be without control characters"))
        }
        text => Ok(text),
    }
}

/// A text as a device may have sent it, of at most `max` bytes. No database accepts NUL.
pub(crate) fn any_text(
    parameters: &mut Parameters,
    name: &str,
    max: usize,
) -> Result<Option<String>, String> {
    match parameters.remove(name).filter(|text| !text.is_empty()) {
        Some(text) if text.contains('\0') => Err(format!("{name} must be without NUL")),
        Some(text) if text.len() > max => Err(format!("{name} must be at most {max} bytes")),
        text => Ok(text),
    }
}

/// An MQTT topic filter.
pub(crate) fn filter(parameters: &mut Parameters, name: &str) -> Result<Option<Filter>, String> {
    let read = |text: String| text.parse().map_err(|e| format!("{name}: {e}"));
    text(parameters, name)?.map(read).transpose()
}

/// `true` or `false`.
pub(crate) fn truth(parameters: &mut Parameters, name: &str) -> Result<Option<bool>, String> {
    one_of(parameters, name, &[("true", true), ("false", false)])
}

/// One of some words, each with its meaning.
pub(crate) fn one_of<T: Copy>(
    parameters: &mut Parameters,
    name: &str,
    words: &[(&str, T)],
) -> Result<Option<T>, String> {
    let Some(text) = text(parameters, name)? else { return Ok(None) };
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Ok(Some(*meaning)),
        None => {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            Err(format!("{name} must be {}", words.join(" or ")))
        }
    }
}

/// A time, as RFC 3339 or as Unix milliseconds.
pub(crate) fn time(parameters: &mut Parameters, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(parameters, name)? else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    if is_number {
        if let Some(problem) = text.parse().ok().and_then(telemetry::time::other_unit) {
            return Err(format!("{name} {problem}"));
        }
        let read = text.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        return read.map(Some).ok_or_else(|| {
            format!("{name} is outside the calendar: Unix milliseconds go from {first} to {last}")
        });
    }
    // A plus sign that was not escaped has come as a space.
    read_rfc3339(&text.replace(' ', "+")).map(Some).ok_or_else(|| {
        format!("{name} must be RFC 3339, for example 2026-01-15T10:30:00Z, or Unix milliseconds")
    })
}

/// A whole number from 1 to `max`.
pub(crate) fn number(parameters: &mut Parameters, name: &str, max: usize) -> Result<Option<usize>, String> {
    let read = |text: String| text.parse().ok().filter(|number| (1..=max).contains(number));
    let problem = || format!("{name} must be a number from 1 to {max}");
    text(parameters, name)?.map(|text| read(text).ok_or_else(problem)).transpose()
}

/// The `next` of an earlier answer, in the parameter `after`.
pub(crate) fn cursor<T: FromStr>(parameters: &mut Parameters) -> Result<Option<T>, String> {
    let text = parameters.remove("after").filter(|text| !text.is_empty());
    text.map(|text| text.parse()).transpose().map_err(|_| NO_CURSOR.to_owned())
}

/// The parameters `from` and `to`, in this order in time.
pub(crate) fn times(parameters: &mut Parameters) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let (from, to) = (time(parameters, "from")?, time(parameters, "to")?);
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err("from is later than to".into()),
        times => Ok(times),
    }
}

/// The range between two times; all of time where neither is given.
pub(crate) fn range(from: Option<Timestamp>, to: Option<Timestamp>) -> TimeRange {
    TimeRange { from: from.unwrap_or(Timestamp::MIN), to: to.unwrap_or(Timestamp::MAX) }
}

/// Refuses every parameter.
pub(crate) fn nothing(parameters: &Parameters) -> Result<(), String> {
    nothing_left(parameters, &[])
}

/// Refuses what is left over, and names the parameters that there are.
pub(crate) fn nothing_left(parameters: &Parameters, known: &[&str]) -> Result<(), String> {
    let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    match parameters.keys().next() {
        None => Ok(()),
        Some(name) => Err(format!("unknown parameter {name}: there are {there_are}")),
    }
}

/// Reads a query as a test writes it.
#[cfg(test)]
pub(crate) fn read<T>(
    read: fn(Parameters) -> Result<T, String>,
    parameters: &[(&str, &str)],
) -> Result<T, String> {
    read(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}
