//! Each reading is kept once, each rejection too, and nothing that was acknowledged is missing.

use std::collections::BTreeSet;

use store::{Batch, History, ReadingQuery, ReadingStore, Sqlite, Written};
use telemetry::Reading;
use tokio::task::JoinSet;

use crate::{ALL, all_pages, batch, everything, file, fresh, reading, rejected};

fn written(stored: u64, duplicate: u64, rejected: u64) -> Written {
    Written { stored, duplicate, rejected }
}

#[tokio::test]
async fn a_repeated_reading_is_kept_once() {
    let (folder, sqlite) = fresh();
    let one = batch([reading("temperature/a", 1, 20.0), reading("temperature/b", 1, 20.0)]);
    assert_eq!(sqlite.write(&one).await.unwrap(), written(2, 0, 0));
    assert_eq!(sqlite.write(&one).await.unwrap(), written(0, 2, 0));
    let twice_inside = batch([reading("temperature/c", 1, 20.0), reading("temperature/c", 1, 20.0)]);
    assert_eq!(sqlite.write(&twice_inside).await.unwrap(), written(1, 1, 0));
    sqlite.close().await;
    let sqlite = Sqlite::open(&file(&folder)).unwrap();
    assert_eq!(sqlite.write(&one).await.unwrap(), written(0, 2, 0));
    assert_eq!(everything(&sqlite).await.len(), 3);
    assert_eq!(sqlite.write(&Batch::default()).await.unwrap(), Written::default());
}

#[tokio::test]
async fn readings_that_differ_in_anything_of_the_key_are_two() {
    let (_folder, sqlite) = fresh();
    let base = || reading("temperature/a", 5, 20.0);
    let different = [
        base(),
        reading("temperature/b", 5, 20.0),
        reading("humidity/a", 5, 20.0),
        reading("temperature/a", 6, 20.0),
        reading("temperature/a", -6, 20.0),
        reading("temperature/a", 5, 20.000_000_000_000_004),
        Reading { boot: Some(0), ..base() },
        Reading { seq: Some(0), ..base() },
        Reading { boot: Some(0), seq: Some(0), ..base() },
        Reading { boot: Some(telemetry::MAX_SEQ), seq: Some(telemetry::MAX_SEQ), ..base() },
    ];
    let all = batch(different.clone());
    assert_eq!(sqlite.write(&all).await.unwrap(), written(10, 0, 0));
    assert_eq!(sqlite.write(&all).await.unwrap(), written(0, 10, 0));
    let kept = everything(&sqlite).await;
    for reading in different {
        assert!(kept.contains(&reading), "{reading:?}");
    }
}

#[tokio::test]
async fn a_reading_comes_back_as_it_was_first_given() {
    let (_folder, sqlite) = fresh();
    let first = Reading {
        unit: Some("°C".into()),
        boot: Some(7),
        seq: Some(0),
        ..reading("temperature/a/b", 1, -4.5)
    };
    let again = Reading { unit: None, received_at: crate::at(9), ..first.clone() };
    sqlite.write(&batch([first.clone()])).await.unwrap();
    assert_eq!(sqlite.write(&batch([again])).await.unwrap(), written(0, 1, 0));
    assert_eq!(everything(&sqlite).await, [first]);
}

#[tokio::test]
async fn a_repeated_rejection_is_kept_once_and_still_counted() {
    let (_folder, sqlite) = fresh();
    let messages = vec![
        rejected(1, "temperature/a", "not JSON", "x"),
        rejected(1, "temperature/a", "not JSON", "y"),
        rejected(1, "temperature/a", "not UTF-8", "x"),
        rejected(1, "temperature/b", "not JSON", "x"),
        rejected(2, "temperature/a", "the payload is empty", ""),
    ];
    let bad = Batch { readings: Vec::new(), rejected: messages.clone() };
    assert_eq!(sqlite.write(&bad).await.unwrap(), written(0, 0, 5));
    assert_eq!(sqlite.write(&bad).await.unwrap(), written(0, 0, 5));
    assert_eq!(sqlite.rejected_count().await.unwrap(), 5);
    let newest_first: Vec<_> = messages.into_iter().rev().collect();
    assert_eq!(sqlite.rejected(10).await.unwrap()[0], newest_first[0]);
    assert_eq!(sqlite.rejected(10).await.unwrap(), newest_first);
    assert_eq!(sqlite.rejected(2).await.unwrap(), newest_first[..2]);
    assert_eq!(sqlite.rejected(0).await.unwrap(), []);
}

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all() {
    let (_folder, sqlite) = fresh();
    let good = batch([reading("temperature/a", 1, 1.0)]);
    let bad = Batch {
        readings: vec![reading("temperature/b", 1, 1.0), reading("temperature/b", 2, f64::NAN)],
        rejected: vec![rejected(1, "temperature/b", "not JSON", "x")],
    };
    let (a, failed, c) = tokio::join!(sqlite.write(&good), sqlite.write(&bad), sqlite.write(&good));
    assert_eq!(a.unwrap().stored + c.unwrap().stored, 1);
    assert!(failed.unwrap_err().to_string().starts_with("the store is not available: keep readings: "));
    assert_eq!(everything(&sqlite).await, good.readings);
    assert_eq!(sqlite.rejected_count().await.unwrap(), 0);
}

#[tokio::test]
async fn writes_that_arrive_together_share_commits_and_lose_nothing() {
    const WRITES: i64 = 500;
    let (_folder, sqlite) = fresh();
    let mut writes = JoinSet::new();
    for i in 0..WRITES {
        let sqlite = sqlite.clone();
        let topic = format!("temperature/d{}", i % 7);
        writes.spawn(async move { sqlite.write(&batch([reading(&topic, i, 1.0)])).await.unwrap().stored });
    }
    assert_eq!(writes.join_all().await.into_iter().sum::<u64>(), WRITES as u64);
    let query = ReadingQuery { device: None, metric: None, range: ALL, limit: 1000, after: None };
    let stored = all_pages(&sqlite, query).await;
    let commits: BTreeSet<_> = stored.iter().map(|stored| stored.stored_at).collect();
    assert_eq!(stored.len(), WRITES as usize);
    assert!(commits.len() < WRITES as usize / 2, "{} commits", commits.len());
}
