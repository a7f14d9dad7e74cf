//! Whether all that a device numbered is stored.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Time;

/// What is stored, and what is missing, of the readings between two restarts of a device: a row of
/// `GET /api/completeness`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Boot<'a> {
    /// The device.
    pub device: Cow<'a, str>,
    /// The device's restart counter.
    pub boot: u64,
    /// The lowest number that is stored.
    pub first: u64,
    /// The highest number that is stored.
    pub last: u64,
    /// How many numbers there are from the first to the last.
    pub expected: u64,
    /// How many of them are stored.
    pub stored: u64,
    /// Readings that repeat a number with another metric, time or value.
    pub repeated: u64,
    /// Readings that reached the broker more than a minute after they were measured.
    pub late: u64,
    /// How many numbers are missing.
    pub missing: u64,
    /// First and last number of each range that is missing; the first hundred ranges.
    pub missing_ranges: Vec<(u64, u64)>,
    /// When the oldest of the readings was measured.
    pub oldest_measured_at: Time,
    /// When the newest of the readings was measured.
    pub newest_measured_at: Time,
}

impl<'a> From<&'a store::Boot> for Boot<'a> {
    fn from(boot: &'a store::Boot) -> Self {
        Self {
            device: boot.device.as_str().into(),
            boot: boot.boot,
            first: boot.first,
            last: boot.last,
            expected: boot.expected(),
            stored: boot.stored,
            repeated: boot.repeated,
            late: boot.delayed,
            missing: boot.missing,
            missing_ranges: boot.missing_ranges.iter().map(|range| (*range.start(), *range.end())).collect(),
            oldest_measured_at: boot.oldest_measured_at.into(),
            newest_measured_at: boot.newest_measured_at.into(),
        }
    }
}
