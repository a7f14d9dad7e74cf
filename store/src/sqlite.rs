//! SQLite: one file, one thread that writes, a few connections that read.

mod columns;
mod incidents;
mod leases;
mod ledger;
mod open;
mod page;
mod readers;
mod readings;
mod rejections;
mod retention;
mod series;
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
    Batch, Boot, Bucket, History, Incident, Incidents, Latest, Ledger, LedgerQuery, Mail, Page, ReadingQuery,
    ReadingStore, RejectedMessage, Result, TimeRange, Transition, Written,
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
    /// Incidents stay while they are open or a mail about them is owed.
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

    async fn rejected(&self, limit: usize) -> Result<Vec<RejectedMessage>> {
        self.readers.read("read rejections", move |tables| rejections::newest(tables, limit)).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.readers.read("count rejections", rejections::count).await
    }
}

#[async_trait]
impl Incidents for Sqlite {
    async fn record(&self, transitions: &[Transition]) -> Result<()> {
        let transitions = transitions.to_vec();
        let record = move |tables: &mut Tables<'_>| incidents::record(tables, &transitions);
        self.writer.change("record incidents", 1, record).await
    }

    async fn newest_per_subject(&self) -> Result<Vec<Incident>> {
        self.readers.read("read incidents", incidents::newest_per_subject).await
    }

    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>> {
        self.readers.read("read incidents", move |tables| incidents::newest(tables, limit)).await
    }

    async fn owed_mails(&self, limit: usize) -> Result<Vec<(Mail, Incident)>> {
        self.readers.read("read owed mails", move |tables| incidents::owed(tables, limit)).await
    }

    async fn mail_sent(&self, message_id: &str, at: Timestamp) -> Result<()> {
        let message_id = message_id.to_owned();
        let mark = move |tables: &mut Tables<'_>| incidents::mail_sent(tables, &message_id, at);
        self.writer.change("mark a mail as sent", 1, mark).await
    }

    async fn hold_outbox(&self, holder: &str, lease: Duration) -> Result<bool> {
        let holder = holder.to_owned();
        let hold = move |tables: &mut Tables<'_>| leases::hold_outbox(tables, &holder, lease);
        self.writer.change("take the outbox", 1, hold).await
    }

    async fn release_outbox(&self, holder: &str) -> Result<()> {
        let holder = holder.to_owned();
        let release = move |tables: &mut Tables<'_>| leases::release_outbox(tables, &holder);
        self.writer.change("release the outbox", 1, release).await
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.readers.read("count readings", move |tables| ledger::completeness(tables, &query)).await
    }
}
