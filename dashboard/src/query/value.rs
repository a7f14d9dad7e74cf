//! One parameter, read.

use jiff::Timestamp;
use store::Cursor;
use telemetry::Filter;

use super::Parameters;

/// `None` where it is left out or empty; a database need not take a control character, and no name has one.
pub(super) fn text(parameters: &mut Parameters, name: &str) -> Result<Option<String>, String> {
    match parameters.remove(name).filter(|text| !text.is_empty()) {
        Some(text) if text.contains(char::is_control) => {
            Err(format!("{name} must be without control characters"))
        }
        text => Ok(text),
    }
}

pub(super) fn filter(parameters: &mut Parameters, name: &str) -> Result<Option<Filter>, String> {
    let read = |text: String| text.parse().map_err(|e| format!("{name}: {e}"));
    text(parameters, name)?.map(read).transpose()
}

pub(super) fn truth(parameters: &mut Parameters, name: &str) -> Result<Option<bool>, String> {
    one_of(parameters, name, &[("true", true), ("false", false)])
}

/// One of some words, and what it stands for.
pub(super) fn one_of<T: Copy>(
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

pub(super) fn time(parameters: &mut Parameters, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(parameters, name)? else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    if is_number {
        let read = text.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        return read.map(Some).ok_or_else(|| {
            format!("{name} is outside the calendar: Unix milliseconds go from {first} to {last}")
        });
    }
    // A plus sign that was not escaped has come as a space.
    text.replace(' ', "+").parse().map(Some).map_err(|_| {
        format!("{name} must be RFC 3339, for example 2026-01-15T10:30:00Z, or Unix milliseconds")
    })
}

pub(super) fn number(parameters: &mut Parameters, name: &str, most: usize) -> Result<Option<usize>, String> {
    let read = |text: String| text.parse().ok().filter(|number| (1..=most).contains(number));
    let problem = || format!("{name} must be a number from 1 to {most}");
    text(parameters, name)?.map(|text| read(text).ok_or_else(problem)).transpose()
}

pub(super) fn cursor(parameters: &mut Parameters) -> Result<Option<Cursor>, String> {
    let text = parameters.remove("after").filter(|text| !text.is_empty());
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| "after must be the `next` of an earlier answer".to_owned())
}

pub(super) fn row(parameters: &mut Parameters, name: &str) -> Result<Option<i64>, String> {
    let read = |text: String| text.parse().map_err(|_| format!("{name} must be the `id` of a row"));
    text(parameters, name)?.map(read).transpose()
}
