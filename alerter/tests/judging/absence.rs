//! Devices that fall silent, in real time: called absent when nothing comes, and only while something could.

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

pub(crate) fn hour_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

/// The only incident was noticed within a second of this time.
async fn check_noticed(store: &Arc<Watched>, due: Timestamp) {
    let judged_at = store.only().await.judged_at;
    let delay = judged_at.duration_since(due);
    // One second is what is promised, the other is for the tests beside this one.
    assert!((SignedDuration::ZERO..SignedDuration::from_secs(2)).contains(&delay), "{delay:?}");
}

#[tokio::test]
async fn a_device_that_falls_silent_is_absent_in_time_and_back_when_it_speaks() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, SILENT);
    let mut last = Timestamp::MIN;
    for value in ["20", "21", "22"] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        last = Timestamp::now();
        harness.give_from(LAB, value, last);
    }
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.began_at.as_microsecond(), last.as_microsecond());
    assert_eq!(incident.opened_at, incident.began_at + AFTER);
    assert_eq!(incident.value, Some(22.0));
    check_noticed(&store, incident.opened_at).await;
    let back = Timestamp::now();
    harness.give_from(LAB, "23", back);
    harness.sees("v23").await;
    let incident = store.only().await;
    assert_eq!((incident.end, incident.resolved_value), (Some(End::Cleared), Some(23.0)));
    assert_eq!(incident.resolved_at.unwrap().as_microsecond(), back.as_microsecond());
}

#[tokio::test]
async fn a_device_that_spoke_only_right_after_the_start_is_absent_before_it_is_stored() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, SILENT);
    let spoke = Timestamp::now();
    harness.give_from(LAB, "20", spoke);
    harness.sees("absent lab").await;
    check_noticed(&store, spoke + AFTER).await;
}

#[tokio::test]
async fn while_there_is_no_connection_nobody_is_absent() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, SILENT);
    let spoke = Timestamp::now();
    store.know(LAB, spoke).await;
    harness.give_from(LAB, "20", spoke);
    harness.settled().await;
    harness.connect(false);
    tokio::time::sleep(LONG).await;
    assert!(store.all().await.is_empty(), "{:?}", store.journal.lines());
    let connected = Timestamp::now();
    harness.connect(true);
    harness.sees("absent lab").await;
    // They have time to come back.
    let incident = store.only().await;
    assert!(incident.judged_at >= connected + AFTER, "{incident:?} {connected}");
    assert_eq!(incident.began_at.as_microsecond(), spoke.as_microsecond());
}

#[tokio::test]
async fn who_comes_back_with_the_connection_was_never_absent() {
    let store = Watched::fresh();
    store.know(LAB, hour_ago()).await;
    let harness = Harness::linked(&store, SILENT, false);
    tokio::time::sleep(LONG).await;
    let at = Timestamp::now();
    store.know(LAB, at).await;
    harness.connect(true);
    harness.give_from(LAB, "20", at);
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.began_at.as_microsecond(), at.as_microsecond(), "it fell silent only now");
}

#[tokio::test]
async fn a_device_that_only_the_store_knows_is_absent_after_a_start() {
    let (store, last) = (Watched::fresh(), hour_ago());
    store.know(LAB, last).await;
    let started = Timestamp::now();
    let harness = Harness::start(&store, SILENT);
    harness.sees("absent lab").await;
    assert_eq!(store.only().await.began_at.as_microsecond(), last.as_microsecond());
    check_noticed(&store, started + AFTER).await;
}

#[tokio::test]
async fn a_device_that_is_expected_and_never_spoke_is_absent() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, EXPECTING);
    store.journal.has("record").await;
    harness.crash().await;
    let started = Timestamp::now();
    let harness = Harness::start(&store, EXPECTING);
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.value, None);
    assert!(incident.began_at < started, "expected since the first start");
    check_noticed(&store, started + AFTER).await;
}

#[tokio::test]
async fn an_absence_is_one_over_restarts() {
    let store = Watched::fresh();
    store.know(LAB, hour_ago()).await;
    let harness = Harness::start(&store, SILENT);
    harness.sees("absent lab").await;
    harness.crash().await;
    let harness = Harness::start(&store, SILENT);
    tokio::time::sleep(LONG).await;
    harness.give_from(LAB, "21", Timestamp::now());
    harness.sees("v21").await;
    store.journal.until(|lines| said(lines, "notify").iter().any(|line| line.contains(" resolved "))).await;
    harness.crash().await;
    let incident = store.only().await;
    assert_eq!(incident.notifications.len(), 2);
    let mut notified = said(&store.journal.lines(), "notify");
    notified.dedup();
    assert_eq!(notified.len(), 2, "{notified:?}");
}
