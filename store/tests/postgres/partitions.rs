//! Without TimescaleDB.

#[path = "../contract/mod.rs"]
pub(crate) mod contract;

use self::contract::{at, batch, everything, reading};
use super::{CASES, Database, Fresh};

pub(crate) async fn fresh() -> Option<Fresh> {
    Database::with_schema(false).await.map(Fresh::of)
}

const PARTITIONS: &str = "
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'readings'::regclass ORDER BY 1";

fn readings(times: &[&str]) -> Vec<telemetry::Reading> {
    let at = |time: &&str| time.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    times.iter().map(|time| reading("temperature/a", at(time), 1.0)).collect()
}

#[tokio::test]
async fn each_month_has_a_partition_which_goes_when_all_in_it_is_old() {
    let Some(Fresh { store, database }) = fresh().await else { return };
    let old = readings(&[
        "1970-01-01T00:00:00Z",
        "2019-12-31T23:59:59.999999Z",
        "2020-01-01T00:00:00Z",
        "2025-11-30T23:59:59.999999Z",
        "2025-12-01T00:00:00Z",
        "2025-12-31T23:59:59.999999Z",
    ]);
    store.write(&batch(old.clone())).await.unwrap();
    let partitions = ["readings_2020_01", "readings_2025_11", "readings_2025_12", "readings_before_2020"];
    assert_eq!(database.texts(PARTITIONS).await, partitions);
    assert_eq!(everything(&*store).await, old);
    let between = jiff::Timestamp::now();
    let replayed = readings(&["1980-01-01T00:00:00Z", "2025-11-01T00:00:00Z"]);
    store.write(&batch(replayed.clone())).await.unwrap();
    assert_eq!(store.purge(at(0)).await.unwrap(), 0);
    assert_eq!(store.purge(between).await.unwrap(), 6);
    assert_eq!(database.texts(PARTITIONS).await, ["readings_2025_11", "readings_before_2020"]);
    assert_eq!(everything(&*store).await, replayed);
}

#[tokio::test]
async fn a_partition_that_another_one_dropped_is_made_again() {
    let Some(fresh) = fresh().await else { return };
    let old = batch(readings(&["2025-12-01T00:00:00Z"]));
    fresh.store.write(&old).await.unwrap();
    let another = fresh.reopened().await;
    assert_eq!(another.purge(jiff::Timestamp::now()).await.unwrap(), 1);
    assert_eq!(fresh.store.write(&old).await.unwrap().stored, 1);
    assert_eq!(fresh.store.rejected_count().await.unwrap(), 0, "the reading is not to blame");
}
