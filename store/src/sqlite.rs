//! SQLite: one file, one thread that writes, a few connections that read.

mod alert_states;
mod columns;
mod incidents;
mod leases;
mod ledger;
mod messages;
mod notifications;
mod open;
mod page;
mod readers;
mod readings;
mod rejections;
mod retention;
mod series;
mod silences;
mod transitions;
mod trend;
mod writer;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use self::readers::Readers;
use self::writer::{Tables, Writer};
use crate::{
    Acknowledgement, Address, AlertState, Attempt, Batch, Boot, Bucket, Changes, Decisions, History,
    Incident, IncidentQuery, Incidents, Latest, Lease, Ledger, LedgerQuery, Notification, OutgoingMessage,
    Page, Postponed, ReadingQuery, ReadingStore, Rejection, RejectionQuery, Rejections, Result, Silence,
    TimeRange, Written,
};

/// A store in one file. Cheap to clone: clones share the writer.
///
/// Writes that arrive while others are being committed are committed together: the more there are, the less each costs.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its schema up to date. Its folder must exist.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it; nothing was changed.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = open::create(path)?;
        Ok(Self { writer: Writer::start(connection, path)?, readers: Readers::new(path) })
    }

    /// Finishes the writes that have been asked for and leaves one tidy file; other clones can write no more.
    ///
    /// Nothing is lost if this is not called.
    pub async fn close(self) {
        self.readers.close_idle();
        self.writer.close().await;
    }
}

#[async_trait]
impl ReadingStore for Sqlite {
    async fn write(&self, batch: &Batch) -> Result<Written> {
        let batch = batch.clone();
        let rows = batch.readings.len() + batch.rejected.len();
        self.writer.change("keep readings", rows, move |tables| readings::keep(tables, &batch)).await
    }

    /// Takes the file's lock, and leaves the disk alone.
    async fn probe(&self) -> Result<()> {
        self.writer.change("probe", 0, |_| Ok(())).await
    }

    /// Returns how many readings, rejections and incidents were removed.
    ///
    /// Incidents stay while they are open or somebody is still to be told of them.
    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        retention::purge(self, older_than).await
    }
}

#[async_trait]
impl History for Sqlite {
    async fn latest(&self) -> Result<Vec<Latest>> {
        self.readers.read("read the newest readings", trend::latest).await
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
        let (device, metric) = (device.to_owned(), metric.to_owned());
        let read = move |tables: &Connection| trend::buckets(tables, &device, &metric, range, points);
        self.readers.read("reduce readings", read).await
    }

    async fn extent(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        let (device, metric) = (device.to_owned(), metric.to_owned());
        self.readers.read("read an extent", move |tables| trend::extent(tables, &device, &metric)).await
    }
}

#[async_trait]
impl Rejections for Sqlite {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.readers.read("read rejections", move |tables| rejections::newest(tables, query)).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.readers.read("count rejections", rejections::count).await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        let mark = move |tables: &mut Tables<'_>| rejections::mark_resent(tables, id, at);
        self.writer.change("mark a rejection", 1, mark).await
    }
}

#[async_trait]
impl Incidents for Sqlite {
    async fn record(&self, changes: &Changes) -> Result<()> {
        let changes = changes.clone();
        let rows = changes.transitions.len() + changes.alert_states.len();
        let record = move |tables: &mut Tables<'_>| transitions::record(tables, &changes);
        self.writer.change("record incidents", rows, record).await
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        self.readers.read("read alert_states", alert_states::all).await
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        let query = query.clone();
        self.readers.read("read incidents", move |tables| incidents::query(tables, &query)).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.readers.read("count open incidents", incidents::open_count).await
    }

    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)> {
        self.readers
            .read("read due notifications", move |tables| notifications::due(tables, now, limit))
            .await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        let decisions = decisions.clone();
        let rows = decisions.messages.iter().map(|message| message.notifications.len()).sum();
        let decide = move |tables: &mut Tables<'_>| notifications::decide(tables, &decisions);
        self.writer.change("decide on notifications", rows, decide).await
    }

    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>> {
        self.readers.read("read queued messages", move |tables| messages::queued(tables, now, limit)).await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        self.readers.read("read postponed messages", move |tables| messages::postponed(tables, now)).await
    }

    async fn queued_count(&self) -> Result<u64> {
        self.readers.read("count owed messages", messages::queued_count).await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        let (message_id, attempt) = (message_id.to_owned(), attempt.clone());
        let mark = move |tables: &mut Tables<'_>| messages::tried(tables, &message_id, &attempt);
        self.writer.change("mark a message", 1, mark).await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        self.readers.read("read messages", move |tables| messages::since(tables, since)).await
    }

    async fn add_silence(&self, silence: &Silence) -> Result<()> {
        let silence = silence.clone();
        let add = move |tables: &mut Tables<'_>| silences::add(tables, &silence);
        self.writer.change("keep a silence", 1, add).await
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        let id = id.to_owned();
        let end = move |tables: &mut Tables<'_>| silences::end(tables, &id, at);
        self.writer.change("end a silence", 1, end).await
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        self.readers.read("read silences", move |tables| silences::ending_after(tables, after)).await
    }

    async fn acknowledge(&self, incident: &str, acknowledgement: &Acknowledgement) -> Result<bool> {
        let (incident, acknowledgement) = (incident.to_owned(), acknowledgement.clone());
        let note = move |tables: &mut Tables<'_>| incidents::acknowledge(tables, &incident, &acknowledgement);
        self.writer.change("acknowledge an incident", 1, note).await
    }

    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        let holder = holder.to_owned();
        let acquire = move |tables: &mut Tables<'_>| leases::acquire(tables, lease, &holder, ttl);
        self.writer.change("acquire a lease", 1, acquire).await
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        let holder = holder.to_owned();
        let take_over = move |tables: &mut Tables<'_>| leases::take_over(tables, lease, &holder, ttl);
        self.writer.change("take over a lease", 1, take_over).await
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        let holder = holder.to_owned();
        let release = move |tables: &mut Tables<'_>| leases::release(tables, lease, &holder);
        self.writer.change("release a lease", 1, release).await
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.readers.read("count readings", move |tables| ledger::completeness(tables, &query)).await
    }
}
