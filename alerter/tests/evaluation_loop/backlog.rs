//! While something comes, the clock by which devices are absent is that of the stream.

use jiff::SignedDuration;
use tokio::time::Instant;

use crate::absence::{AFTER, LONG, SILENT, hour_ago};
use crate::harness::Harness;
use crate::store::Watched;

const STEP: SignedDuration = SignedDuration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn in_a_backlog_nobody_who_still_speaks_is_absent() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let (begun, mut clock) = (Instant::now(), hour_ago(&store));
    while begun.elapsed() < LONG {
        for topic in ["temperature/one", "temperature/two"] {
            clock += STEP;
            harness.give_from(topic, "20", clock);
            harness.settled().await;
        }
    }
    assert!(store.all().await.is_empty(), "{:?}", store.all().await);
    // Then nothing comes: all that the broker had was judged.
    harness.sees("absent one").await;
    harness.sees("absent two").await;
    for incident in store.all().await {
        assert!(clock.duration_since(incident.began_at) < STEP * 2, "{clock} {incident:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_that_pauses_is_not_over() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let clock = hour_ago(&store);
    harness.give_from("temperature/lab", "20", clock);
    harness.settled().await;
    tokio::time::sleep(LONG).await;
    assert!(store.all().await.is_empty(), "it may yet speak in what is to come: {:?}", store.all().await);
    harness.give_from("temperature/lab", "20", clock + STEP);
    harness.settled().await;
    harness.sees("absent lab").await;
    let incident = store.only().await;
    assert_eq!(incident.began_at.as_microsecond(), (clock + STEP).as_microsecond());
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_a_backlog_only_the_silent_are_absent() {
    let store = Watched::in_paused_time();
    for device in ["silent", "speaking"] {
        store.know(&format!("temperature/{device}"), hour_ago(&store)).await;
    }
    let harness = Harness::start(&store, SILENT);
    for number in 0..100 {
        harness.give_from("temperature/speaking", "20", hour_ago(&store) + STEP * number);
    }
    // After it, readings that are fresh, from a broker whose clock is a little ahead.
    for number in 0..20 {
        harness.give_from("temperature/speaking", "20", store.now() + STEP * number);
        harness.settled().await;
    }
    assert!(store.all().await.iter().all(|incident| incident.device == "silent"));
    harness.sees("absent silent").await;
}

#[tokio::test(start_paused = true)]
async fn while_others_speak_a_silent_device_is_absent_by_their_time() {
    let store = Watched::in_paused_time();
    let harness = Harness::start(&store, SILENT);
    let begun = store.now();
    harness.give_from("temperature/silent", "20", begun);
    for number in 0..5 {
        harness.give_from("temperature/speaking", "20", begun + STEP * number);
    }
    harness.settled().await;
    assert!(store.all().await.is_empty());
    harness.give_from("temperature/speaking", "20", begun + AFTER);
    harness.sees("absent silent").await;
    let incidents = store.all().await;
    let incident = incidents.iter().find(|incident| incident.device == "silent").unwrap();
    assert_eq!(incident.opened_at.as_microsecond(), (begun + AFTER).as_microsecond());
}
