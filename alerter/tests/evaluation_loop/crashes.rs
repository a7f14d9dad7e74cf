//! Wherever it crashes, there is one incident and one message per transition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::{DeliveryStatus, Incident, NotificationKind};
use tokio::task::JoinSet;

use crate::harness::{HIGH, Harness};
use crate::journal::said;
use crate::store::{Watched, fail_next};

const VALUES: [f64; 12] = [20.0, 26.0, 27.0, 24.0, 23.0, 28.0, 24.5, 29.0, 30.0, 20.0, 25.5, 25.0];

/// Beside [`HIGH`]: with hysteresis, and with time that a condition must hold or be over.
const OTHERS: &str = "
[[rules]]
name = \"hysteresis\"
above = 25
clear_below = 24

[[rules]]
name = \"lasting\"
above = 25
for = \"1s\"

[[rules]]
name = \"over\"
above = 25
keep_firing_for = \"1s\"";

const EXPECTED: [&str; 10] = [
    "high 26–24 opened resolved",
    "high 28–24.5 opened resolved",
    "high 29–20 opened resolved",
    "high 25.5–25 opened resolved",
    "hysteresis 26–23 opened resolved",
    "hysteresis 28–20 opened resolved",
    "hysteresis 25.5– opened",
    "lasting 27–24 opened resolved",
    "lasting 30–20 opened resolved",
    "over 26–23 opened resolved",
];

/// What is left open.
const STILL: &str = "over 28– opened";

/// Openings and ends in these.
const TRANSITIONS: usize = 20;

/// What a crash takes with it.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// Whatever had not happened by chance.
    Rest,
    /// No record is kept.
    Record,
    /// The record is kept, and the alerter dies before it hears so.
    Answer,
    /// All is settled; notifications may not have been sent.
    Nothing,
}

fn start(store: &Arc<Watched>) -> Harness {
    Harness::start(store, &format!("{HIGH}{OTHERS}"))
}

/// Gives these readings, each after the one before was settled.
async fn give_all(harness: &Harness, seconds: std::ops::Range<usize>) {
    for second in seconds {
        harness.give_measured(second as i64, VALUES[second]);
        harness.settled().await;
    }
}

async fn crash(store: &Arc<Watched>, crash_at: usize, lost: Lost) {
    let harness = start(store);
    give_all(&harness, 0..crash_at).await;
    fail_next(&store.records_fail, if matches!(lost, Lost::Record) { usize::MAX } else { 0 });
    store.is_mute.store(matches!(lost, Lost::Answer), Ordering::Relaxed);
    let records = said(&store.journal.lines(), "record").len();
    harness.give_measured(crash_at as i64, VALUES[crash_at]);
    harness.until(|harness| harness.counters.received.get() > crash_at as u64).await;
    let recorded = |harness: &Harness| said(&harness.store.journal.lines(), "record").len() > records;
    match lost {
        Lost::Answer => {
            harness.until(|harness| harness.counters.in_flight.get() == 0 || recorded(harness)).await;
        }
        Lost::Nothing => harness.settled().await,
        Lost::Rest | Lost::Record => {}
    }
    harness.crash().await;
    fail_next(&store.records_fail, 0);
    store.is_mute.store(false, Ordering::Relaxed);
}

/// `high 26–24 opened resolved`, with the notifications that are in a message which was sent.
fn described(incident: &Incident) -> String {
    let end = incident.resolved_value.map(|end| end.to_string()).unwrap_or_default();
    let sent = incident.notifications.iter().filter(|notification| {
        matches!(notification.status, DeliveryStatus::InMessage { sent_at: Some(_), .. })
    });
    let kinds = sent.map(
        |notification| if notification.kind == NotificationKind::Opened { " opened" } else { " resolved" },
    );
    format!("{} {}–{end}{}", incident.rule, incident.value.unwrap(), kinds.collect::<String>())
}

/// A message may be repeated, with its Message-ID; a transition is in one message.
fn check_notified_once(journal: &[String]) {
    let mut message_of = BTreeMap::new();
    for line in said(journal, "notify") {
        let (message, transition) = line.split_once(' ').unwrap();
        let before = message_of.insert(transition.to_owned(), message.to_owned());
        assert!(before.is_none_or(|before| before == message), "{transition} in two messages: {journal:?}");
    }
    assert_eq!(message_of.len(), TRANSITIONS, "{journal:?}");
}

async fn check(crash_at: usize, lost: Lost) {
    let store = Watched::fresh();
    crash(&store, crash_at, lost).await;
    // What was given last comes again, and as MQTT allows, some that were settled come again, too.
    let harness = start(&store);
    give_all(&harness, crash_at.saturating_sub(1)..VALUES.len()).await;
    let all = |lines: &[String]| {
        let mut notified: Vec<_> =
            said(lines, "notify").iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
        notified.sort();
        notified.dedup();
        notified.len() == TRANSITIONS
    };
    store.journal.until(all).await;
    harness.end().await;
    let incidents: Vec<_> = store.all().await.iter().map(described).collect();
    assert_eq!(incidents[..10], EXPECTED, "crash at {crash_at}, lost {lost:?}");
    assert_eq!(incidents[10..], [STILL], "crash at {crash_at}, lost {lost:?}");
    check_notified_once(&store.journal.lines());
}

#[tokio::test]
async fn wherever_it_crashes_there_is_one_incident_and_one_message_per_transition() {
    for lost in [Lost::Rest, Lost::Record, Lost::Answer, Lost::Nothing] {
        let mut checks = JoinSet::new();
        for crash_at in 0..VALUES.len() {
            checks.spawn(check(crash_at, lost));
        }
        checks.join_all().await;
    }
}
