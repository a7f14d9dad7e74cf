//! PostgreSQL: TimescaleDB's hypertable where the extension is there, else partitions by month.

mod columns;
mod incidents;
mod leases;
mod ledger;
mod migrate;
mod page;
mod partitions;
mod pool;
mod problem;
mod readings;
mod rejections;
mod retention;
mod series;
mod session;
mod trend;
mod url;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use self::pool::Pool;
pub use self::url::{PostgresUrl, PostgresUrlError};
use crate::{
    Batch, Boot, Bucket, History, Incident, Incidents, Latest, Ledger, LedgerQuery, Mail, Page, ReadingQuery,
    ReadingStore, RejectedMessage, Result, TimeRange, Transition, Written,
};

/// A store in a PostgreSQL database. Cheap to clone: clones share the connections.
///
/// Connects when it is called, and brings the schema up to date then; any number of processes may do so at once.
#[derive(Clone, Debug)]
pub struct Timescale {
    pool: Pool,
}

impl Timescale {
    /// Does not connect yet.
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self { pool: Pool::new(url) }
    }
}

#[async_trait]
impl ReadingStore for Timescale {
    /// A reading that the database refuses is kept as a rejection, and counts as one.
    async fn write(&self, batch: &Batch) -> Result<Written> {
        self.pool.call("keep readings", async |s| write::write(s, batch).await).await
    }

    async fn probe(&self) -> Result<()> {
        self.pool.call("probe", async |s| anyhow::Ok(s.client.batch_execute("SELECT 1").await?)).await
    }

    /// Returns how many readings, rejections and incidents were removed.
    ///
    /// Incidents stay while they are open or a mail about them is owed.
    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        retention::purge(&self.pool, older_than).await
    }
}

#[async_trait]
impl History for Timescale {
    async fn latest(&self) -> Result<Vec<Latest>> {
        self.pool.call("read the newest readings", async |s| trend::latest(&s.client).await).await
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
        self.pool
            .call("reduce readings", async |s| trend::buckets(&s.client, device, metric, range, points).await)
            .await
    }

    async fn extent(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        self.pool.call("read an extent", async |s| trend::extent(&s.client, device, metric).await).await
    }

    async fn rejected(&self, limit: usize) -> Result<Vec<RejectedMessage>> {
        self.pool.call("read rejections", async |s| rejections::newest(&s.client, limit).await).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.pool.call("count rejections", async |s| rejections::count(&s.client).await).await
    }
}

#[async_trait]
impl Incidents for Timescale {
    async fn record(&self, transitions: &[Transition]) -> Result<()> {
        let call =
            self.pool.call("record incidents", async |s| incidents::record(&mut s.client, transitions).await);
        call.await
    }

    async fn newest_per_subject(&self) -> Result<Vec<Incident>> {
        let call =
            self.pool.call("read incidents", async |s| incidents::newest_per_subject(&mut s.client).await);
        call.await
    }

    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>> {
        self.pool.call("read incidents", async |s| incidents::newest(&mut s.client, limit).await).await
    }

    async fn owed_mails(&self, limit: usize) -> Result<Vec<(Mail, Incident)>> {
        self.pool.call("read owed mails", async |s| incidents::owed(&mut s.client, limit).await).await
    }

    async fn mail_sent(&self, message_id: &str, at: Timestamp) -> Result<()> {
        self.pool
            .call("mark a mail as sent", async |s| incidents::mail_sent(&s.client, message_id, at).await)
            .await
    }

    async fn hold_outbox(&self, holder: &str, lease: Duration) -> Result<bool> {
        let call =
            self.pool.call("take the outbox", async |s| leases::hold_outbox(&s.client, holder, lease).await);
        call.await
    }

    async fn release_outbox(&self, holder: &str) -> Result<()> {
        let call =
            self.pool.call("release the outbox", async |s| leases::release_outbox(&s.client, holder).await);
        call.await
    }
}

#[async_trait]
impl Ledger for Timescale {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.pool.call("count readings", async |s| ledger::completeness(&s.client, &query).await).await
    }
}
