//! Other rules while it runs.

use std::time::Duration;

use store::{Batch, End, ReadingStore as _};
use telemetry::{Reading, Series};

use crate::harness::{HIGH, Harness, LAB, at, rules};
use crate::store::{Watched, fail_next};

const STRICT: &str = "[[rules]]\nname = \"high\"\nabove = 20";

#[tokio::test]
async fn a_stricter_rule_opens_at_the_next_reading() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(1, 24.0);
    harness.settled().await;
    harness.rules.send_replace(rules(STRICT));
    harness.give_measured(2, 23.0);
    harness.settled().await;
    let incident = store.only().await;
    assert_eq!((incident.value, incident.opened_at), (Some(23.0), at(2)));
    assert_eq!(incident.condition.threshold, Some(20.0));
}

#[tokio::test]
async fn what_is_usual_is_learned_from_the_store_at_a_start_and_with_a_new_rule() {
    let store = Watched::fresh();
    let usual = |minute: i64| Reading {
        series: Series::parse(LAB).unwrap(),
        value: 20.0 + (minute % 7) as f64 * 0.3,
        unit: None,
        measured_at: at(minute * 60),
        received_at: at(minute * 60),
        boot: None,
        seq: None,
    };
    let readings = (-1_000..0).map(usual).collect();
    store.write(&Batch { readings, ..Batch::default() }.into()).await.unwrap();
    let watched = "[[rules]]\nname = \"odd\"\nunusual = {}";
    let harness = Harness::start(&store, watched);
    harness.give_measured(0, 35.0);
    harness.settled().await;
    assert_eq!(store.only().await.value, Some(35.0));
    harness.rules.send_replace(rules(&watched.replace("odd", "other")));
    harness.give_measured(60, 5.0);
    harness.settled().await;
    let values: Vec<_> =
        store.all().await.into_iter().map(|incident| (incident.rule, incident.value)).collect();
    assert!(values.contains(&("other".into(), Some(5.0))), "{values:?}");
}

#[tokio::test]
async fn a_rule_that_is_removed_ends_its_incident() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(1, 26.0);
    harness.settled().await;
    harness.rules.send_replace(rules(""));
    harness.sees("x").await;
    assert_eq!(store.only().await.end, Some(End::RuleRemoved));
    harness.until(|harness| harness.counters.resolved.get() == 1).await;
    // And one that comes back begins anew.
    harness.rules.send_replace(rules(HIGH));
    harness.give_measured(2, 26.0);
    harness.settled().await;
    assert_eq!(store.all().await.len(), 2);
}

#[tokio::test]
async fn a_rule_that_was_removed_before_the_start_ends_its_incident() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(1, 26.0);
    harness.settled().await;
    harness.crash().await;
    // Nor does a store that stumbles just then let it be forgotten.
    fail_next(&store.holds_fail, 2);
    let _bench = Harness::start(&store, "");
    store.journal.has("record x").await;
    assert_eq!(store.only().await.end, Some(End::RuleRemoved));
}

#[tokio::test]
async fn a_rule_that_became_of_another_kind_before_the_start_ends_its_incident() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    harness.give_measured(1, 26.0);
    harness.settled().await;
    harness.crash().await;
    let harness = Harness::start(&store, "[[rules]]\nname = \"high\"\nbelow = 5");
    store.journal.has("record x").await;
    assert_eq!(store.only().await.end, Some(End::RuleRemoved));
    harness.give_measured(2, 4.0);
    harness.sees("^4").await;
}

#[tokio::test]
async fn a_rate_is_measured_against_what_the_store_knows() {
    let store = Watched::fresh();
    store.know(LAB, at(0)).await;
    let harness = Harness::start(&store, "[[rules]]\nname = \"fast\"\nrate_per_minute = 2");
    harness.give_measured(60, 25.0);
    harness.sees("^5").await;
}

#[tokio::test]
async fn rules_are_adopted_under_a_steady_stream() {
    let store = Watched::fresh();
    let harness = Harness::start(&store, HIGH);
    let (mut ahead, mut steps) = (0, [(STRICT, "^24"), ("", "x"), (HIGH, "")].into_iter());
    let mut awaited = "";
    loop {
        for _ in 0..3_000_u64.saturating_sub(ahead - harness.counters.judged.get()) {
            harness.give_from(LAB, "24", at(0) + Duration::from_millis(ahead));
            ahead += 1;
        }
        if harness.has_seen(awaited) || awaited.is_empty() {
            let Some((text, word)) = steps.next() else { break };
            harness.rules.send_replace(rules(text));
            awaited = word;
        }
        assert!(ahead < 300_000, "not adopted: {awaited}");
        tokio::task::yield_now().await;
    }
    let incident = store.only().await;
    assert_eq!((incident.value, incident.end), (Some(24.0), Some(End::RuleRemoved)));
}
