//! The numbers that an edge gives to what it stores, and what it says of them to the cloud.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::Timestamp;

use crate::number_set::NumberSet;

/// One database of an edge, from when it was made until it is gone: its numbers begin with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalRun(pub u64);

impl fmt::Display for JournalRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for JournalRun {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// Why a number of the journal will never arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gone {
    /// The reading was deleted at the edge before it was sent: by retention, or with its device.
    Deleted,
    /// The cloud's broker refuses the message, even with this reading alone.
    Refused,
}

/// Numbers that will never arrive, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneNumbers {
    /// The numbers.
    pub numbers: RangeInclusive<u64>,
    /// Why.
    pub reason: Gone,
}

/// What an edge says of its journal in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkReport {
    /// Which journal the numbers are of.
    pub run: JournalRun,
    /// The edge's time when it made the batch.
    pub told_at: Timestamp,
    /// The highest number of the journal.
    pub last: u64,
    /// How many numbers had no acknowledgement yet, those of the batch left out.
    pub unsent: u64,
    /// The numbers of the batch's readings.
    pub numbers: NumberSet,
    /// Numbers that will never arrive.
    pub gone: Vec<GoneNumbers>,
}

/// The report of a batch, and of which edge it is: stored in one transaction with the readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkReceipt {
    /// The name of the edge, from the topic.
    pub edge: String,
    /// When the cloud's broker received the batch.
    pub received_at: Timestamp,
    /// What the edge says.
    pub report: UplinkReport,
}
