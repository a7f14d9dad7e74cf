//! Several writers at once lose nothing and keep nothing twice.

use std::sync::Arc;

use store::{IncidentQuery, NotificationKind, ReadingQuery, Written};
use telemetry::Reading;
use tokio::task::JoinSet;

use super::partitions::contract::incidents::{self, opened, record, resolved};
use super::partitions::contract::{ALL, all_pages, batch, everything, reading, rejected};
use super::{Database, Fresh, hypertable, partitions};

const WRITERS: u64 = 4;
const ROUNDS: i64 = 30;

/// Weeks and months apart, so that chunks and partitions are made meanwhile; each round has half of the one before.
fn readings(round: i64) -> Vec<Reading> {
    const WEEK: i64 = 7 * 24 * 3_600_000_000;
    let start = 1_700_000_000_000_000 + round * WEEK;
    let reading = |i: i64| Reading {
        seq: Some(i as u64),
        ..reading(&format!("temperature/d{}", i % 50), start + (i / 50) * WEEK, 1.0)
    };
    (0..100).map(reading).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_the_same_readings_keep_each_once() {
    for fresh in [hypertable::fresh().await, partitions::fresh().await].into_iter().flatten() {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = fresh.reopened().await;
            writers.spawn(async move {
                let mut stored = 0;
                for round in 0..ROUNDS {
                    let mut batch = batch(readings(round));
                    if writer % 2 == 1 {
                        Arc::make_mut(&mut batch).readings.reverse();
                    }
                    Arc::make_mut(&mut batch).rejected =
                        vec![rejected(round, "temperature/a", "not JSON", "x"), rejected(0, "t/a", "r", "y")];
                    let Written { stored: new, duplicate, rejected } = store.write(&batch).await.unwrap();
                    assert_eq!((new + duplicate, rejected), (100, 2));
                    stored += new;
                }
                stored
            });
        }
        let mut expected: Vec<_> = (0..ROUNDS).flat_map(readings).collect();
        expected.sort_by_key(|r| (r.measured_at, r.series.device().to_owned(), r.seq));
        expected.dedup();
        assert_eq!(writers.join_all().await.iter().sum::<u64>(), expected.len() as u64);
        assert_eq!(everything(&*fresh.store).await, expected);
        assert_eq!(fresh.store.rejected_count().await.unwrap(), ROUNDS as u64 + 1);
        // Each would have cost a second.
        const DEADLOCKS: &str =
            "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(fresh.database.texts(DEADLOCKS).await, ["0"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_connections_wait_for_their_turn() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    let mut calls = JoinSet::new();
    for i in 0..100 {
        let store = store.clone();
        calls.spawn(
            async move { store.write(&batch([reading("temperature/a", i, 1.0)])).await.unwrap().stored },
        );
    }
    assert_eq!(calls.join_all().await.iter().sum::<u64>(), 100);
    let connections = format!("SELECT pid::text FROM pg_stat_activity WHERE usename = '{}'", database.name());
    assert!(database.texts(&connections).await.len() <= 4);
    let query = ReadingQuery {
        device: None,
        metric: None,
        range: ALL,
        limit: 7,
        after: None,
        scope: telemetry::Scope::all(),
    };
    assert_eq!(all_pages(&*store, query).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_make_the_schema_at_once_all_succeed() {
    for database in [Database::create().await, Database::with_timescaledb().await].into_iter().flatten() {
        let mut calls = JoinSet::new();
        for i in 0..10 {
            let store = database.store();
            calls
                .spawn(async move { store.write(&batch([reading("temperature/a", i, 1.0)])).await.unwrap() });
        }
        calls.join_all().await;
        assert_eq!(everything(&*database.store()).await.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerters_that_judge_the_same_at_once_tell_it_once() {
    const INCIDENTS: i64 = 2000;
    let Some(fresh) = partitions::fresh().await else { return };
    let id = |i: i64| format!("i{i}");
    let open: Vec<_> = (0..INCIDENTS).map(|i| opened(&id(i), "a", i)).collect();
    let end: Vec<_> = (0..INCIDENTS).map(|i| resolved(&id(i), i)).collect();
    let mut alerters = JoinSet::new();
    for alerter in 0..4 {
        let (store, mut open, mut end) = (fresh.reopened().await, open.clone(), end.clone());
        if alerter % 2 == 1 {
            open.reverse();
            end.reverse();
        }
        alerters.spawn(async move {
            record(&*store, &open).await;
            record(&*store, &end).await;
        });
    }
    alerters.join_all().await;
    let query = IncidentQuery { limit: usize::MAX, ..incidents::all_incidents() };
    let kept = fresh.store.incidents(&query).await.unwrap();
    assert_eq!(kept.len(), INCIDENTS as usize);
    for incident in kept {
        let kinds: Vec<_> = incident.notifications.iter().map(|notification| notification.kind).collect();
        assert_eq!(kinds, [NotificationKind::Opened, NotificationKind::Resolved]);
    }
}
