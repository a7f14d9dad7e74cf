//! Each reading is kept once, each rejection too, and nothing that was acknowledged is missing.

use std::sync::Arc;

use store::{Batch, Written};
use telemetry::Reading;

use super::{at, batch, everything, fresh, newest_rejected, reading, rejected};

fn written(stored: u64, duplicate: u64, rejected: u64) -> Written {
    Written { stored, duplicate, rejected }
}

#[tokio::test]
async fn a_repeated_reading_is_kept_once() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let one = batch([reading("temperature/a", 1, 20.0), reading("temperature/b", 1, 20.0)]);
    assert_eq!(store.write(&one).await.unwrap(), written(2, 0, 0));
    assert_eq!(store.write(&one).await.unwrap(), written(0, 2, 0));
    let twice_inside = batch([reading("temperature/c", 1, 20.0), reading("temperature/c", 1, 20.0)]);
    assert_eq!(store.write(&twice_inside).await.unwrap(), written(1, 1, 0));
    let store = &*fresh.reopened().await;
    assert_eq!(store.write(&one).await.unwrap(), written(0, 2, 0));
    assert_eq!(everything(store).await.len(), 3);
    assert_eq!(store.write(&Batch::default().into()).await.unwrap(), Written::default());
}

#[tokio::test]
async fn readings_that_differ_in_anything_of_the_key_are_two() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
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
    assert_eq!(store.write(&all).await.unwrap(), written(10, 0, 0));
    assert_eq!(store.write(&all).await.unwrap(), written(0, 10, 0));
    let kept = everything(store).await;
    for reading in different {
        assert!(kept.contains(&reading), "{reading:?}");
    }
}

#[tokio::test]
async fn a_reading_comes_back_as_it_was_first_given() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let first = Reading {
        unit: Some("°C".into()),
        boot: Some(7),
        seq: Some(0),
        ..reading("temperature/a/b", 1, -4.5)
    };
    let again = Reading { unit: None, received_at: at(9), ..first.clone() };
    store.write(&batch([first.clone()])).await.unwrap();
    assert_eq!(store.write(&batch([again])).await.unwrap(), written(0, 1, 0));
    assert_eq!(everything(store).await, [first]);
}

#[tokio::test]
async fn a_repeated_rejection_is_kept_once_and_still_counted() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let messages = vec![
        rejected(1, "temperature/a", "not JSON", "x"),
        rejected(1, "temperature/a", "not JSON", "y"),
        rejected(1, "temperature/a", "not UTF-8", "x"),
        rejected(1, "temperature/b", "not JSON", "x"),
        rejected(2, "temperature/a", "the payload is empty", ""),
    ];
    let bad = Arc::new(Batch { rejected: messages.clone(), ..Batch::default() });
    assert_eq!(store.write(&bad).await.unwrap(), written(0, 0, 5));
    assert_eq!(store.write(&bad).await.unwrap(), written(0, 0, 5));
    assert_eq!(store.rejected_count().await.unwrap(), 5);
    let newest_first: Vec<_> = messages.into_iter().rev().collect();
    assert_eq!(newest_rejected(store, 10).await[0], newest_first[0]);
    assert_eq!(newest_rejected(store, 10).await, newest_first);
    assert_eq!(newest_rejected(store, 2).await, newest_first[..2]);
    assert_eq!(newest_rejected(store, 0).await, []);
}
