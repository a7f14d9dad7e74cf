//! The ledger: whether all readings that devices numbered are stored.

mod count;
mod counted;
pub(crate) mod postgres;
pub(crate) mod roll;
pub(crate) mod sqlite;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::time::saturating_add;

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
    /// Counts the readings one by one, without what is known of each hour and day: the same, but slowly.
    pub full: bool,
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

/// Whether a reading counts as delayed.
pub(crate) fn is_delayed(measured_at: Timestamp, received_at: Timestamp) -> bool {
    received_at > saturating_add(measured_at, DELAYED_AFTER)
}
