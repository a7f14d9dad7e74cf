//! What the writer promises, seen from its two ends. Time is paused: waits cost nothing.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod harness;

use std::sync::Arc;
use std::time::Duration;

use db_writer::{Config, Counters, Retention, forget_old};
use harness::Harness;
use jiff::Timestamp;
use service::Metrics;
use telemetry::SystemClock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const CONFIG: Config = Config {
    max_batch: 1_000,
    max_batch_bytes: 1_000_000,
    max_age: Duration::ZERO,
    max_rejected: 50,
    max_rejected_bytes: 1_000_000,
    max_attributes: 100,
    max_device_attributes: 2,
};

#[tokio::test(start_paused = true)]
async fn a_batch_is_stored_before_any_of_it_is_settled() {
    let harness = Harness::start(CONFIG);
    harness.give("20.5");
    harness.give("21.5");
    assert_eq!(harness.end().await, ["write 2", "0 done", "1 done"]);
}

#[tokio::test(start_paused = true)]
async fn of_attributes_what_has_changed_is_written_as_far_as_there_is_room() {
    let harness = Harness::start(Config { max_age: Duration::from_millis(200), ..CONFIG });
    harness.store.fail_next(3);
    for (name, value) in
        [("mode", "heat"), ("mode", "off"), ("firmware", "1"), ("model", "x"), ("note", &"x".repeat(300))]
    {
        harness.give_attribute(name, value);
    }
    harness.until(|harness| harness.counters.stored.get() + harness.counters.duplicate.get() == 5).await;
    harness.give_attribute("mode", "off");
    harness.until(|harness| harness.counters.stored.get() + harness.counters.duplicate.get() == 6).await;
    harness.give_attribute("firmware", "1");
    harness.until(|harness| harness.counters.stored.get() + harness.counters.duplicate.get() == 7).await;
    tokio::time::advance(store::ATTRIBUTE_SEEN_EVERY).await;
    harness.give_attribute("firmware", "1");
    harness.until(|harness| harness.counters.stored.get() + harness.counters.duplicate.get() == 8).await;
    let written: Vec<_> =
        harness.store.batches.lock().unwrap().iter().map(|batch| batch.attributes.clone()).collect();
    let words = |attribute: &telemetry::Attribute| format!("{} {}", attribute.name, attribute.value);
    let written: Vec<_> = written.iter().flatten().map(words).collect();
    let expected = ["mode heat", "mode off", "firmware 1", "firmware 1"];
    assert_eq!(written, expected, "what is stored is written once a day, as it may have been removed");
    assert_eq!(harness.counters.attributes_refused.get(), 2, "there is room for two, and one is too long");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_an_age_a_batch_is_what_arrived_during_the_last_write() {
    let harness = Harness::start(CONFIG);
    harness.store.close_gate();
    harness.give("1");
    harness.until(|harness| harness.counters.in_flight.get() == 1).await;
    for value in ["2", "3", "4"] {
        harness.give(value);
    }
    harness.until(|harness| harness.counters.in_flight.get() == 4).await;
    assert_eq!(
        harness.journal.lines(),
        [] as [String; 0],
        "they are gathered, and the first is not stored yet"
    );
    harness.store.open_gate();
    assert_eq!(harness.journal_has(6).await, ["write 1", "0 done", "write 3", "1 done", "2 done", "3 done"]);
    harness.end().await;
}

/// How many were written at once.
fn writes(journal: &[String]) -> Vec<usize> {
    journal.iter().filter_map(|line| line.strip_prefix("write ")?.parse().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_when_it_holds_enough_readings_or_bytes() {
    let long = r#"{"value": 20.5, "unit": "celsius"}      "#;
    let five = r#"[{"value":1},{"value":2},{"value":3},{"value":4},{"value":5}]"#;
    assert_eq!(long.len(), 40);
    let (count, bytes) = (Config { max_batch: 3, ..CONFIG }, Config { max_batch_bytes: 100, ..CONFIG });
    for (config, payloads, expected) in [
        (count, vec!["1"; 7], vec![3, 3, 1]),
        (count, vec!["1", "bad", "{}", "1"], vec![3, 1]),
        (count, vec!["1", five, "1"], vec![6, 1]),
        (bytes, vec![long; 7], vec![3, 3, 1]),
        (bytes, vec![long, "1", five, "1"], vec![7, 1]),
        (Config { max_batch: 1, ..CONFIG }, vec!["1"; 3], vec![1, 1, 1]),
        (Config { max_age: Duration::from_secs(60), ..count }, vec!["1"; 7], vec![3, 3, 1]),
    ] {
        let harness = Harness::start(config);
        payloads.iter().for_each(|payload| harness.give(payload));
        assert_eq!(writes(&harness.end().await), expected, "{config:?} {payloads:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_when_its_first_reading_has_waited_long_enough() {
    let start = Instant::now();
    let harness = Harness::start(Config { max_age: Duration::from_millis(200), ..CONFIG });
    harness.give("1");
    harness.until(|harness| harness.counters.in_flight.get() == 1).await;
    tokio::time::advance(Duration::from_millis(150)).await;
    harness.give("2");
    assert_eq!(harness.journal_has(3).await, ["write 2", "0 done", "1 done"]);
    let waited = start.elapsed();
    assert!((200..=210).contains(&waited.as_millis()), "{waited:?}");
    harness.give("3");
    assert_eq!(harness.end().await.last().unwrap(), "2 done", "the end does not wait for the age");
    assert!(start.elapsed() < waited + Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_everything_is_held_and_readiness_gives_the_reason() {
    let harness = Harness::start(CONFIG);
    harness.give("1");
    harness.give("2");
    harness.store.fail_next(10);
    assert_eq!(harness.journal_has(4).await, ["fail 2"; 4], "nothing is settled meanwhile");
    assert_eq!(harness.health.problems(), ["store: the store is not available: the disk is full"]);
    assert_eq!((harness.counters.in_flight.get(), harness.counters.stored.get()), (2, 0));
    harness.give("3");
    let lines = harness.journal_has(15).await;
    assert_eq!(lines[..10], ["fail 2"; 10]);
    assert_eq!(lines[10..], ["write 2", "0 done", "1 done", "write 1", "2 done"], "each is settled once");
    assert!(harness.health.problems().is_empty());
    assert_eq!(harness.counters.store_failures.get(), 10);
    let Counters { commit_duration, batch_size, latency, .. } = &harness.counters;
    assert_eq!((commit_duration.count(), batch_size.count()), (2, 2), "failed writes are no commits");
    assert_eq!(latency.count(), 3, "each reading");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_lag_is_the_age_of_what_is_not_stored() {
    let harness = Harness::start(CONFIG);
    let behind = |harness: &Harness, now: Timestamp| harness.counters.lag.at(now).as_secs();
    assert_eq!(behind(&harness, harness::taken_at(60)), 0);
    harness.store.fail_next(usize::MAX);
    harness.give("1");
    harness.give("2");
    harness.journal_has(2).await;
    assert_eq!(behind(&harness, harness::taken_at(60)), 60, "the first was taken at 0");
    harness.store.fail_next(0);
    harness.until(|harness| harness.counters.stored.get() == 2).await;
    assert_eq!(behind(&harness, Timestamp::now() + Duration::from_secs(3)), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_nothing_comes_readiness_is_true_all_the_same() {
    let harness = Harness::start(CONFIG);
    harness.until(|harness| harness.health.problems().is_empty()).await;
    harness.store.fail_next(1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(harness.health.problems(), ["store: the store is not available: the disk is full"]);
    harness.store.fail_next(0);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(harness.health.problems().is_empty());
    assert_eq!(harness.end().await, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_not_asked_in_a_hot_loop() {
    let start = Instant::now();
    let harness = Harness::start(CONFIG);
    harness.store.fail_next(20);
    harness.give("1");
    harness.journal_has(20).await;
    // At least half of 0.1 + 0.2 + … + 1.6 + 15 × 2 seconds.
    assert!(start.elapsed() > Duration::from_secs(16), "{:?}", start.elapsed());
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_waits_at_the_broker() {
    let harness = Harness::start_ahead(Config { max_batch: 1, ..CONFIG }, 2);
    harness.store.fail_next(usize::MAX);
    for value in ["1", "2"] {
        harness.give(value);
    }
    harness.journal_has(3).await;
    for value in ["3", "4"] {
        harness.give(value);
    }
    assert!(!harness.has_room(), "two batches are held, and two messages wait");
    assert_eq!(harness.counters.received.get(), 2);
    harness.store.fail_next(0);
    let done: Vec<_> = harness.end().await.into_iter().filter(|line| line.ends_with("done")).collect();
    assert_eq!(done, ["0 done", "1 done", "2 done", "3 done"]);
}

#[tokio::test(start_paused = true)]
async fn bad_payloads_are_kept_with_their_reason_and_hold_no_good_one() {
    let harness = Harness::start(CONFIG);
    let mixed = r#"[{"value":1},{"unit":"celsius"},{"value":2}]"#;
    for payload in ["20.5", "hello", mixed, ""] {
        harness.give(payload);
    }
    let (store, counters) = (harness.store.clone(), harness.counters.clone());
    let mut lines = harness.end().await;
    let kept = lines.iter().position(|line| line == "keep 50 rejections").map(|place| lines.remove(place));
    assert!(kept.is_some(), "{lines:?}");
    assert_eq!(lines, ["write 6", "0 done", "1 done", "2 done", "3 done"]);
    let batch = store.batches.lock().unwrap().remove(0);
    assert_eq!(batch.readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [20.5, 1.0, 2.0]);
    let kept: Vec<_> = batch.rejected.iter().map(|kept| (&kept.payload[..], kept.reason.as_str())).collect();
    assert_eq!(kept[1], (&br#"{"unit":"celsius"}"#[..], "reading 2 of 3: there is no value"));
    assert_eq!((kept[0].0, kept[2]), (&b"hello"[..], (&b""[..], "the payload is empty")));
    assert!(batch.rejected.iter().all(|kept| kept.topic == "temperature/lab"));
    let taken: Vec<_> = batch.rejected.iter().map(|kept| kept.received_at.as_second() % 10).collect();
    assert_eq!(taken, [1, 2, 3], "each has its message's time");
    assert_eq!((counters.stored.get(), counters.rejected.get()), (3, 3));
    assert_eq!(counters.rejected_removed.get(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_is_settled_and_counted_as_duplicate() {
    let harness = Harness::start(CONFIG);
    for _ in 0..3 {
        harness.give(r#"{"value":1,"measured_at":"2026-01-15T10:30:00Z","seq":1}"#);
    }
    let counters = harness.counters.clone();
    assert_eq!(harness.end().await, ["write 3", "0 done", "1 done", "2 done"]);
    assert_eq!((counters.stored.get(), counters.duplicate.get()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_stream_writes_what_is_gathered_at_once() {
    let start = Instant::now();
    let harness = Harness::start(Config { max_age: Duration::from_secs(60), ..CONFIG });
    harness.give("1");
    harness.give("2");
    harness.until(|harness| harness.counters.in_flight.get() == 2).await;
    assert_eq!(harness.end().await, ["write 2", "0 done", "1 done"]);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_giver_that_has_gone_is_counted_and_holds_nobody() {
    let harness = Harness::start(CONFIG);
    harness.give_and_go("1");
    harness.give("2");
    harness.give_and_go("3");
    let counters = harness.counters.clone();
    assert_eq!(harness.end().await, ["write 3", "1 done"]);
    assert_eq!((counters.unsettled.get(), counters.stored.get()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_dies_gives_back_what_it_held() {
    let harness = Harness::start(Config { max_batch: 1, ..CONFIG });
    harness.store.close_gate();
    harness.give("1");
    harness.give("2");
    harness.give("3");
    harness.until(|harness| harness.counters.in_flight.get() == 2).await;
    let mut lines = harness.crash().await;
    lines.sort();
    assert_eq!(lines, ["0 retry", "1 retry", "2 retry"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_forgotten_every_ten_minutes_even_after_a_failure() {
    let harness = Harness::start(CONFIG);
    let retention = Retention::from_settings(&service::Settings::load(None).unwrap()).unwrap();
    let stop = CancellationToken::new();
    harness.store.fail_next(1);
    let start = Instant::now();
    let clock = Arc::new(SystemClock::default());
    let (store, metrics) = (harness.store.clone(), Metrics::default());
    let forgetting = tokio::spawn(forget_old(retention, store, clock, metrics, stop.clone()));
    assert_eq!(harness.journal_has(3).await, ["fail purge", "purge 400 days", "purge 400 days"]);
    assert_eq!(start.elapsed().as_secs(), 20 * 60);
    stop.cancel();
    forgetting.await.unwrap();
}
