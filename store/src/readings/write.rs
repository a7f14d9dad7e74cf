//! What db-writer hands over.

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::Reading;

use crate::rejections::RejectedMessage;
use crate::unavailable::Result;

/// Readings and rejections that are kept together or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub readings: Vec<Reading>,
    pub rejected: Vec<RejectedMessage>,
}

/// What became of a batch: each of its readings and rejections counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub stored: u64,
    /// Kept before, or twice in this batch.
    pub duplicate: u64,
    /// Its rejections, and readings that the database itself refuses and that are kept as such.
    pub rejected: u64,
}

/// Where readings are kept.
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// Keeps a batch in one transaction; returns when it is on disk.
    ///
    /// Two readings are one when device, metric, measured_at, boot, seq and value agree.
    ///
    /// # Errors
    /// Nothing of the batch was kept: hold it and repeat the call.
    async fn write(&self, batch: &Batch) -> Result<Written>;

    /// Tells whether the store can be written to, for those who have nothing to write now.
    ///
    /// # Errors
    /// Why it cannot.
    async fn probe(&self) -> Result<()>;

    /// Removes what was stored before `older_than`, with the rejections and ended incidents of that time.
    ///
    /// Age counts from when a reading was stored: a replay of old data is kept as long as any other.
    ///
    /// # Errors
    /// Some may be left: repeat the call.
    async fn purge(&self, older_than: Timestamp) -> Result<u64>;
}
