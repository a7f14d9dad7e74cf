//! Records first, settles second; evaluating again changes nothing.

use crate::harness::{HIGH, Harness, at, judged};
use crate::journal::said;
use crate::store::{Watched, fail_next};

const FULL: &str = "store: the store is not available: the disk is full";

#[tokio::test]
async fn an_incident_is_recorded_before_its_readings_are_settled() {
    let harness = Harness::start(&Watched::fresh(), HIGH);
    for value in ["20", "26", "27", "24"] {
        harness.give(value);
    }
    assert_eq!(judged(harness.end().await), ["record ^26 *27 v24", "0 done", "1 done", "2 done", "3 done"]);
}

#[tokio::test]
async fn without_a_change_of_phase_nothing_is_recorded() {
    let harness = Harness::start(&Watched::fresh(), HIGH);
    for payload in ["20", "25", "bad", r#"[{"value":21},{}]"#] {
        harness.give(payload);
    }
    let counters = harness.counters.clone();
    assert_eq!(harness.end().await, ["0 done", "1 done", "2 done", "3 done"]);
    assert_eq!((counters.received.get(), counters.judged.get(), counters.unreadable.get()), (5, 3, 2));
    assert_eq!(counters.latency.count(), 3);
}

#[tokio::test]
async fn a_phase_that_is_no_incident_yet_is_recorded_as_well() {
    let harness = Harness::start(&Watched::fresh(), &format!("{HIGH}\nfor = \"1s\""));
    harness.give("26");
    harness.settled().await;
    harness.give("26");
    assert_eq!(judged(harness.end().await), ["record", "0 done", "record ^26", "1 done"]);
}

#[tokio::test]
async fn a_store_that_cannot_record_holds_every_debt_and_says_why() {
    let harness = Harness::start(&Watched::fresh(), HIGH);
    fail_next(&harness.store.records_fail, 4);
    for value in ["20", "26", "20"] {
        harness.give(value);
    }
    harness.until(|harness| harness.counters.store_failures.get() == 2).await;
    assert_eq!(harness.store.journal.lines(), ["fail record"; 2]);
    assert_eq!(harness.health.problems(), [FULL]);
    assert_eq!(harness.counters.in_flight.get(), 3);
    let (counters, health) = (harness.counters.clone(), harness.health.clone());
    let journal = judged(harness.end().await);
    assert_eq!(journal[..4], ["fail record"; 4]);
    assert_eq!(journal[4..], ["record ^26 v20", "0 done", "1 done", "2 done"]);
    assert_eq!((counters.store_failures.get(), counters.opened.get(), counters.resolved.get()), (4, 1, 1));
    assert!(health.problems().is_empty());
}

#[tokio::test]
async fn what_comes_while_the_store_is_away_is_judged_when_it_is_back() {
    let harness = Harness::start(&Watched::fresh(), HIGH);
    fail_next(&harness.store.records_fail, usize::MAX);
    harness.give("26");
    harness.until(|harness| harness.counters.store_failures.get() > 0).await;
    harness.give("24");
    harness.rules.send_replace(crate::harness::rules("[[rules]]\nname = \"high\"\nabove = 23"));
    fail_next(&harness.store.records_fail, 1);
    harness.settled().await;
    assert!(harness.has_seen("^26") && !harness.has_seen("v24"), "{:?}", harness.store.journal.lines());
    assert!(harness.health.problems().is_empty());
}

#[tokio::test]
async fn nothing_is_judged_before_it_is_known_how_everything_stands() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(1, 26.0);
    harness.end().await;
    fail_next(&store.standings_fail, 2);
    fail_next(&store.latest_fail, 2);
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(2, 24.0);
    for failures in [1, 3] {
        harness.until(|harness| harness.counters.store_failures.get() == failures).await;
        assert_eq!((harness.health.problems(), harness.counters.received.get()), (vec![FULL.to_owned()], 0));
    }
    harness.end().await;
    let incident = store.only().await;
    assert_eq!((incident.opened_at, incident.resolved_at), (at(1), Some(at(2))), "that of the first run");
}

#[tokio::test]
async fn a_redelivery_opens_nothing_and_notifies_of_nothing_twice() {
    let store = Watched::fresh();
    for _ in 0..2 {
        let harness = Harness::start(&store, HIGH);
        for (second, value) in [(1, 26.0), (2, 24.0), (1, 26.0), (2, 24.0)] {
            harness.give_measured(second, value);
            harness.give_measured(second, value);
        }
        harness.settled().await;
        harness.until(|harness| harness.counters.messages_waiting.get() == 0).await;
        harness.until(|harness| !said(&harness.store.journal.lines(), "notify").is_empty()).await;
        harness.end().await;
    }
    let incident = store.only().await;
    assert_eq!((incident.value, incident.resolved_value), (Some(26.0), Some(24.0)));
    let lines = store.journal.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("record")).count(), 1, "{lines:?}");
    assert_eq!(said(&lines, "notify").len(), 2, "{lines:?}");
}

#[tokio::test]
async fn late_counts_the_incidents_that_old_readings_opened() {
    let harness = Harness::start(&Watched::fresh(), HIGH);
    harness.give_measured(100, 20.0);
    harness.give_measured(50, 30.0);
    harness.settled().await;
    assert_eq!((harness.counters.late.get(), harness.counters.opened.get()), (0, 0), "it came out of order");
    harness.give_from("temperature/hall", r#"{"value":30,"measured_at":"2026-01-15T10:00:00Z"}"#, at(101));
    harness.sees("^30").await;
    assert_eq!((harness.counters.late.get(), harness.counters.opened.get()), (1, 1));
}
