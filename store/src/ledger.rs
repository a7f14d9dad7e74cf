//! The ledger: whether all readings that devices numbered are stored.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::engine::columns::at_most;
use crate::engine::statement::{Engine, Statement, count};
use crate::readings::history::TimeRange;
use crate::unavailable::Result;

/// A reading that reached the broker later than this after it was measured counts as delayed.
pub const DELAYED_AFTER: Duration = Duration::from_secs(60);

/// Ranges of missing numbers that are named for one boot, at most.
pub const MAX_MISSING_RANGES: usize = 100;

/// Which readings to count.
#[derive(Debug, Clone)]
pub struct LedgerQuery {
    /// Only this device. None counts all devices.
    pub device: Option<String>,
    /// The time of measurement.
    pub range: TimeRange,
}

/// The numbers of one boot of a device that are stored, over all its metrics.
///
/// A device numbers its readings (`seq`) from one restart to the next (`boot`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The device's name.
    pub device: String,
    /// The restart counter that the device sends.
    pub boot: u64,
    /// The lowest number that is stored.
    pub first: u64,
    /// The highest number that is stored.
    pub last: u64,
    /// How many different numbers are stored.
    pub stored: u64,
    /// Readings beyond these: a number that is stored again with another metric, time or value.
    pub repeated: u64,
    /// Delayed readings: they reached the broker more than [`DELAYED_AFTER`] after they were measured.
    pub delayed: u64,
    /// Numbers between the first and the last that are not stored.
    pub missing: u64,
    /// Which these are: the first [`MAX_MISSING_RANGES`] ranges.
    pub missing_ranges: Vec<RangeInclusive<u64>>,
    /// When the oldest of these readings was measured.
    pub oldest_measured_at: Timestamp,
    /// When the newest of these readings was measured.
    pub newest_measured_at: Timestamp,
}

impl Boot {
    /// Numbers from the first to the last: `stored + missing`.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether this number is known to be stored. False behind the last range that is named, if more are missing.
    #[must_use]
    pub fn holds(&self, seq: u64) -> bool {
        let named: u64 = self.missing_ranges.iter().map(|range| range.end() - range.start() + 1).sum();
        let known_up_to = match self.missing_ranges.last() {
            Some(range) if named < self.missing => *range.end(),
            _ => self.last,
        };
        (self.first..=known_up_to).contains(&seq)
            && !self.missing_ranges.iter().any(|range| range.contains(&seq))
    }
}

/// Where it is counted what is stored and what is missing.
///
/// # Errors
/// The store cannot be read now: report that, and ask again later.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Every boot of every device, by device and boot; readings without `boot` or `seq` are in none.
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>>;

    /// The time from which on a device has at most about this many readings: so that counting takes a bounded time.
    /// [`Timestamp::MIN`] where it has fewer.
    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp>;
}

/// Each series may have its part of the readings. Where one has more, its last ones say from when on; the latest such time
/// is that of all.
async fn counted_from(engine: &impl Engine, device: &str, readings: usize) -> Result<Timestamp> {
    const COUNT: &str = "SELECT count(*) FROM series WHERE device = $1";
    const SELECT: &str = "
        SELECT max((SELECT r.measured_at FROM readings r WHERE r.series = s.id
                    ORDER BY r.measured_at DESC LIMIT 1 OFFSET $2))
        FROM series s WHERE s.device = $1";
    let doing = "find the newest readings of a device";
    let series = count(engine, Statement::new(doing, COUNT, [device.into()])).await?;
    let each = readings / usize::try_from(series).unwrap_or(usize::MAX).max(1);
    let select = Statement::new(doing, SELECT, [device.into(), at_most(each.max(1)).into()]);
    let found = engine.query(select, |row| row.time_if_any(0)).await?;
    Ok(found.into_iter().flatten().next().unwrap_or(Timestamp::MIN))
}

/// Counts the numbers of one boot, which come in order.
pub(crate) struct SeqCounter(Boot);

impl SeqCounter {
    pub(crate) fn start(device: &str, boot: u64, seq: u64, measured_at: Timestamp, is_delayed: bool) -> Self {
        Self(Boot {
            device: device.into(),
            boot,
            first: seq,
            last: seq,
            stored: 1,
            repeated: 0,
            delayed: is_delayed.into(),
            missing: 0,
            missing_ranges: Vec::new(),
            oldest_measured_at: measured_at,
            newest_measured_at: measured_at,
        })
    }

    pub(crate) fn boot(&self) -> u64 {
        self.0.boot
    }

    /// Counts one more reading, whose number is not below those before it.
    pub(crate) fn add(&mut self, seq: u64, measured_at: Timestamp, is_delayed: bool) {
        let boot = &mut self.0;
        boot.delayed += u64::from(is_delayed);
        boot.oldest_measured_at = boot.oldest_measured_at.min(measured_at);
        boot.newest_measured_at = boot.newest_measured_at.max(measured_at);
        if seq == boot.last {
            boot.repeated += 1;
            return;
        }
        let gap = boot.last + 1..=seq - 1;
        if !gap.is_empty() {
            boot.missing += seq - 1 - boot.last;
            if boot.missing_ranges.len() < MAX_MISSING_RANGES {
                boot.missing_ranges.push(gap);
            }
        }
        boot.stored += 1;
        boot.last = seq;
    }

    pub(crate) fn finish(self) -> Boot {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(seqs: impl IntoIterator<Item = u64>) -> Boot {
        let mut seqs = seqs.into_iter();
        let mut counter = SeqCounter::start("a", 7, seqs.next().unwrap(), Timestamp::UNIX_EPOCH, false);
        for seq in seqs {
            counter.add(seq, Timestamp::UNIX_EPOCH, false);
        }
        counter.finish()
    }

    #[test]
    fn gaps_and_repetitions_are_counted() {
        const MAX: u64 = telemetry::MAX_SEQ;
        for (seqs, (first, last, stored, repeated), gaps) in [
            (&[5][..], (5, 5, 1, 0), &[][..]),
            (&[0, 1, 2], (0, 2, 3, 0), &[]),
            (&[1, 1, 2, 2, 2], (1, 2, 2, 3), &[]),
            (&[1, 3], (1, 3, 2, 0), &[2..=2]),
            (&[1, 5, 5, 9, 10], (1, 10, 4, 1), &[2..=4, 6..=8]),
            (&[0, MAX], (0, MAX, 2, 0), &[1..=MAX - 1]),
        ] {
            let boot = counted(seqs.iter().copied());
            assert_eq!((boot.first, boot.last, boot.stored, boot.repeated), (first, last, stored, repeated));
            assert_eq!(boot.missing_ranges, gaps, "{seqs:?}");
            assert_eq!(boot.stored + boot.missing, boot.expected(), "{seqs:?}");
        }
    }

    #[test]
    fn the_first_gaps_are_named_and_all_are_counted() {
        let boot = counted((0..500).map(|i| i * 3));
        assert_eq!((boot.missing, boot.missing_ranges.len()), (499 * 2, MAX_MISSING_RANGES));
        assert_eq!(boot.missing_ranges[..2], [1..=2, 4..=5]);
        assert!(boot.holds(0) && boot.holds(297));
        assert!(!boot.holds(1) && !boot.holds(303) && !boot.holds(1500), "missing, not known, never seen");
        assert!(counted([1, 5]).holds(5));
    }
}
