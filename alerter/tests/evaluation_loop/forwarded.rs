//! What edges forward is evaluated there, and nobody waits here for its devices.

use std::sync::Arc;

use jiff::Timestamp;
use store::{Batch, ReadingStore};
use telemetry::{Decoded, JournalRun, Message, Metadata, NumberSet, UplinkReceipt, UplinkReport};

use crate::absence::{LONG, SILENT, hour_ago};
use crate::harness::{HIGH, Harness};
use crate::store::Watched;

fn receipt(at: Timestamp) -> UplinkReceipt {
    let numbers = NumberSet::from_iter([1..=1]);
    let report = UplinkReport { run: JournalRun(1), told_at: at, last: 1, unsent: 0, numbers, gone: vec![] };
    UplinkReceipt { edge: "site-a".into(), received_at: at, report }
}

fn decoded(topic: &str, value: &'static str, at: Timestamp) -> Decoded {
    Message { topic: topic.into(), payload: value.into(), received_at: at }.decode()
}

#[tokio::test(start_paused = true)]
async fn what_an_edge_forwards_opens_nothing_here() {
    let store = Watched::in_paused_time();
    let before = hour_ago(&store);
    let readings = ["temperature/site-a/lab", "temperature/hall"]
        .map(|topic| decoded(topic, "21", before).readings)
        .concat();
    let batch = Batch { readings, uplinks: vec![receipt(before)], ..Batch::default() };
    store.write(&Arc::new(batch)).await.unwrap();
    let harness = Harness::start(&store, &format!("{HIGH}\n{SILENT}"));
    harness.sees("absent hall").await;
    let now = store.now();
    let mut forwarded = decoded("temperature/site-a/lab", "40", now);
    forwarded.metadata = Some(Box::new(Metadata { uplink: Some(receipt(now)), ..Metadata::default() }));
    harness.give_decoded(forwarded);
    tokio::time::sleep(LONG).await;
    assert!(!harness.has_seen("site-a/lab"), "{:?}", store.journal.lines());
    let counters = harness.counters.clone();
    let lines = harness.end().await;
    assert!(lines.iter().any(|line| line == "0 done"), "{lines:?}");
    assert_eq!(counters.received.get(), 0);
}
