//! Reading what is stored: pages, time buckets, the newest of each series.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::time::saturating_add;
use telemetry::{CLOCK_SLACK, MAX_CLOCK_AHEAD, MAX_SEQ, Reading, Scope, Series};

use crate::unavailable::Result;

/// The newest reading of one device and metric: by `measured_at`, then `boot`, then `seq`.
pub type Latest = Reading;

/// Up to when a reading may have been measured and received, seen from `now`, that no wrong clock stamped.
pub(crate) fn present_until(now: Timestamp) -> [Timestamp; 2] {
    let received = saturating_add(now, CLOCK_SLACK);
    [saturating_add(received, MAX_CLOCK_AHEAD), received]
}

/// A reading, and when it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReading {
    /// The reading.
    pub reading: Reading,
    /// When the database stored it, by its own clock.
    pub stored_at: Timestamp,
}

/// A range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
}

/// Which readings to read, oldest first.
#[derive(Debug, Clone)]
pub struct ReadingQuery {
    /// Only this device. None reads all devices.
    pub device: Option<String>,
    /// Only this metric. None reads all metrics.
    pub metric: Option<String>,
    /// The time of measurement.
    pub range: TimeRange,
    /// Readings on one page, at most; 0 counts as 1.
    pub limit: usize,
    /// Only what comes after this cursor.
    pub after: Option<Cursor>,
    /// Only of these devices.
    pub scope: Scope,
}

/// A position in the order of all readings. Opaque to its user; stays valid while data comes and goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    pub(crate) measured_at: Timestamp,
    pub(crate) series: Series,
    pub(crate) boot: Option<u64>,
    pub(crate) seq: Option<u64>,
    pub(crate) value: f64,
}

/// The text is not a [`Cursor`]. Trying again does not help: report it to the client that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that came with a page of readings: leave it out to start with the first page")]
pub struct CursorError;

impl Cursor {
    /// The position just after this reading.
    #[must_use]
    pub fn after(reading: &Reading) -> Self {
        Self {
            measured_at: reading.measured_at,
            series: reading.series.clone(),
            boot: reading.boot,
            seq: reading.seq,
            value: reading.value,
        }
    }
}

/// Five fields with a dot between them: no field holds one, and a URL's query takes them all as they are.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let (boot, seq) = (number(self.boot), number(self.seq));
        let micros = self.measured_at.as_microsecond();
        write!(f, "{micros}.{boot}.{seq}.{:x}.{}", self.value.to_bits(), self.series)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> std::result::Result<Self, CursorError> {
        let fields: Vec<&str> = text.split('.').collect();
        let [micros, boot, seq, bits, topic] = fields[..] else { return Err(CursorError) };
        let micros = micros.parse().map_err(|_| CursorError)?;
        let bits = u64::from_str_radix(bits, 16).map_err(|_| CursorError)?;
        Ok(Self {
            measured_at: Timestamp::from_microsecond(micros).map_err(|_| CursorError)?,
            series: Series::parse(topic).map_err(|_| CursorError)?,
            boot: number(boot)?,
            seq: number(seq)?,
            value: Some(f64::from_bits(bits)).filter(|value| value.is_finite()).ok_or(CursorError)?,
        })
    }
}

fn number(text: &str) -> std::result::Result<Option<u64>, CursorError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().ok().filter(|number| *number <= MAX_SEQ).map(Some).ok_or(CursorError)
}

/// One page of readings; `next` asks for the following one and is there whenever there may be more.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In order.
    pub readings: Vec<StoredReading>,
    /// Where the next page begins. None on the last page.
    pub next: Option<Cursor>,
}

/// Readings of a time bucket reduced to one point that does not hide a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where the bucket begins, included.
    pub from: Timestamp,
    /// Where the bucket ends, excluded.
    pub to: Timestamp,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The mean of all values.
    pub mean: f64,
    /// How many readings there are; at least 1.
    pub count: u64,
}

/// Where readings are read.
///
/// # Errors
/// Every call: the store cannot be read now: report that, and ask again later.
#[async_trait]
pub trait History: Send + Sync {
    /// The newest reading of every device and metric, by device and metric.
    ///
    /// One from the future, which a clock that was wrong stamped, counts only where there is no other. A series whose newest
    /// reading was received before its device was forgotten is left out.
    async fn latest(&self) -> Result<Vec<Latest>>;

    /// A page of readings by `measured_at`, then device, metric, boot, seq and value.
    async fn readings(&self, query: ReadingQuery) -> Result<Page>;

    /// Buckets of `range` as [`TimeBuckets`] cuts it, at most `points` of them, those without a reading left out.
    ///
    /// [`TimeBuckets`]: crate::TimeBuckets
    async fn buckets(
        &self,
        device: &str,
        metric: &str,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<Bucket>>;

    /// The last readings of a series that were measured before a time, at most `limit` of them, oldest first.
    async fn last(&self, series: &Series, before: Timestamp, limit: usize) -> Result<Vec<Reading>>;

    /// When the oldest and the newest reading of this device and metric were measured.
    async fn time_bounds(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_cursor_reads_back_as_written(
            micros in -62_135_596_800_000_000..253_000_000_000_000_000_i64,
            boot in prop::option::of(0..=MAX_SEQ),
            seq in prop::option::of(0..=MAX_SEQ),
            value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        ) {
            let cursor = Cursor {
                measured_at: Timestamp::from_microsecond(micros).unwrap(),
                series: Series::parse("temperature/site-a/rack_1").unwrap(),
                boot, seq, value,
            };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn what_no_page_gave_is_no_cursor() {
        assert!("1.7.42.4037800000000000.temperature/lab".parse::<Cursor>().is_ok());
        assert!("-1...0.temperature/lab".parse::<Cursor>().is_ok());
        for text in [
            "",
            "1",
            "1...0",
            "1...0.temperature",
            "1...0.temperature/lab.x",
            "x...0.temperature/lab",
            "1...x.temperature/lab",
            "1...7ff0000000000000.temperature/lab",
            "1.-1..0.temperature/lab",
            "1..9223372036854775808.0.temperature/lab",
            "9223372036854775807...0.temperature/lab",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
