//! PostgreSQL: TimescaleDB's hypertable where the extension is there, else partitions by month.

mod alert_states;
mod columns;
mod copy;
mod decisions;
mod incidents;
mod leases;
mod ledger;
mod messages;
mod migrate;
mod notifications;
mod page;
mod partitions;
mod pool;
mod problem;
mod readings;
mod rejections;
mod retention;
mod series;
mod session;
mod silences;
mod transitions;
mod trend;
mod url;
mod waves;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use self::pool::Pool;
pub use self::url::{PostgresUrl, PostgresUrlError};
use crate::{
    Acknowledgement, Address, AlertState, Attempt, Batch, Boot, Bucket, Changes, Decisions, History,
    Incident, IncidentQuery, Incidents, Latest, Lease, Ledger, LedgerQuery, Notification, OutgoingMessage,
    Page, Postponed, ReadingQuery, ReadingStore, Rejection, RejectionQuery, Rejections, Result, Silence,
    TimeRange, Written,
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
    /// Incidents stay while they are open or somebody is still to be told of them.
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
}

#[async_trait]
impl Rejections for Timescale {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.pool.call("read rejections", async |s| rejections::newest(&s.client, query).await).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.pool.call("count rejections", async |s| rejections::count(&s.client).await).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        self.pool.call("mark a rejection", async |s| rejections::mark_resent(&s.client, id, at).await).await
    }
}

#[async_trait]
impl Incidents for Timescale {
    async fn record(&self, changes: &Changes) -> Result<()> {
        self.pool.call("record incidents", async |s| transitions::record(&mut s.client, changes).await).await
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        self.pool.call("read alert_states", async |s| alert_states::all(&s.client).await).await
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        self.pool.call("read incidents", async |s| incidents::query(&mut s.client, query).await).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.pool.call("count open incidents", async |s| incidents::open_count(&s.client).await).await
    }

    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)> {
        self.pool
            .call("read due notifications", async |s| notifications::due(&mut s.client, now, limit).await)
            .await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        self.pool
            .call("decide on notifications", async |s| decisions::decide(&mut s.client, decisions).await)
            .await
    }

    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>> {
        self.pool
            .call("read queued messages", async |s| messages::queued(&mut s.client, now, limit).await)
            .await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        self.pool.call("read postponed messages", async |s| messages::postponed(&s.client, now).await).await
    }

    async fn queued_count(&self) -> Result<u64> {
        self.pool.call("count owed messages", async |s| messages::queued_count(&s.client).await).await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        self.pool
            .call("mark a message", async |s| messages::tried(&s.client, message_id, attempt).await)
            .await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        self.pool.call("read messages", async |s| messages::since(&s.client, since).await).await
    }

    async fn add_silence(&self, silence: &Silence) -> Result<()> {
        self.pool.call("keep a silence", async |s| silences::add(&s.client, silence).await).await
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        self.pool.call("end a silence", async |s| silences::end(&s.client, id, at).await).await
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        self.pool.call("read silences", async |s| silences::ending_after(&s.client, after).await).await
    }

    async fn acknowledge(&self, incident: &str, by: &Acknowledgement) -> Result<bool> {
        self.pool
            .call("acknowledge an incident", async |s| incidents::acknowledge(&s.client, incident, by).await)
            .await
    }

    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        self.pool
            .call("acquire a lease", async |s| leases::acquire(&s.client, lease, holder, ttl).await)
            .await
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        self.pool
            .call("take over a lease", async |s| leases::take_over(&s.client, lease, holder, ttl).await)
            .await
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        self.pool.call("release a lease", async |s| leases::release(&s.client, lease, holder).await).await
    }
}

#[async_trait]
impl Ledger for Timescale {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.pool.call("count readings", async |s| ledger::completeness(&s.client, &query).await).await
    }
}
