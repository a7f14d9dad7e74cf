//! Times as devices write them: seconds or nanoseconds, with a zone or without.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

use crate::time::whole_microseconds;

/// Before this, a clock was never set: 2001-09-09, when Unix time passed a billion seconds.
const CLOCK_SET: i64 = 1_000_000_000;

/// The time in a payload.
///
/// A number counts seconds, milliseconds, microseconds or nanoseconds since 1970, by its size. No time at all where
/// there is none, where the clock was never set, and where a text has neither an offset nor a zone of the rule.
///
/// # Errors
/// The text is no time.
pub(super) fn moment(
    value: &Value,
    format: Option<&str>,
    zone: Option<&TimeZone>,
) -> Result<Option<Timestamp>, String> {
    let time = match value {
        Value::Number(number) => number.as_f64().and_then(of_number),
        Value::String(text) => match text.trim() {
            "" => None,
            text => of_text(text, format, zone)?,
        },
        Value::Null => None,
        _ => return Err(format!("the time {value} is neither a number nor a text")),
    };
    Ok(time.filter(|time| time.as_second() >= CLOCK_SET).map(whole_microseconds))
}

fn of_number(number: f64) -> Option<Timestamp> {
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        size if size < 1e17 => number,
        _ => number / 1e3,
    };
    // Rounded: seconds with a fraction have no exact binary form.
    Timestamp::from_microsecond(micros.round() as i64).ok()
}

fn of_text(text: &str, format: Option<&str>, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, String> {
    if let Some(format) = format {
        return of_format(text, format, zone);
    }
    if let Ok(number) = text.parse::<f64>() {
        return Ok(of_number(number));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Some(time));
    }
    let local: DateTime = text.trim_end_matches(" UTC").parse().map_err(|_| {
        format!("the time {text:?} is not understood: write RFC 3339, or name its time_format")
    })?;
    let zone = if text.ends_with(" UTC") { Some(&TimeZone::UTC) } else { zone };
    in_zone(local, zone)
}

fn of_format(text: &str, format: &str, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, String> {
    let wrong = |e: jiff::Error| format!("the time {text:?} is not of the form {format:?}: {e}");
    // Without an offset in the text, a fixed one at its end may say which zone it is in.
    let (text_of_time, format, zone) = match (text.strip_suffix(" UTC"), format.strip_suffix(" UTC")) {
        (Some(text), Some(format)) => (text, format, Some(&TimeZone::UTC)),
        _ => (text, format, zone),
    };
    if let Ok(time) = Zoned::strptime(format, text_of_time) {
        return Ok(Some(time.timestamp()));
    }
    if let Ok(time) = Timestamp::strptime(format, text_of_time) {
        return Ok(Some(time));
    }
    in_zone(DateTime::strptime(format, text_of_time).map_err(wrong)?, zone)
}

fn in_zone(local: DateTime, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, String> {
    let Some(zone) = zone else { return Ok(None) };
    let time = zone.to_timestamp(local).map_err(|e| format!("the time {local} is out of range: {e}"))?;
    Ok(Some(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value, format: Option<&str>, zone: Option<&str>) -> Option<String> {
        let zone = zone.map(|name| TimeZone::get(name).unwrap());
        moment(value, format, zone.as_ref()).unwrap().map(|time| time.to_string())
    }

    #[test]
    fn a_number_says_its_unit_by_its_size() {
        for value in [
            json!(1_736_937_000),
            json!(1_736_937_000_000_i64),
            json!(1_736_937_000_000_000_i64),
            json!(1_736_937_000_000_000_000_i64),
            json!("1736937000"),
            json!("2025-01-15T10:30:00Z"),
            json!("2025-01-15T11:30:00+01:00"),
            json!("2025-01-15T11:30:00+0100"),
            json!("2025-01-15 10:30:00Z"),
            json!("2025-01-15T10:30:00.000000000Z"),
        ] {
            assert_eq!(read(&value, None, None).as_deref(), Some("2025-01-15T10:30:00Z"), "{value}");
        }
        assert_eq!(read(&json!(1_788_945_292.88), None, None).as_deref(), Some("2026-09-09T09:14:52.88Z"));
    }

    #[test]
    fn a_time_without_a_zone_counts_only_where_the_rule_names_one() {
        let local = json!("2021-09-23T18:26:49");
        assert_eq!(read(&local, None, None), None);
        assert_eq!(read(&local, None, Some("Europe/Berlin")).as_deref(), Some("2021-09-23T16:26:49Z"));
        let format = Some("%H:%M:%S %m/%d/%Y UTC");
        assert_eq!(
            read(&json!("07:16:17 06/16/2021 UTC"), format, None).as_deref(),
            Some("2021-06-16T07:16:17Z")
        );
    }

    #[test]
    fn a_clock_that_was_never_set_says_nothing() {
        for value in
            [json!(0), json!(12), json!("1970-01-01T00:00:12Z"), json!("2000-01-01T00:00:00Z"), json!(null)]
        {
            assert_eq!(read(&value, None, None), None, "{value}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for value in [json!("yesterday"), json!([1]), json!(true), json!("12:30")] {
            assert!(moment(&value, None, None).is_err(), "{value}");
        }
    }
}
