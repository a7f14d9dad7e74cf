//! Arithmetic on times that come from clocks which may be wrong.

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

/// Numbers that are Unix milliseconds of our time: from early 1973 to the year 5138.
pub const PLAUSIBLE_MILLIS: Range<i64> = 100_000_000_000..100_000_000_000_000;

/// Seconds since 1970 that a clock shows which was set: from late 1999 on.
const PLAUSIBLE_SECONDS: Range<i64> = 940_000_000..PLAUSIBLE_MILLIS.start;

/// Says which unit a number is probably in that was given for Unix milliseconds, and what to write.
#[must_use]
pub fn other_unit(number: i64) -> Option<String> {
    let (unit, millis) = match number {
        _ if PLAUSIBLE_SECONDS.contains(&number) => ("seconds", number.checked_mul(1_000)?),
        300_000_000_000_000..100_000_000_000_000_000 => ("microseconds", number / 1_000),
        100_000_000_000_000_000.. => ("nanoseconds", number / 1_000_000),
        _ => return None,
    };
    Some(format!("{number} looks like Unix {unit}: write milliseconds, {millis}"))
}

/// Drops what is finer than a microsecond: readings and both databases hold whole microseconds.
///
/// Leaves the last second that a timestamp can have, at the end of the year 9999, as it is.
#[must_use]
pub fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// How long ago `at` was at the time `now`: zero where `at` is later, because its clock was ahead.
#[must_use]
pub fn age(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

/// The time `span` after `at`, and the last representable time where that is too far.
#[must_use]
pub fn saturating_add(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// A time as RFC 3339 writes it: with an offset of less than 24 hours.
#[must_use]
pub fn read_rfc3339(text: &str) -> Option<Timestamp> {
    if let Some((hours, minutes)) = text.get(text.len().checked_sub(6)?..)?.split_once(':')
        && let Some(hours) = hours.strip_prefix(['+', '-'])
    {
        let less_than = |digits: &str, limit: u8| digits.parse().is_ok_and(|number: u8| number < limit);
        if !less_than(hours, 24) || !less_than(minutes, 60) {
            return None;
        }
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_less_than_a_day() {
        for (text, expected) in [
            ("2026-01-15T10:30:00Z", Some("2026-01-15T10:30:00Z")),
            ("2026-01-15T11:30:00.5+01:00", Some("2026-01-15T10:30:00.5Z")),
            ("2026-01-15T11:30:00-23:59", Some("2026-01-16T11:29:00Z")),
            ("2026-01-15T11:30:00+25:00", None),
            ("2026-01-15T11:30:00+24:00", None),
            ("2026-01-15T11:30:00-01:60", None),
            ("2026-01-15T11:30:00", None),
            ("10:30", None),
            ("", None),
            ("\u{e9}2026+01:00", None),
        ] {
            assert_eq!(read_rfc3339(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }

    fn at(nanos: i128) -> Timestamp {
        Timestamp::from_nanosecond(nanos).unwrap()
    }

    #[test]
    fn whole_microseconds_drop_the_nanoseconds() {
        assert_eq!(whole_microseconds(at(1_999)), at(1_000));
        assert_eq!(whole_microseconds(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_clock_that_is_ahead_is_no_age() {
        assert_eq!(age(at(5), at(2)), Duration::from_nanos(3));
        assert_eq!(age(at(2), at(5)), Duration::ZERO);
        assert!(age(Timestamp::MAX, Timestamp::MIN) > Duration::from_secs(600_000_000_000));
    }

    #[test]
    fn adding_stops_at_the_last_time() {
        assert_eq!(saturating_add(at(2), Duration::from_nanos(3)), at(5));
        assert_eq!(saturating_add(at(0), Duration::MAX), Timestamp::MAX);
    }
}
