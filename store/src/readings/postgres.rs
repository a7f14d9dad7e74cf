//! Readings as rows.

mod aggregate;
mod copy;
mod page;
mod partitions;
mod rows;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Reading, Series};

use crate::engine::postgres::Postgres;
use crate::engine::postgres::columns::FIRST_MICROS;
use crate::readings::history::{Bucket, History, Latest, Page, ReadingQuery, TimeRange};
use crate::readings::time_bucket::{Reduced, TimeBuckets};
use crate::readings::write::{Batch, ReadingStore, Written};
use crate::rejections::{self, RejectionQuota};
use crate::retention::{self, RetentionClock};
use crate::rollups::buckets::Readings;
use crate::rollups::{self, RolledUp};
use crate::unavailable::Result;

#[async_trait]
impl ReadingStore for Postgres {
    /// A reading that the database refuses is stored as a rejection, and counts as one.
    async fn write(&self, batch: &Arc<Batch>) -> Result<Written> {
        self.pool.call("write readings", async |s| write::write(s, batch).await).await
    }

    async fn probe(&self) -> Result<()> {
        self.pool.call("probe", async |s| anyhow::Ok(s.client.batch_execute("SELECT 1").await?)).await
    }

    /// Returns how many readings, rejections and incidents were removed.
    ///
    /// Incidents stay while they are open, or have a notification that was neither sent nor given up.
    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        retention::postgres::purge(self, older_than).await
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
impl History for Postgres {
    async fn latest(&self) -> Result<Vec<Latest>> {
        let now = self.clock.wall();
        self.pool.call("read the newest readings", async |s| aggregate::latest(&s.client, now).await).await
    }

    async fn readings(&self, query: ReadingQuery) -> Result<Page> {
        self.pool.call("read readings", async |s| page::read(&s.client, &query).await).await
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
        self.pool
            .call("read the last readings", async |s| aggregate::last(&s.client, series, before, limit).await)
            .await
    }

    async fn time_bounds(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        self.pool
            .call("read time bounds", async |s| aggregate::time_bounds(&s.client, device, metric).await)
            .await
    }
}

impl Readings for Postgres {
    const FIRST: i64 = FIRST_MICROS;

    async fn reduce(
        &self,
        series: i64,
        buckets: TimeBuckets,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Reduced)>> {
        self.pool
            .call("reduce readings", async |s| {
                aggregate::reduce(&s.client, series, &buckets, (from, to)).await
            })
            .await
    }
}
