//! Devices that fall silent: reported absent when nothing comes, and only while something could.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::End;

use crate::harness::{Harness, LAB};
use crate::journal::said;
use crate::store::Watched;

pub(crate) const AFTER: SignedDuration = SignedDuration::from_millis(500);

/// Concerns every device.
pub(crate) const SILENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"500ms\"";

/// Expects one.
const EXPECTING: &str =
    "[[rules]]\nname = \"silent\"\nmetric = \"temperature\"\ndevice = \"lab\"\nabsent_for = \"500ms\"";

/// How long nothing must happen until it is believed that nothing does.
pub(crate) const LONG: Duration = Duration::from_millis(1_500);

pub(crate) fn hour_ago(store: &Watched) -> Timestamp {
    store.now() - SignedDuration::from_hours(1)
}

/// The only incident was noticed within a second of this time.
async fn check_noticed(store: &Arc<Watched>, due: Timestamp) {
    let judged_at = store.only().await.judged_at;
    let delay = judged_at.duration_since(due);
    assert!((SignedDuration::ZERO..SignedDuration::from_secs(1)).contains(&delay), "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_falls_silent_is_absent_in_time_and_back_when_it_speaks() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let mut last = Timestamp::MIN;
    for value in ["20", "21", "22"] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        last = store.now();
        harness.give_from(LAB, value, last);
    }
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.began_at.as_microsecond(), last.as_microsecond());
    assert_eq!(incident.opened_at, incident.began_at + AFTER);
    assert_eq!(incident.value, Some(22.0));
    check_noticed(&store, incident.opened_at).await;
    let back = store.now();
    harness.give_from(LAB, "23", back);
    harness.sees("v23").await;
    let incident = store.only().await;
    assert_eq!((incident.end, incident.resolved_value), (Some(End::Cleared), Some(23.0)));
    assert_eq!(incident.resolved_at.unwrap().as_microsecond(), back.as_microsecond());
}

#[tokio::test(start_paused = true)]
async fn a_device_that_spoke_only_right_after_the_start_is_absent_before_it_is_stored() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let spoke = store.now();
    harness.give_from(LAB, "20", spoke);
    harness.sees("absent lab").await;
    check_noticed(&store, spoke + AFTER).await;
}

#[tokio::test(start_paused = true)]
async fn while_there_is_no_connection_nobody_is_absent() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let spoke = store.now();
    store.know(LAB, spoke).await;
    harness.give_from(LAB, "20", spoke);
    harness.settled().await;
    harness.connect(false);
    tokio::time::sleep(LONG).await;
    assert!(store.all().await.is_empty(), "{:?}", store.journal.lines());
    let connected = store.now();
    harness.connect(true);
    harness.sees("absent lab").await;
    // They have time to come back.
    let incident = store.only().await;
    assert!(incident.judged_at >= connected + AFTER, "{incident:?} {connected}");
    assert_eq!(incident.began_at.as_microsecond(), spoke.as_microsecond());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_with_the_connection_was_never_absent() {
    let store = Watched::in_paused_time();
    store.know(LAB, hour_ago(&store)).await;
    let harness = Harness::linked(&store, SILENT, false);
    tokio::time::sleep(LONG).await;
    let at = store.now();
    store.know(LAB, at).await;
    harness.connect(true);
    harness.give_from(LAB, "20", at);
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.began_at.as_microsecond(), at.as_microsecond(), "it fell silent only now");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_only_the_store_knows_is_absent_after_a_start() {
    let store = Watched::in_paused_time();
    let last = hour_ago(&store);
    store.know(LAB, last).await;
    let started = store.now();
    let harness = Harness::start(&store, SILENT);
    harness.sees("absent lab").await;
    assert_eq!(store.only().await.began_at.as_microsecond(), last.as_microsecond());
    check_noticed(&store, started + AFTER).await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_expected_and_never_spoke_is_absent() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, EXPECTING);
    store.journal.has("record").await;
    harness.crash().await;
    let started = store.now();
    let harness = Harness::start(&store, EXPECTING);
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.value, None);
    assert!(incident.began_at < started, "expected since the first start");
    check_noticed(&store, started + AFTER).await;
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_one_over_restarts() {
    let store = Watched::in_paused_time();
    store.know(LAB, hour_ago(&store)).await;
    let harness = Harness::start(&store, SILENT);
    harness.sees("absent lab").await;
    harness.crash().await;
    let harness = Harness::start(&store, SILENT);
    tokio::time::sleep(LONG).await;
    harness.give_from(LAB, "21", store.now());
    harness.sees("v21").await;
    store.journal.until(|lines| said(lines, "notify").iter().any(|line| line.contains(" resolved "))).await;
    harness.crash().await;
    let incident = store.only().await;
    assert_eq!(incident.notifications.len(), 2);
    let mut notified = said(&store.journal.lines(), "notify");
    notified.dedup();
    assert_eq!(notified.len(), 2, "{notified:?}");
}
