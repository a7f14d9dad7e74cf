//! PostgreSQL: TimescaleDB's hypertable where the extension is there, else partitions by month.

mod columns;
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
use crate::*;

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
    async fn record(&self, _: &Changes) -> Result<()> { Err(not_yet()) }
    async fn standings(&self) -> Result<Vec<Standing>> { Err(not_yet()) }
    async fn incidents(&self, _: &IncidentQuery) -> Result<Vec<Incident>> { Err(not_yet()) }
    async fn due_notices(&self, _: Timestamp, _: usize) -> Result<(Vec<(Notice, Incident)>, Option<Timestamp>)> { Err(not_yet()) }
    async fn decide(&self, _: &Decisions) -> Result<()> { Err(not_yet()) }
    async fn owed_messages(&self, _: Timestamp, _: usize) -> Result<Vec<Message>> { Err(not_yet()) }
    async fn owed_count(&self) -> Result<u64> { Err(not_yet()) }
    async fn message_tried(&self, _: &str, _: &Tried) -> Result<()> { Err(not_yet()) }
    async fn messages_since(&self, _: Timestamp) -> Result<Vec<(Address, Timestamp)>> { Err(not_yet()) }
    async fn add_silence(&self, _: &Silence) -> Result<()> { Err(not_yet()) }
    async fn end_silence(&self, _: &str, _: Timestamp) -> Result<bool> { Err(not_yet()) }
    async fn silences(&self, _: Timestamp) -> Result<Vec<Silence>> { Err(not_yet()) }
    async fn acknowledge(&self, _: &str, _: &Acknowledgement) -> Result<bool> { Err(not_yet()) }
    async fn hold(&self, _: Right, _: &str, _: Duration) -> Result<bool> { Err(not_yet()) }
    async fn seize(&self, _: Right, _: &str, _: Duration) -> Result<()> { Err(not_yet()) }
    async fn release(&self, _: Right, _: &str) -> Result<()> { Err(not_yet()) }
}

fn not_yet() -> crate::Unavailable { anyhow::anyhow!("not yet").into() }

#[async_trait]
impl Ledger for Timescale {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.pool.call("count readings", async |s| ledger::completeness(&s.client, &query).await).await
    }
}
