//! With TimescaleDB.

#[path = "../contract/mod.rs"]
pub(crate) mod contract;

use self::contract::{at, batch, everything, reading};
use super::{CASES, Database, Fresh};

pub(crate) async fn fresh() -> Option<Fresh> {
    Database::with_schema(true).await.map(Fresh::of)
}

const WEEK: i64 = 7 * 24 * 3_600_000_000;

/// A time in the middle of a chunk.
const START: i64 = 1_700_000_000_000_000;

#[tokio::test]
async fn a_chunk_goes_as_a_whole_when_all_in_it_is_old() {
    let Some(Fresh { store, database }) = fresh().await else { return };
    let old = (0..5).map(|week| reading("temperature/a", START + week * WEEK, 1.0));
    store.write(&batch(old)).await.unwrap();
    let between = jiff::Timestamp::now();
    let replayed = reading("temperature/b", START + WEEK, 1.0);
    store.write(&batch([replayed.clone()])).await.unwrap();
    let chunks = "SELECT chunk_name::text FROM timescaledb_information.chunks";
    assert_eq!(database.texts(chunks).await.len(), 5);
    assert_eq!(store.purge(at(START)).await.unwrap(), 0, "measured before, stored after");
    assert_eq!(store.purge(between).await.unwrap(), 5);
    assert_eq!(database.texts(chunks).await.len(), 1);
    assert_eq!(everything(&*store).await, [replayed]);
    store.write(&batch([reading("temperature/a", START, 1.0)])).await.unwrap();
    assert_eq!(database.texts(chunks).await.len(), 2, "a chunk that was dropped is made again");
}
