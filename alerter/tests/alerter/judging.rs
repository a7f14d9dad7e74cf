//! Records first, settles second; judging again changes nothing. Time is paused: waits cost nothing.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::ends::{Bench, FakeStore, fail_next, mailer};

fn start(folder: &TempDir, store: &Arc<FakeStore>) -> Bench {
    Bench::start(store, mailer(folder, ""))
}

fn fresh() -> (TempDir, Arc<FakeStore>, Bench) {
    let (folder, store) = (tempfile::tempdir().unwrap(), Arc::default());
    let bench = start(&folder, &store);
    (folder, store, bench)
}

/// Without what is said of mails.
fn judged(journal: Vec<String>) -> Vec<String> {
    journal.into_iter().filter(|line| !line.starts_with("mark")).collect()
}

fn measured(second: u32, value: f64) -> String {
    format!(r#"{{"value":{value},"measured_at":"2026-01-15T10:30:{second:02}Z","seq":{second}}}"#)
}

#[tokio::test(start_paused = true)]
async fn an_incident_is_recorded_before_its_readings_are_settled() {
    let (_folder, _, bench) = fresh();
    for value in ["20", "26", "27", "24"] {
        bench.give(value);
    }
    assert_eq!(judged(bench.end().await), ["record ^26 v24", "0 done", "1 done", "2 done", "3 done"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_transition_nothing_is_recorded() {
    let (_folder, _, bench) = fresh();
    for payload in ["20", "25", "bad", r#"[{"value":21},{}]"#] {
        bench.give(payload);
    }
    let counters = bench.counters.clone();
    assert_eq!(bench.end().await, ["0 done", "1 done", "2 done", "3 done"]);
    assert_eq!((counters.judged.get(), counters.unreadable.get()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_record_holds_every_debt_and_says_why() {
    let (_folder, store, bench) = fresh();
    fail_next(&store.records_fail, 5);
    for value in ["20", "26", "20"] {
        bench.give(value);
    }
    assert_eq!(store.journal.is_long(2).await, ["fail record"; 2]);
    assert_eq!(bench.health.problems(), ["store: the store is not available: the disk is full"]);
    assert_eq!(bench.counters.in_flight.get(), 3);
    let (counters, health) = (bench.counters.clone(), bench.health.clone());
    let journal = judged(bench.end().await);
    assert_eq!(journal[..5], ["fail record"; 5]);
    assert_eq!(journal[5..], ["record ^26 v20", "0 done", "1 done", "2 done"]);
    assert_eq!((counters.store_failures.get(), counters.opened.get(), counters.resolved.get()), (5, 1, 1));
    assert!(health.problems().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_judged_before_it_is_known_what_is_open() {
    let (folder, store, bench) = fresh();
    bench.give("26");
    bench.end().await;
    fail_next(&store.reads_fail, 8);
    let (bench, begun) = (start(&folder, &store), Instant::now());
    bench.give("24");
    bench.until(|bench| bench.counters.store_failures.get() == 3).await;
    assert_eq!(bench.health.problems(), ["store: the store is not available: the disk is full"]);
    bench.end().await;
    assert!(begun.elapsed().as_secs() >= 4, "not in a hot loop");
    assert_eq!(store.told(), ["26–24 opened resolved"], "the incident of the first run");
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_opens_nothing_and_mails_nothing_twice() {
    let (_folder, store, bench) = fresh();
    for payload in [measured(1, 26.0), measured(2, 24.0), measured(1, 26.0), measured(2, 24.0)] {
        bench.give(&payload);
        bench.give(&payload);
    }
    bench.end().await;
    assert_eq!(store.told(), ["26–24 opened resolved"]);
}

const VALUES: [f64; 12] = [20.0, 26.0, 27.0, 24.0, 23.0, 28.0, 24.5, 29.0, 30.0, 20.0, 25.5, 25.0];

/// Gives these readings, each after the one before was settled.
async fn give_all(bench: &Bench, seconds: std::ops::Range<usize>) {
    for (number, second) in seconds.enumerate() {
        bench.give(&measured(second as u32, VALUES[second]));
        bench
            .until(|bench| {
                bench.counters.received.get() > number as u64 && bench.counters.in_flight.get() == 0
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_it_crashes_there_is_one_incident_and_one_mail_per_transition() {
    let expected = [
        "26–24 opened resolved",
        "28–24.5 opened resolved",
        "29–20 opened resolved",
        "25.5–25 opened resolved",
    ];
    for (crash_at, value) in VALUES.into_iter().enumerate() {
        for lost_records in [0, usize::MAX] {
            let (folder, store, bench) = fresh();
            give_all(&bench, 0..crash_at).await;
            fail_next(&store.records_fail, lost_records);
            bench.give(&measured(crash_at as u32, value));
            bench.until(|bench| bench.counters.received.get() > crash_at as u64).await;
            bench.crash().await;
            fail_next(&store.records_fail, 0);
            // What was given last comes again, and as MQTT allows, some that were settled come again, too.
            let bench = start(&folder, &store);
            give_all(&bench, crash_at.saturating_sub(1)..VALUES.len()).await;
            bench.end().await;
            assert_eq!(store.told(), expected, "crash at {crash_at}, {lost_records} records lost");
        }
    }
}
