//! Readings as rows.

mod aggregate;
mod page;
pub(crate) mod rows;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use telemetry::{Reading, Series};

use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::writer::Tables;
use crate::readings::history::{Bucket, History, Latest, Page, ReadingQuery, TimeRange};
use crate::readings::time_bucket::{Reduced, TimeBuckets};
use crate::readings::write::{Batch, ReadingStore, Written};
use crate::rejections::{self, RejectionQuota};
use crate::retention::{self, RetentionClock};
use crate::rollups::buckets::Readings;
use crate::rollups::{self, RolledUp};
use crate::unavailable::Result;

#[async_trait]
impl ReadingStore for Sqlite {
    async fn write(&self, batch: &Arc<Batch>) -> Result<Written> {
        let batch = batch.clone();
        let rows = batch.rows();
        if rows == 0 {
            // Whether a reading could be stored shows only where something is written: the version that is there.
            let work = |tables: &mut Tables<'_>| {
                let version: i64 =
                    tables.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
                tables.connection.pragma_update(None, "user_version", version)
            };
            self.writer.change("write to the database", 0, work).await?;
            return Ok(Written::default());
        }
        self.writer.change("write readings", rows, move |tables| write::write(tables, &batch)).await
    }

    /// Takes the file's lock, and leaves the disk alone.
    async fn probe(&self) -> Result<()> {
        self.writer.change("probe", 0, |_| Ok(())).await
    }

    /// Returns how many readings, rejections and incidents were removed.
    ///
    /// Incidents stay while they are open, or have a notification that was neither sent nor given up.
    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        retention::sqlite::purge(self, older_than).await
    }

    async fn roll_up(&self, now: Timestamp) -> Result<RolledUp> {
        rollups::roll::roll_up(self, now).await
    }

    async fn keep_quota(&self, quota: RejectionQuota) -> Result<u64> {
        rejections::keep_quota(self, quota).await
    }

    async fn retention_clock(&self) -> Result<Option<RetentionClock>> {
        retention::clock(self).await
    }

    async fn set_retention_clock(&self, clock: RetentionClock) -> Result<()> {
        retention::set_clock(self, clock).await
    }
}

#[async_trait]
impl History for Sqlite {
    async fn latest(&self) -> Result<Vec<Latest>> {
        let now = self.clock.wall();
        self.readers.read("read the newest readings", move |tables| aggregate::latest(tables, now)).await
    }

    async fn readings(&self, query: ReadingQuery) -> Result<Page> {
        self.readers.read("read readings", move |tables| page::read(tables, &query)).await
    }

    async fn buckets(
        &self,
        device: &str,
        metric: &str,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<Bucket>> {
        rollups::buckets::read(self, device, metric, range, points).await
    }

    async fn last(&self, series: &Series, before: Timestamp, limit: usize) -> Result<Vec<Reading>> {
        let series = series.clone();
        self.readers
            .read("read the last readings", move |tables| aggregate::last(tables, &series, before, limit))
            .await
    }

    async fn time_bounds(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        let (device, metric) = (device.to_owned(), metric.to_owned());
        self.readers
            .read("read time bounds", move |tables| aggregate::time_bounds(tables, &device, &metric))
            .await
    }
}

impl Readings for Sqlite {
    const FIRST: i64 = i64::MIN;

    async fn reduce(
        &self,
        series: i64,
        buckets: TimeBuckets,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Reduced)>> {
        let read = move |tables: &Connection| aggregate::reduce_all(tables, series, &buckets, (from, to));
        self.readers.read("reduce readings", read).await
    }
}
