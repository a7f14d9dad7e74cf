//! The hours of the week in which recipients may be notified.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Hours of some days of the week, by the clocks of one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveHours {
    /// The days on which they begin.
    pub days: Vec<Weekday>,
    /// When they begin.
    pub from: Time,
    /// Excluded; before `from`, or the same, it is on the next day.
    pub to: Time,
    /// The time zone of the clocks.
    pub zone: TimeZone,
}

/// Days that are looked at from yesterday on: a week, and another for hours that a clock leaps over.
const DAYS: i64 = 16;

impl ActiveHours {
    /// Now, if these are active hours, else when they begin next.
    ///
    /// A time that the clocks leap over is the same time after the leap; one that comes twice is the first of them.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let today = now.to_zoned(self.zone.clone()).date();
        let days = (-1..DAYS).filter_map(|days| today.checked_add(Span::new().days(days)).ok());
        let mut spans = days.filter(|day| self.days.contains(&day.weekday())).filter_map(|day| self.on(day));
        // The spans begin in order, so the first that is not over is the one.
        spans.find(|&(_, end)| now < end).map_or(now, |(start, _)| start.max(now))
    }

    /// The active hours that begin on a day; none where the clocks leap over all of them.
    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
        let start = day.to_datetime(self.from).to_zoned(self.zone.clone()).ok()?.timestamp();
        let end = last.to_datetime(self.to).to_zoned(self.zone.clone()).ok()?.timestamp();
        (start < end).then_some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

    const WORKDAYS: [Weekday; 5] = [Monday, Tuesday, Wednesday, Thursday, Friday];
    const ALL: [Weekday; 7] = [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];

    fn hours(days: &[Weekday], from: &str, to: &str, zone: &str) -> ActiveHours {
        ActiveHours {
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    fn check(hours: &ActiveHours, table: &[(&str, &str)]) {
        for (now, next) in table {
            let now: Timestamp = now.parse().unwrap();
            let next = if *next == "now" { now } else { next.parse().unwrap() };
            assert_eq!(hours.next(now), next, "{now} {hours:?}");
        }
    }

    #[test]
    fn workdays_by_the_clocks_of_the_zone() {
        // 2026-01-15 is a Thursday; Berlin is at UTC+1 then.
        let table = [
            ("2026-01-15T06:59:59Z", "2026-01-15T07:00:00Z"),
            ("2026-01-15T07:00:00Z", "now"),
            ("2026-01-15T16:59:59.999Z", "now"),
            ("2026-01-15T17:00:00Z", "2026-01-16T07:00:00Z"),
            ("2026-01-16T17:00:00Z", "2026-01-19T07:00:00Z"),
            ("2026-01-17T12:00:00Z", "2026-01-19T07:00:00Z"),
            ("2026-07-15T06:00:00Z", "now"),
            ("2026-07-15T16:00:00Z", "2026-07-16T06:00:00Z"),
        ];
        check(&hours(&WORKDAYS, "08:00", "18:00", "Europe/Berlin"), &table);
    }

    #[test]
    fn over_midnight_belongs_to_the_day_on_which_it_begins() {
        let table = [
            ("2026-01-16T21:59:00Z", "2026-01-16T22:00:00Z"),
            ("2026-01-17T03:00:00Z", "now"),
            ("2026-01-17T06:00:00Z", "2026-01-23T22:00:00Z"),
            ("2026-01-16T03:00:00Z", "2026-01-16T22:00:00Z"),
        ];
        check(&hours(&[Friday], "22:00", "06:00", "UTC"), &table);
        check(
            &hours(&[Saturday, Sunday], "00:00", "00:00", "UTC"),
            &[
                ("2026-01-16T23:59:59Z", "2026-01-17T00:00:00Z"),
                ("2026-01-18T23:59:59Z", "now"),
                ("2026-01-19T00:00:00Z", "2026-01-24T00:00:00Z"),
            ],
        );
    }

    #[test]
    fn clocks_that_leap_leave_the_hours_where_they_are() {
        // Berlin leaps from 02:00 to 03:00 on 29 March and back from 03:00 to 02:00 on 25 October.
        check(
            &hours(&ALL, "02:30", "04:00", "Europe/Berlin"),
            &[
                ("2026-03-28T01:00:00Z", "2026-03-28T01:30:00Z"),
                ("2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"),
                ("2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z"),
                ("2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
                ("2026-10-25T02:59:00Z", "now"),
                ("2026-10-25T03:00:00Z", "2026-10-26T01:30:00Z"),
            ],
        );
        // 02:30 is 03:30 on that day, after the end: no hours.
        check(
            &hours(&[Sunday], "02:30", "03:10", "Europe/Berlin"),
            &[("2026-03-29T00:00:00Z", "2026-04-05T00:30:00Z")],
        );
    }

    #[test]
    fn the_answer_is_active_and_no_active_time_is_left_out() {
        let hours = hours(&[Monday, Thursday], "23:15", "01:45", "America/St_Johns");
        let mut now: Timestamp = "2026-10-25T00:00:00Z".parse().unwrap();
        for _ in 0..2_000 {
            let next = hours.next(now);
            assert!(next >= now && hours.next(next) == next);
            if next > now {
                let just_before = next - std::time::Duration::from_nanos(1);
                assert_eq!(hours.next(just_before), next);
            }
            now += std::time::Duration::from_secs(600);
        }
        assert_eq!(hours.next(Timestamp::MAX), Timestamp::MAX);
    }
}
