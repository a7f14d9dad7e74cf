//! Of several alerters that share a store, the one that is given the readings says who is absent.

use std::time::Duration;

use jiff::SignedDuration;
use store::{Lease, Leases};

use crate::absence::{LONG, SILENT, hour_ago};
use crate::harness::{HIGH, Harness, LAB, rules};
use crate::store::Watched;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn who_was_given_nothing_says_nothing_while_another_is_there() {
    let store = Watched::in_paused_time();
    for device in ["silent", "speaking"] {
        store.know(&format!("temperature/{device}"), hour_ago(&store)).await;
    }
    assert!(store.acquire(Lease::Absence, "other", LONG).await.unwrap());
    let expires = store.now() + LONG;
    let harness = Harness::start(&store, SILENT);
    // The other hears and stores it, long after this one has read how everything stands.
    tokio::time::sleep(LONG / 2).await;
    // As far ahead as clocks may differ.
    store.know("temperature/speaking", store.now() + SignedDuration::from_millis(950)).await;
    harness.sees("absent").await;
    let incident = store.only().await;
    assert_eq!(incident.device, "silent");
    // The store's clock, which is this machine's, ended the lease.
    assert!(incident.judged_at >= expires - SignedDuration::from_millis(50), "{incident:?} {expires}");
    assert!(!store.acquire(Lease::Absence, "other", MINUTE).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_is_given_readings_takes_the_right_and_gives_it_back_at_the_end() {
    let store = Watched::in_paused_time();
    assert!(store.acquire(Lease::Absence, "other", MINUTE).await.unwrap());
    let harness = Harness::start(&store, SILENT);
    harness.give_from(LAB, "20", store.now());
    harness.sees("absent lab").await;
    assert!(!store.acquire(Lease::Absence, "other", MINUTE).await.unwrap());
    harness.end().await;
    assert!(store.acquire(Lease::Absence, "other", MINUTE).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_was_given_nothing_ends_no_incident_of_a_rule_that_only_another_has() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, HIGH);
    harness.give("26");
    harness.end().await;
    assert!(store.acquire(Lease::Absence, "other", MINUTE).await.unwrap());
    let harness = Harness::start(&store, SILENT);
    harness.until(|harness| harness.health.problems().is_empty()).await;
    tokio::time::sleep(LONG / 3).await;
    harness.rules.send_replace(rules(""));
    tokio::time::sleep(LONG / 3).await;
    harness.crash().await;
    assert_eq!(store.only().await.resolved_at, None);
    store.release(Lease::Absence, "other").await.unwrap();
    let harness = Harness::start(&store, SILENT);
    harness.sees("x").await;
}
