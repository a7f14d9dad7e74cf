//! Batches that are copied in, or would be but for what is in them, are counted and kept exactly.

use std::sync::Arc;

use std::collections::BTreeSet;

use jiff::Timestamp;
use store::{Batch, ReadingQuery, Written};
use telemetry::Reading;
use tokio::task::JoinSet;

use super::partitions::contract::{ALL, all_pages, batch, everything, reading, rejected};
use super::{Fresh, hypertable, partitions};

const START: i64 = 1_700_000_000_000_000;

async fn both() -> Vec<Fresh> {
    [hypertable::fresh().await, partitions::fresh().await].into_iter().flatten().collect()
}

fn written(stored: u64, duplicate: u64, rejected: u64) -> Written {
    Written { stored, duplicate, rejected }
}

/// Readings of 50 devices by number.
fn readings(numbers: std::ops::Range<i64>) -> Vec<Reading> {
    let unit = |i: i64| (i % 3 > 0).then(|| if i % 3 == 1 { "°C".into() } else { "celsius".into() });
    let reading = |i: i64| Reading {
        unit: unit(i),
        boot: (i % 2 == 0).then_some(1),
        seq: (i % 5 > 0).then_some(i as u64),
        ..reading(&format!("temperature/d{}", i % 50), START + i, i as f64 / 7.0 - 100.0)
    };
    numbers.map(reading).collect()
}

/// As the store gives them back.
fn in_order(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_by_key(|reading| (reading.measured_at, reading.series.device().to_owned()));
    readings
}

#[tokio::test]
async fn a_large_batch_is_kept_once_and_counted_exactly() {
    for Fresh { store, database: _database } in both().await {
        let before = Timestamp::now();
        let all = readings(0..10_000);
        let mut large = batch(all.iter().chain(&all[..10]).cloned());
        Arc::make_mut(&mut large).rejected.push(rejected(1, "temperature/a", "not JSON", "x"));
        assert_eq!(store.write(&large).await.unwrap(), written(10_000, 10, 1));
        assert_eq!(everything(&*store).await, all);
        let query = ReadingQuery {
            device: None,
            metric: None,
            range: ALL,
            limit: 1000,
            after: None,
            scope: telemetry::Scope::all(),
        };
        let stored_at: BTreeSet<_> =
            all_pages(&*store, query).await.into_iter().map(|stored| stored.stored_at).collect();
        let times = before - jiff::SignedDuration::from_mins(1)..Timestamp::now();
        assert_eq!(stored_at.len(), 1, "one transaction, one time");
        assert!(stored_at.iter().all(|time| times.contains(time)), "{stored_at:?}");
        assert_eq!(store.write(&large).await.unwrap(), written(0, 10_010, 1));
        let mixed = batch(readings(9_000..10_500));
        assert_eq!(store.write(&mixed).await.unwrap(), written(500, 1_000, 0));
        assert_eq!(store.write(&batch(readings(10_500..11_000))).await.unwrap(), written(500, 0, 0));
        assert_eq!(everything(&*store).await, readings(0..11_000));
    }
}

#[tokio::test]
async fn zero_is_one_value_and_the_first_given_stays() {
    for Fresh { store, database: _database } in both().await {
        let first = Reading { unit: Some("first".into()), ..reading("temperature/z", START, -0.0) };
        let again = Reading { unit: Some("second".into()), ..reading("temperature/z", START, 0.0) };
        let others = readings(1..1_000);
        let all = batch(others.iter().chain([&first, &again]).cloned());
        assert_eq!(store.write(&all).await.unwrap(), written(1_000, 1, 0));
        let kept = everything(&*store).await;
        assert_eq!((&kept[0], kept[0].value.to_bits()), (&first, (-0.0_f64).to_bits()));
        assert_eq!(kept[1..], others);
        let next = batch(readings(1_000..2_000).into_iter().chain([again]));
        assert_eq!(store.write(&next).await.unwrap(), written(1_000, 1, 0));
    }
}

