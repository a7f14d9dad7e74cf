//! The time of a row.

use anyhow::{Context, Result};
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Smaller numbers are taken for Unix seconds: as milliseconds they would be in early 1973 or before.
const LEAST_MILLIS: i64 = 100_000_000_000;

/// Reads times in one format, or in the usual ones.
#[derive(Debug)]
pub(super) struct Clock {
    format: Option<String>,
}

impl Clock {
    pub(super) fn new(format: Option<String>) -> Result<Self> {
        if let Some(format) = &format {
            let some_time = Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
            strtime::format(format, &some_time).with_context(|| format!("the time format {format:?}"))?;
        }
        Ok(Self { format })
    }

    /// A time without a zone is UTC.
    pub(super) fn read(&self, text: &str) -> Result<Timestamp, String> {
        match &self.format {
            Some(format) => formatted(format, text).map_err(|e| format!("time {text:?}: {e}")),
            None => usual(text),
        }
    }
}

fn formatted(format: &str, text: &str) -> Result<Timestamp, jiff::Error> {
    let time = strtime::parse(format, text)?;
    if let Ok(time) = time.to_timestamp() {
        return Ok(time);
    }
    match (time.to_datetime(), time.hour()) {
        // A day without a time of day is its midnight.
        (Err(_), None) => utc(time.to_date()?.into()),
        (datetime, _) => utc(datetime?),
    }
}

fn usual(text: &str) -> Result<Timestamp, String> {
    if let Ok(millis) = text.parse::<i64>() {
        return unix(millis);
    }
    let time = text.parse().or_else(|_| text.parse::<DateTime>().and_then(utc));
    time.map_err(|_: jiff::Error| {
        format!("time {text:?} is not RFC 3339, YYYY-MM-DD HH:MM:SS or Unix milliseconds: give --time-format")
    })
}

fn unix(millis: i64) -> Result<Timestamp, String> {
    if millis.abs() < LEAST_MILLIS {
        return Err(format!(
            "time {millis} is too small for Unix milliseconds: give --time-format %s for seconds"
        ));
    }
    Timestamp::from_millisecond(millis).map_err(|e| format!("time {millis}: {e}"))
}

fn utc(datetime: DateTime) -> Result<Timestamp, jiff::Error> {
    Offset::UTC.to_timestamp(datetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_many_formats() {
        for (format, text, time) in [
            (None, "2013-07-04 00:00:00", "2013-07-04T00:00:00Z"),
            (None, "2013-07-04T00:00:00.25", "2013-07-04T00:00:00.25Z"),
            (None, "2013-07-04 02:00:00+02:00", "2013-07-04T00:00:00Z"),
            (None, "2013-07-04T00:00:00Z", "2013-07-04T00:00:00Z"),
            (None, "2013-07-04 12:30", "2013-07-04T12:30:00Z"),
            (None, "2013-07-04", "2013-07-04T00:00:00Z"),
            (None, "1372896000250", "2013-07-04T00:00:00.25Z"),
            (Some("%d/%m/%Y %H:%M:%S"), "10/03/2004 18:00:00", "2004-03-10T18:00:00Z"),
            (Some("%d/%m/%Y %H:%M:%S"), "4/04/2005 9:00:00", "2005-04-04T09:00:00Z"),
            (Some("%d/%m/%Y %H.%M.%S"), "10/03/2004 18.00.00", "2004-03-10T18:00:00Z"),
            (Some("%d.%m.%Y"), "10.03.2004", "2004-03-10T00:00:00Z"),
            (Some("%Y-%m-%d %H:%M:%S %z"), "2004-03-10 18:00:00 +0100", "2004-03-10T17:00:00Z"),
            (Some("%s"), "1372896000", "2013-07-04T00:00:00Z"),
            (Some("%Y-%m-%d %H:%M:%S%.f"), "2004-03-10 18:00:00.5", "2004-03-10T18:00:00.5Z"),
        ] {
            let clock = Clock::new(format.map(String::from)).unwrap();
            assert_eq!(clock.read(text).map(|t| t.to_string()), Ok(time.into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_said() {
        for (format, text, why) in [
            (None, "", "give --time-format"),
            (None, "10/03/2004 18:00:00", "give --time-format"),
            (None, "2013-02-30 00:00:00", "give --time-format"),
            (None, "1372896000", "--time-format %s"),
            (None, "9223372036854775807", "time 9223372036854775807"),
            (Some("%d/%m/%Y"), "2004-03-10", "time \"2004-03-10\""),
            (Some("%H:%M"), "18:00", "time \"18:00\""),
        ] {
            let clock = Clock::new(format.map(String::from)).unwrap();
            let said = clock.read(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        assert!(Clock::new(Some("%Y-%!".into())).is_err());
    }
}
