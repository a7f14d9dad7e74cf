//! SQLite: one file, one thread that writes, a few connections that read.

mod columns;
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
use self::writer::Writer;
use crate::*;

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
impl Ledger for Sqlite {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.readers.read("count readings", move |tables| ledger::completeness(tables, &query)).await
    }
}