/// The first of two equal ones is refused, so that the second is not a duplicate.
#[tokio::test]
async fn a_reading_that_equals_a_refused_one_is_kept() {
    for Fresh { store, database: _database } in both().await {
        let good = readings(0..1_000);
        let refused = Reading { unit: Some("\0".into()), ..good[500].clone() };
        let all = batch([refused.clone()].into_iter().chain(good.clone()).chain([refused]));
        assert_eq!(store.write(&all).await.unwrap(), written(1_000, 0, 2));
        assert_eq!(everything(&*store).await, good);
    }
}

/// Half of each batch is that of the next writer too, and all are weeks apart, so that chunks are made meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_large_batches_that_overlap_keep_each_reading_once() {
    const WRITERS: i64 = 4;
    const ROUNDS: i64 = 6;
    const HALF: i64 = 500;
    const WEEK: i64 = 7 * 24 * 3_600_000_000;
    let weekly = |numbers| -> Vec<Reading> {
        let apart = |(i, reading): (i64, Reading)| {
            let moved = jiff::SignedDuration::from_micros(i % 5 * WEEK);
            Reading { measured_at: reading.measured_at + moved, ..reading }
        };
        (0..).zip(readings(numbers)).map(apart).collect()
    };
    for fresh in both().await {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = fresh.reopened().await;
            writers.spawn(async move {
                let mut stored = 0;
                for round in 0..ROUNDS {
                    let first = (round * WRITERS + writer) * HALF;
                    let mut batch = batch(weekly(first..first + 2 * HALF));
                    if writer % 2 == 1 {
                        Arc::make_mut(&mut batch).readings.reverse();
                    }
                    let written = store.write(&batch).await.unwrap();
                    assert_eq!((written.stored + written.duplicate, written.rejected), (2 * HALF as u64, 0));
                    stored += written.stored;
                }
                stored
            });
        }
        let expected = weekly(0..(ROUNDS * WRITERS + 1) * HALF);
        assert_eq!(writers.join_all().await.iter().sum::<u64>(), expected.len() as u64);
        assert_eq!(everything(&*fresh.store).await, in_order(expected));
    }
}

#[tokio::test]
async fn duplicates_are_expected_after_duplicates() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    store.probe().await.unwrap();
    database
        .run("ALTER TABLE readings ADD way text; ALTER TABLE readings ALTER way SET DEFAULT current_query()")
        .await;
    let ways = async || {
        let select = "SELECT split_part(btrim(way, E' \\n'), ' ', 1) FROM readings ORDER BY measured_at";
        let mut ways = database.texts(select).await;
        ways.dedup();
        ways
    };
    let write = async |first: i64, last: i64| store.write(&batch(readings(first..last))).await.unwrap();
    let zeros = [-0.0, 0.0].map(|zero| reading("temperature/z", START, zero));
    let repeated = batch(readings(0..1_000).into_iter().chain(readings(990..1_000)).chain(zeros));
    assert_eq!(store.write(&repeated).await.unwrap(), written(1_001, 11, 0));
    assert_eq!(ways().await, ["COPY"], "what is twice in a batch is left out");
    assert_eq!(write(999, 2_000).await, written(1_000, 1, 0));
    assert_eq!(write(1_999, 3_000).await, written(1_000, 1, 0));
    write(3_000, 4_000).await;
    assert_eq!(ways().await, ["COPY", "INSERT"]);
    write(4_000, 5_000).await;
    assert_eq!(ways().await, ["COPY", "INSERT", "COPY"]);
    let rows = database.texts("SELECT count(*)::text FROM readings WHERE way LIKE '%COPY%'").await;
    assert_eq!(rows, ["2001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_after_a_copy_has_kept_nothing_of_it() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    store.probe().await.unwrap();
    let both = Arc::new(Batch {
        readings: readings(0..1_000),
        rejected: vec![rejected(1, "temperature/b", "not JSON", "x")],
        ..Batch::default()
    });
    database.cut_while_writing(&store, &both).await;
    assert_eq!(everything(&*store).await.len(), 0);
    assert_eq!(store.write(&both).await.unwrap(), written(1_000, 0, 1));
}
