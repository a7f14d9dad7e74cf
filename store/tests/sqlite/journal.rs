//! The journal of an edge: each new reading has a number, and can be read by it.

use jiff::Timestamp;
use rusqlite::Connection;
use store::{
    AccessStore, Change, Journal, JournalProgress, Journals, Lifecycle, ReadingStore, Renaming, Sqlite,
};
use telemetry::{NumberSet, Reading};

use crate::contract::registry::record;
use crate::contract::{at, batch, reading};
use crate::{file, open};

async fn numbers(store: &Sqlite) -> Vec<(u64, String)> {
    let last = store.last_number().await.unwrap();
    let found = store.journaled(1..=last).await.unwrap();
    found.readings.iter().map(|(number, reading)| (*number, reading.series.to_string())).collect()
}

fn some(topic: &str, range: std::ops::Range<i64>) -> Vec<Reading> {
    range.map(|second| reading(topic, second, second as f64)).collect()
}

#[tokio::test]
async fn only_new_readings_get_numbers_and_only_while_there_is_a_journal() {
    let (folder, store) = open();
    store.write(&batch(some("temperature/a", 0..3))).await.unwrap();
    assert_eq!(store.last_number().await.unwrap(), 0);
    let run = store.start_journal().await.unwrap();
    store.write(&batch(some("temperature/a", 2..5))).await.unwrap();
    store.write(&batch(some("co2/b", 0..1))).await.unwrap();
    store.stop_journal().await.unwrap();
    store.write(&batch(some("co2/b", 1..9))).await.unwrap();
    store.close().await;

    let store = Sqlite::open(&file(&folder)).unwrap();
    assert_eq!(store.start_journal().await.unwrap(), run, "the run is that of the database");
    store.write(&batch(some("co2/c", 0..1))).await.unwrap();
    let expected = [(1, "temperature/a"), (2, "temperature/a"), (3, "co2/b"), (4, "co2/c")];
    assert_eq!(numbers(&store).await, expected.map(|(number, topic)| (number, topic.to_owned())));
    let (_other, other) = open();
    assert_ne!(other.start_journal().await.unwrap(), run, "another database is another run");
}

#[tokio::test]
async fn any_range_is_read_however_the_readings_came() {
    let (_folder, store) = open();
    store.start_journal().await.unwrap();
    let all = some("temperature/a", 0..5_000);
    let mut rest = &all[..];
    for size in [1, 1, 1, 700, 1, 2_500, 3, 1_000_000] {
        let (now, later) = rest.split_at(size.min(rest.len()));
        store.write(&batch(now.to_vec())).await.unwrap();
        rest = later;
    }
    for range in [1..=5_000, 1..=1, 3..=4, 700..=710, 1_700..=3_204, 4_999..=5_000] {
        let found = store.journaled(range.clone()).await.unwrap();
        let expected: Vec<_> = range.map(|number| (number, all[number as usize - 1].clone())).collect();
        assert!(found.deleted.is_empty() && found.readings == expected);
    }
}

#[tokio::test]
async fn a_change_that_is_rolled_back_takes_no_number() {
    let (folder, store) = open();
    store.start_journal().await.unwrap();
    store.write(&batch(some("temperature/a", 0..2))).await.unwrap();
    let other = Connection::open(file(&folder)).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON journal_progress BEGIN SELECT raise(ROLLBACK, 'full'); END",
        )
        .unwrap();
    let progress = JournalProgress { done: NumberSet::from_iter([1..=2]), ..JournalProgress::default() };
    store.set_journal_progress(progress).await.unwrap_err();
    store.write(&batch(some("temperature/a", 2..4))).await.unwrap();
    assert_eq!(numbers(&store).await.len(), 4);
    assert_eq!(store.last_number().await.unwrap(), 4);
}

#[tokio::test]
async fn what_retention_deleted_is_told_as_deleted_and_numbers_go_on() {
    let (_folder, store) = open();
    store.start_journal().await.unwrap();
    store.write(&batch(some("temperature/a", 0..2_500))).await.unwrap();
    let later = Timestamp::from_second(i64::from(u32::MAX)).unwrap();
    assert_eq!(store.purge(later).await.unwrap(), 2_500);
    let found = store.journaled(1..=2_500).await.unwrap();
    assert!(found.readings.is_empty());
    assert_eq!(found.deleted.ranges().collect::<Vec<_>>(), [1..=2_500]);
    store.write(&batch(some("temperature/a", 5_000..5_001))).await.unwrap();
    let found = store.journaled(2_499..=2_501).await.unwrap();
    assert_eq!(found.readings.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2_501]);
    assert_eq!(found.deleted.ranges().collect::<Vec<_>>(), [2_499..=2_500]);
}

#[tokio::test]
async fn a_renamed_device_is_found_by_the_numbers_of_its_old_name() {
    let (_folder, store) = open();
    store.start_journal().await.unwrap();
    store.write(&batch(some("temperature/old", 0..3))).await.unwrap();
    let renaming = Renaming { old: "old".into(), new: "new".into(), at: at(100), merge: false };
    let change = Change::RenameDevice(renaming);
    assert!(store.change(&change, &record()).await.unwrap().is_some());
    for alias in store.aliases().await.unwrap() {
        store.move_history(&alias).await.unwrap();
    }
    // Tidies away series that are empty.
    store.purge(Timestamp::UNIX_EPOCH).await.unwrap();
    let topics: Vec<_> = numbers(&store).await.into_iter().map(|(_, topic)| topic).collect();
    assert_eq!(topics, ["temperature/new"; 3]);
}

#[tokio::test]
async fn progress_is_kept() {
    let (folder, store) = open();
    assert_eq!(store.journal_progress().await.unwrap(), JournalProgress::default());
    let progress = JournalProgress {
        done: NumberSet::from_iter([1..=500, 900..=999]),
        gone: NumberSet::from_iter([7..=8]),
    };
    store
        .set_journal_progress(JournalProgress { done: NumberSet::from_iter([5..=9]), ..progress.clone() })
        .await
        .unwrap();
    store.set_journal_progress(progress.clone()).await.unwrap();
    store.close().await;
    let store = Sqlite::open(&file(&folder)).unwrap();
    assert_eq!(store.journal().unwrap().journal_progress().await.unwrap(), progress);
}
