//! What the SQLite store promises, asked of it through its traits alone.

#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod exactly_once;
mod incidents;
mod killed;
mod opening;
mod order;
mod retention;
mod trend;

use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;
use store::{Batch, Cursor, History, ReadingQuery, RejectedMessage, Sqlite, StoredReading, TimeRange};
use telemetry::{Reading, Topic};
use tempfile::TempDir;

const ALL: TimeRange = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };

fn fresh() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&file(&folder)).unwrap();
    (folder, sqlite)
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join(store::FILE)
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

fn reading(topic: &str, micros: i64, value: f64) -> Reading {
    Reading {
        topic: Topic::parse(topic).unwrap(),
        value,
        unit: None,
        measured_at: at(micros),
        received_at: at(1_700_000_000_000_000),
        boot: None,
        seq: None,
    }
}

fn rejected(micros: i64, topic: &str, reason: &str, payload: &'static str) -> RejectedMessage {
    let payload = Bytes::from_static(payload.as_bytes());
    RejectedMessage { received_at: at(micros), topic: topic.into(), reason: reason.into(), payload }
}

fn batch(readings: impl IntoIterator<Item = Reading>) -> Batch {
    Batch { readings: readings.into_iter().collect(), rejected: Vec::new() }
}

/// All that a query asks for, page by page; cursors go through their text, as an API sends them.
async fn all_pages(sqlite: &Sqlite, query: ReadingQuery) -> Vec<StoredReading> {
    let mut readings = Vec::new();
    let mut after = query.after.clone();
    loop {
        let page = sqlite.readings(ReadingQuery { after, ..query.clone() }).await.unwrap();
        assert!(page.readings.len() <= query.limit);
        readings.extend(page.readings);
        let Some(next) = page.next else { return readings };
        after = Some(next.to_string().parse::<Cursor>().unwrap());
    }
}

/// Everything, in order.
async fn everything(sqlite: &Sqlite) -> Vec<Reading> {
    let query = ReadingQuery { device: None, metric: None, range: ALL, limit: 1000, after: None };
    all_pages(sqlite, query).await.into_iter().map(|stored| stored.reading).collect()
}
