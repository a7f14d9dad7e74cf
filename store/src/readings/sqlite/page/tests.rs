use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::StatementStatus;
use telemetry::{Reading, Series};

use super::merge::{HEADS, rows_sql};
use super::*;
use crate::Sqlite;
use crate::readings::history::TimeRange;
use crate::readings::write::{Batch, ReadingStore};

const SERIES: usize = 2_000;
const READINGS: usize = 10;

/// Many series that publish side by side, each a microsecond after the one before.
async fn many_series(path: &std::path::Path) {
    let store = Sqlite::open(path).unwrap();
    let reading = |number: usize| Reading {
        series: Series::new("temperature", &format!("d{:04}", number % SERIES)).unwrap(),
        value: 1.0,
        unit: None,
        measured_at: Timestamp::from_microsecond(number as i64).unwrap(),
        received_at: Timestamp::UNIX_EPOCH,
        boot: None,
        seq: None,
    };
    let readings = (0..SERIES * READINGS).map(reading).collect();
    store.write(&Arc::new(Batch { readings, ..Batch::default() })).await.unwrap();
    store.close().await;
}

/// Steps that the virtual machine has made for pages on this connection since they were last asked for.
fn steps(connection: &Connection) -> usize {
    let of = |sql: &str| {
        let steps = connection.prepare_cached(sql).unwrap().reset_status(StatementStatus::VmStep);
        usize::try_from(steps).unwrap()
    };
    of(HEADS) + of(&rows_sql())
}

fn query(limit: usize) -> ReadingQuery {
    let range = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
    ReadingQuery { device: None, metric: None, range, limit, after: None, scope: telemetry::Scope::all() }
}

/// Neither the rows behind a page cost anything, nor those of each series before the next one is due.
#[tokio::test]
async fn a_page_costs_what_it_returns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    many_series(&path).await;
    let connection = Connection::open(&path).unwrap();
    for (limit, max_steps) in [
        (1, 30 * SERIES),
        (1_000, 30 * SERIES + 75 * 1_000),
        (SERIES * READINGS, 30 * SERIES + 30 * SERIES * READINGS),
    ] {
        let page = read(&connection, &query(limit)).unwrap();
        assert_eq!(page.readings.len(), limit);
        let steps = steps(&connection);
        assert!(steps <= max_steps, "{limit} readings: {steps} steps, of at most {max_steps}");
    }
    let alone = ReadingQuery { device: Some("d0007".into()), ..query(10) };
    assert_eq!(read(&connection, &alone).unwrap().readings.len(), 10);
    let steps = steps(&connection);
    assert!(steps <= 10 * SERIES + 1_000, "one series: {steps}");
}
