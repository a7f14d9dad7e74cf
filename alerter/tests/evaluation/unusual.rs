//! Rules that watch for values that are rare beside what a series did before.

use std::ops::Range;

use store::ConditionKind;
use telemetry::{Reading, Series};

use crate::harness::{Harness, reading, rule, rules};

const MINUTE: f64 = 60.0;

/// Twenty degrees and a little, each minute.
fn usual(minute: u32) -> Reading {
    reading(f64::from(minute) * MINUTE, 20.0 + f64::from(minute % 7) * 0.3)
}

fn observe_usual(harness: &mut Harness, minutes: Range<u32>) {
    for minute in minutes {
        harness.observe(&usual(minute));
    }
}

fn after(minute: u32, value: f64) -> Reading {
    reading(f64::from(minute) * MINUTE, value)
}

#[test]
fn an_incident_says_what_was_usual_until_then_and_ends_after_a_quarter_of_an_hour() {
    let mut harness = Harness::open(rule("unusual = {}"));
    observe_usual(&mut harness, 0..1_000);
    assert_eq!(harness.events(), "");
    harness.observe(&after(1_000, 35.0));
    assert_eq!(harness.events(), "^35@60000");
    let incident = harness.kept.incidents.first_key_value().unwrap().1.opened.clone();
    let condition = incident.condition;
    assert_eq!(condition.kind, ConditionKind::Unusual);
    let range = condition.text.strip_prefix("unusual, mostly ").unwrap();
    let (low, high) = range.split_once(" to ").unwrap();
    let (low, high): (f64, f64) = (low.parse().unwrap(), high.parse().unwrap());
    assert!((19.5..20.5).contains(&low) && (21.5..22.5).contains(&high), "{range}");
    assert!((condition.threshold.unwrap() - high).abs() < 0.01, "the end that was crossed");
    assert_eq!((incident.value, incident.peak), (Some(35.0), Some(35.0)));
    observe_usual(&mut harness, 1_001..1_016);
    assert_eq!(harness.events(), "");
    harness.observe(&usual(1_016));
    assert!(harness.events().starts_with('v'));
}

#[test]
fn a_start_goes_on_from_what_the_store_has() {
    let mut harness = Harness::open(rule("unusual = {}\nkeep_firing_for = \"0s\""));
    let before: Vec<_> = (0..1_000).map(usual).collect();
    observe_usual(&mut harness, 0..1_000);
    harness.restart(rule("unusual = {}\nkeep_firing_for = \"0s\""), 1_000.0 * MINUTE);
    let lab = Series::parse("temperature/lab").unwrap();
    assert_eq!(harness.evaluator.to_learn(), std::slice::from_ref(&lab));
    harness.evaluator.learn(&lab, &before);
    assert_eq!(harness.evaluator.to_learn(), []);
    harness.observe(&after(1_000, 35.0));
    assert_eq!(harness.events(), "^35@60000");
}

#[test]
fn not_more_series_are_watched_than_there_may_be() {
    let text = "max_unusual = 2\n[[rules]]\nname = \"x\"\nunusual = {}";
    let mut harness = Harness::open(rules(text));
    for number in 0..5 {
        let series = Series::parse(&format!("temperature/device-{number}")).unwrap();
        for minute in 0..1_000 {
            harness.observe(&Reading { series: series.clone(), ..usual(minute) });
        }
        harness.observe(&Reading { series, ..after(1_000, 35.0) });
    }
    assert_eq!(harness.evaluator.unusual(), 2);
    assert_eq!(harness.events(), "^35@60000 ^35@60000");
    harness.adopt(rules(&text.replace('2', "4")), 60_001.0);
    assert_eq!(harness.evaluator.unusual(), 4);
}

#[test]
fn the_simple_rule_counts_and_opens_nothing() {
    let mut harness = Harness::open(rule("above = 100"));
    (0..60).for_each(|minute| assert!(!harness.observe(&usual(minute)).is_anomaly));
    assert!(harness.observe(&after(60, 35.0)).is_anomaly);
    assert_eq!((harness.events(), harness.evaluator.unusual()), (String::new(), 0));
}
