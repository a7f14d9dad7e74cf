//! The layout of the tables (a hypertable, or partitions by month), and the lock for changing them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use telemetry::Reading;

/// The lock for changes of the schema: "Millrace" in ASCII.
pub(crate) const LOCK: i64 = i64::from_be_bytes(*b"Millrace");

/// What `readings` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// TimescaleDB makes its chunks.
    Hypertable,
    /// The writers make its partitions.
    Partitions,
}

/// Readings of earlier years share the partition that the migration makes.
const FIRST_YEAR: i16 = 2020;

/// A month in UTC, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(Date);

impl Month {
    pub(crate) fn of(reading: &Reading) -> Option<Self> {
        let day = reading.measured_at.to_zoned(TimeZone::UTC).date();
        (day.year() >= FIRST_YEAR).then(|| Self(day.first_of_month()))
    }

    /// Makes the partition where there is none; the last month that there is has no end.
    ///
    /// Made first and attached then, so that no reader and no other writer waits.
    pub(crate) fn create(self) -> String {
        let Self(first) = self;
        let table = format!("readings_{}", first.strftime("%Y_%m"));
        let next = first.last_of_month().tomorrow();
        let end = next.map_or("MAXVALUE".into(), |next| format!("'{next} 00:00:00+00'"));
        format!(
            "DO $$ BEGIN
                 PERFORM pg_advisory_xact_lock({LOCK});
                 IF to_regclass('{table}') IS NULL THEN
                     CREATE TABLE {table} (LIKE readings INCLUDING ALL);
                     ALTER TABLE readings ATTACH PARTITION {table}
                         FOR VALUES FROM ('{first} 00:00:00+00') TO ({end});
                 END IF;
             END $$"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use telemetry::Series;

    fn partition(time: &str) -> Option<String> {
        let at: Timestamp = time.parse().unwrap();
        let reading = Reading {
            series: Series::parse("temperature/a").unwrap(),
            value: 1.0,
            unit: None,
            measured_at: at,
            received_at: at,
            boot: None,
            seq: None,
        };
        Month::of(&reading).map(Month::create)
    }

    #[test]
    fn a_month_has_one_partition() {
        for (first, last, name, bounds) in [
            (
                "2026-11-01T00:00:00Z",
                "2026-11-30T23:59:59.999999Z",
                "2026_11",
                "('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')",
            ),
            (
                "2027-12-01T00:00:00Z",
                "2027-12-31T23:59:59.999999Z",
                "2027_12",
                "('2027-12-01 00:00:00+00') TO ('2028-01-01 00:00:00+00')",
            ),
            (
                "9999-12-01T00:00:00Z",
                "9999-12-30T00:00:00Z",
                "9999_12",
                "('9999-12-01 00:00:00+00') TO (MAXVALUE)",
            ),
        ] {
            let sql = partition(first).unwrap();
            assert!(sql.contains(&format!("TABLE readings_{name} (")) && sql.contains(bounds), "{sql}");
            assert_eq!(partition(last), Some(sql));
        }
        assert_eq!(partition("2019-12-31T23:59:59.999999Z"), None);
    }
}
