//! Whether all that the devices numbered has been stored.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::readings::history::TimeRange;
use crate::unavailable::Result;

/// A reading that the broker took longer after it was measured than this is late.
pub const LATE: Duration = Duration::from_secs(60);

/// TimeBuckets of missing numbers that are named for one boot, at most.
pub const MAX_MISSING_RANGES: usize = 100;

/// Which readings to count.
#[derive(Debug, Clone)]
pub struct LedgerQuery {
    /// All devices where none is named.
    pub device: Option<String>,
    /// Of `measured_at`.
    pub range: TimeRange,
}

/// What is stored of the numbers that a device gave its readings between two of its starts, over all metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    pub device: String,
    pub boot: u64,
    /// The lowest number that is stored.
    pub first: u64,
    /// The highest number that is stored.
    pub last: u64,
    /// Different numbers.
    pub stored: u64,
    /// Readings beyond these: a number that is stored again with another metric, time or value.
    pub repeated: u64,
    /// Readings that the broker took more than [`LATE`] after they were measured.
    pub late: u64,
    /// Numbers between the first and the last that are not stored.
    pub missing: u64,
    /// Where these are: the first [`MAX_MISSING_RANGES`] buckets.
    pub missing_ranges: Vec<RangeInclusive<u64>>,
    pub newest_measured_at: Timestamp,
}

impl Boot {
    /// Numbers from the first to the last: `stored + missing`.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether this number is known to be stored: behind the last range that is named, none is where more are missing.
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

/// Proof of what is there.
///
/// # Errors
/// The store cannot be read now; tell the asker to come again.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Every boot of every device, by device and boot; readings without `boot` or `seq` are in none.
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>>;
}

/// The numbers of one boot as they come by, in order.
pub(crate) struct Tally(Boot);

impl Tally {
    pub(crate) fn start(device: &str, boot: u64, seq: u64, measured_at: Timestamp, late: bool) -> Self {
        Self(Boot {
            device: device.into(),
            boot,
            first: seq,
            last: seq,
            stored: 1,
            repeated: 0,
            late: late.into(),
            missing: 0,
            missing_ranges: Vec::new(),
            newest_measured_at: measured_at,
        })
    }

    pub(crate) fn boot(&self) -> u64 {
        self.0.boot
    }

    /// Counts one more reading, whose number is not below those before it.
    pub(crate) fn add(&mut self, seq: u64, measured_at: Timestamp, late: bool) {
        let boot = &mut self.0;
        boot.late += u64::from(late);
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

    fn tally(seqs: impl IntoIterator<Item = u64>) -> Boot {
        let mut seqs = seqs.into_iter();
        let mut tally = Tally::start("a", 7, seqs.next().unwrap(), Timestamp::UNIX_EPOCH, false);
        for seq in seqs {
            tally.add(seq, Timestamp::UNIX_EPOCH, false);
        }
        tally.finish()
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
            let boot = tally(seqs.iter().copied());
            assert_eq!((boot.first, boot.last, boot.stored, boot.repeated), (first, last, stored, repeated));
            assert_eq!(boot.missing_ranges, gaps, "{seqs:?}");
            assert_eq!(boot.stored + boot.missing, boot.expected(), "{seqs:?}");
        }
    }

    #[test]
    fn the_first_gaps_are_named_and_all_are_counted() {
        let boot = tally((0..500).map(|i| i * 3));
        assert_eq!((boot.missing, boot.missing_ranges.len()), (499 * 2, MAX_MISSING_RANGES));
        assert_eq!(boot.missing_ranges[..2], [1..=2, 4..=5]);
        assert!(boot.holds(0) && boot.holds(297));
        assert!(!boot.holds(1) && !boot.holds(303) && !boot.holds(1500), "missing, not known, never seen");
        assert!(tally([1, 5]).holds(5));
    }
}
