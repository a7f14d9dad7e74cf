//! Writing readings, a batch at a time.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Announcement, Attribute, Reading, UplinkReceipt};

use crate::rejections::{RejectedMessage, RejectionQuota};
use crate::retention::RetentionClock;
use crate::rollups::RolledUp;
use crate::unavailable::Result;

/// Readings, and what came with them, that are stored together or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Readings, in any order.
    pub readings: Vec<Reading>,
    /// Messages, or elements of messages, that are no readings.
    pub rejected: Vec<RejectedMessage>,
    /// What devices announced.
    pub announcements: Vec<Announcement>,
    /// What devices say of themselves in words.
    pub attributes: Vec<Attribute>,
    /// Which numbers of edges the readings have.
    pub uplinks: Vec<UplinkReceipt>,
}

impl Batch {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        let others = self.announcements.len() + self.attributes.len() + self.uplinks.len();
        self.readings.len() + self.rejected.len() + others
    }
}

/// What became of a batch: each of its readings and rejections counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Readings that are new.
    pub stored: u64,
    /// Readings that were stored before, or are twice in this batch.
    pub duplicate: u64,
    /// Rejections of the batch, and readings that the database itself refuses, which are stored as rejections.
    pub rejected: u64,
}

/// Where readings are written.
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// Stores a batch in one transaction; returns when it is on disk.
    ///
    /// Two readings are one when device, metric, measured_at, boot, seq and value agree.
    ///
    /// # Errors
    /// Nothing of the batch was stored: keep it and repeat the call.
    async fn write(&self, batch: &Arc<Batch>) -> Result<Written>;

    /// Checks whether the store can be written to, for a service that has nothing to write now.
    ///
    /// # Errors
    /// Why it cannot.
    async fn probe(&self) -> Result<()>;

    /// Removes what was stored before `older_than`, with the rejections and ended incidents of that time.
    ///
    /// Age counts from when a reading was stored: a replay of old data stays as long as any other.
    ///
    /// # Errors
    /// Some may be left: repeat the call.
    async fn purge(&self, older_than: Timestamp) -> Result<u64>;

    /// Makes a step towards what the readings of each hour and day come to, so that [`History::buckets`] reads quickly what
    /// has passed by `now`. Any number of processes may do this; whether it is done changes no answer.
    ///
    /// # Errors
    /// It is not made: repeat the call.
    ///
    /// [`History::buckets`]: crate::History::buckets
    async fn roll_up(&self, now: Timestamp) -> Result<RolledUp>;

    /// Deletes the oldest rejections where there are more than the quota allows, and returns how many. A tenth more goes
    /// than must, so that the next ones have room.
    ///
    /// # Errors
    /// None is deleted: repeat the call.
    async fn keep_quota(&self, quota: RejectionQuota) -> Result<u64>;

    /// How far retention has come; none before the first time.
    ///
    /// # Errors
    /// It cannot be read now.
    async fn retention_clock(&self) -> Result<Option<RetentionClock>>;

    /// Notes how far retention has come.
    ///
    /// # Errors
    /// It was not noted.
    async fn set_retention_clock(&self, clock: RetentionClock) -> Result<()>;
}
