//! Equal steps of the calendar: how long the buckets of a request are, and when each begins.

use std::str::FromStr;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// From where weeks are counted.
const MONDAY: Date = date(1970, 1, 5);

/// Units in the length of a bucket, at most.
const MAX_COUNT: i64 = 1_000;

/// The length of a bucket: a part of a day, or days or months of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    /// At most an hour, in real time from midnight on: an hour that the clock repeats is there twice.
    Seconds(i64),
    /// By the clock on the wall: 6 hours begin at 0, 6, 12 and 18 o'clock on every day.
    Hours(i64),
    /// Of several, the first is a Monday where they are weeks.
    Days(i64),
    /// From January on.
    Months(i64),
}

/// A length that [`Every`] cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "every must be a length such as 15m, 1h, 1d, 1w, 1mo or 1y; one below a day must fit into a day, and one above an \
     hour must be whole hours"
)]
pub(super) struct NoLength;

impl FromStr for Every {
    type Err = NoLength;

    fn from_str(text: &str) -> Result<Self, NoLength> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let count = count.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count)).ok_or(NoLength)?;
        match unit {
            "s" => part_of_a_day(count),
            "m" => part_of_a_day(count * 60),
            "h" => part_of_a_day(count * HOUR),
            "d" => Some(Self::Days(count)),
            "w" => Some(Self::Days(count * 7)),
            "mo" => Some(Self::Months(count)),
            "y" => Some(Self::Months(count * 12)),
            _ => None,
        }
        .ok_or(NoLength)
    }
}

fn part_of_a_day(seconds: i64) -> Option<Every> {
    match seconds {
        DAY => Some(Every::Days(1)),
        _ if DAY % seconds != 0 => None,
        _ if seconds <= HOUR => Some(Every::Seconds(seconds)),
        _ => (seconds % HOUR == 0).then_some(Every::Hours(seconds / HOUR)),
    }
}

impl Every {
    /// When the buckets of a range begin, and when the last one ends; none where there would be more than `max` buckets.
    ///
    /// The first begins at or before `from`, the last ends at or after `to`; the calendar itself may cut them.
    pub(super) fn times(
        self,
        from: Timestamp,
        to: Timestamp,
        zone: &TimeZone,
        max: usize,
    ) -> Option<Vec<Timestamp>> {
        let mut at =
            self.start(&from.to_zoned(zone.clone()), 0).unwrap_or_else(|_| from.to_zoned(zone.clone()));
        let mut times = vec![at.timestamp()];
        while at.timestamp() < to {
            if times.len() > max {
                return None;
            }
            at = self.start(&at, 1).unwrap_or_else(|_| Timestamp::MAX.to_zoned(zone.clone()));
            times.push(at.timestamp());
        }
        Some(times)
    }

    /// The start of the bucket so many after the one that a time is in. A start that the clock skips is the time at which it
    /// goes on.
    fn start(self, at: &Zoned, buckets: i64) -> Result<Zoned, jiff::Error> {
        let (date, span) = (at.date(), Span::new());
        let back_and_on = |at: i64, length: i64| buckets * length - at.rem_euclid(length);
        let start = match self {
            Self::Seconds(length) => {
                let midnight = at.start_of_day()?;
                let since = at.timestamp().as_second() - midnight.timestamp().as_second();
                let start = midnight.checked_add(span.try_seconds(since + back_and_on(since, length))?)?;
                if start.date() == date {
                    return Ok(start);
                }
                date.tomorrow()?.into()
            }
            Self::Hours(length) => {
                let hour = i64::from(at.hour());
                let hours = span.try_hours(hour + back_and_on(hour, length))?;
                date.at(0, 0, 0, 0).checked_add(hours)?
            }
            Self::Days(length) => {
                let days = i64::from(MONDAY.until(date)?.get_days());
                date.checked_add(span.try_days(back_and_on(days, length))?)?.into()
            }
            Self::Months(length) => {
                let months = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
                date.first_of_month().checked_add(span.try_months(back_and_on(months, length))?)?.into()
            }
        };
        start.to_zoned(at.time_zone().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn times(every: &str, zone_name: &str, from: &str, to: &str) -> Vec<String> {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let times = every.parse::<Every>().unwrap().times(from, to, &zone(zone_name), 100).unwrap();
        times.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_length_is_of_the_calendar() {
        for (text, expected) in [
            ("15m", Ok(Every::Seconds(900))),
            ("60m", Ok(Every::Seconds(3_600))),
            ("90s", Ok(Every::Seconds(90))),
            ("6h", Ok(Every::Hours(6))),
            ("24h", Ok(Every::Days(1))),
            ("1w", Ok(Every::Days(7))),
            ("1y", Ok(Every::Months(12))),
            ("7m", Err(NoLength)),
            ("90m", Err(NoLength)),
            ("5h", Err(NoLength)),
            ("48h", Err(NoLength)),
            ("0d", Err(NoLength)),
            ("1001d", Err(NoLength)),
            ("99999999999999999999d", Err(NoLength)),
            ("-1d", Err(NoLength)),
            ("1 d", Err(NoLength)),
            ("d", Err(NoLength)),
            ("", Err(NoLength)),
            ("1µs", Err(NoLength)),
        ] {
            assert_eq!(text.parse::<Every>(), expected, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let found = times("1d", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        // The 29th has 23 hours.
        let days =
            ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"];
        assert_eq!(found, days);
        // On this day midnight does not exist: the day begins at one o'clock.
        let found = times("1d", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T13:00:00Z");
        assert_eq!(found, ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]);
    }

    #[test]
    fn hours_are_real_and_parts_of_a_day_are_of_the_clock() {
        let (from, to) = ("2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z");
        // From 2 to 3 o'clock is there twice.
        let hours =
            ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"];
        assert_eq!(times("1h", "Europe/Berlin", from, to), hours);
        let parts = ["2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z"];
        assert_eq!(times("6h", "Europe/Berlin", from, to), parts);
        // The clock goes from 2 to 3 o'clock at once.
        let found = times("2h", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(found, ["2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]);
        assert_eq!(
            times("1h", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T00:31:00Z"),
            ["2025-12-31T23:30:00Z", "2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z"]
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_in_january() {
        for (every, expected) in [
            ("1w", ["2026-07-27T00:00:00Z", "2026-08-03T00:00:00Z"]),
            ("1mo", ["2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"]),
            ("3mo", ["2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z"]),
            ("1y", ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
        ] {
            assert_eq!(
                times(every, "UTC", "2026-07-29T12:00:00Z", "2026-07-29T13:00:00Z"),
                expected,
                "{every}"
            );
        }
    }

    #[test]
    fn every_range_is_covered_in_order_or_refused() {
        let all = [
            Timestamp::MIN,
            "1969-12-31T23:59:59Z".parse().unwrap(),
            "2026-10-25T00:30:00Z".parse().unwrap(),
            Timestamp::MAX,
        ];
        for every in ["1s", "7s", "15m", "1h", "2h", "12h", "1d", "3d", "1w", "1mo", "5mo", "1y", "1000y"] {
            let Ok(every) = every.parse::<Every>() else { continue };
            for zone_name in
                ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]
            {
                for (from, to) in all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to))) {
                    let Some(times) = every.times(from, to, &zone(zone_name), 300) else { continue };
                    assert!(
                        times.windows(2).all(|pair| pair[0] < pair[1]),
                        "{every:?} {zone_name} {from} {to}"
                    );
                    assert!(times[0] <= from && *times.last().unwrap() >= to.min(Timestamp::MAX));
                }
            }
        }
    }
}
