//! Writes that arrive together are one commit, in which each stands or falls by itself.

use std::sync::Arc;

use std::collections::BTreeSet;

use store::{Batch, ReadingQuery, ReadingStore, Rejections};
use tokio::task::JoinSet;

use crate::contract::{ALL, all_pages, batch, everything, reading, rejected};
use crate::open;

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all() {
    let (_folder, sqlite) = open();
    let good = batch([reading("temperature/a", 1, 1.0)]);
    let bad = Arc::new(Batch {
        readings: vec![reading("temperature/b", 1, 1.0), reading("temperature/b", 2, f64::NAN)],
        rejected: vec![rejected(1, "temperature/b", "not JSON", "x")],
        ..Batch::default()
    });
    let (a, failed, c) = tokio::join!(sqlite.write(&good), sqlite.write(&bad), sqlite.write(&good));
    assert_eq!(a.unwrap().stored + c.unwrap().stored, 1);
    assert!(failed.unwrap_err().to_string().starts_with("the store is not available: write readings: "));
    assert_eq!(everything(&sqlite).await, good.readings);
    assert_eq!(sqlite.rejected_count().await.unwrap(), 0);
}

#[tokio::test]
async fn writes_that_arrive_together_share_commits_and_lose_nothing() {
    const WRITES: i64 = 500;
    let (_folder, sqlite) = open();
    let mut writes = JoinSet::new();
    for i in 0..WRITES {
        let sqlite = sqlite.clone();
        let topic = format!("temperature/d{}", i % 7);
        writes.spawn(async move { sqlite.write(&batch([reading(&topic, i, 1.0)])).await.unwrap().stored });
    }
    assert_eq!(writes.join_all().await.into_iter().sum::<u64>(), WRITES as u64);
    let query = ReadingQuery {
        device: None,
        metric: None,
        range: ALL,
        limit: 1000,
        after: None,
        scope: telemetry::Scope::all(),
    };
    let stored = all_pages(&sqlite, query).await;
    let commits: BTreeSet<_> = stored.iter().map(|stored| stored.stored_at).collect();
    assert_eq!(stored.len(), WRITES as usize);
    assert!(commits.len() < WRITES as usize / 2, "{} commits", commits.len());
}
