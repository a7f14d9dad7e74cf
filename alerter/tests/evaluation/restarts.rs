//! Restarts between batches.

use std::sync::Arc;

use alerter::{Evaluator, Rules};
use proptest::prelude::*;
use store::Changes;
use telemetry::{Reading, Series};

use crate::harness::{Harness, Kept, LIMITS, at, keep_latest, reading, rule, rules};

fn watched() -> Arc<Rules> {
    let more = r#"
        keep_firing_for = "2s"
        [[rules]]
        name = "absent"
        absent_for = "12s"
    "#;
    rules(&format!("{LIMITS}{more}"))
}

#[test]
fn a_peak_outlives_a_restart() {
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&reading(1.0, 26.0));
    harness.observe(&reading(2.0, 28.0));
    harness.restart(rule("above = 25"), 3.0);
    harness.observe(&reading(3.0, 27.0));
    harness.observe(&reading(4.0, 28.5));
    assert_eq!(harness.events(), "^26@1 *28 *28.5");
}

#[test]
fn whether_an_incident_is_announced_outlives_a_restart() {
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&Reading { received_at: at(300.0), ..reading(1.0, 26.0) });
    harness.restart(rule("above = 25"), 301.0);
    harness.observe(&reading(301.0, 26.0));
    harness.restart(rule("above = 25"), 302.0);
    harness.observe(&reading(303.0, 26.0));
    assert_eq!(harness.events(), "(^26@1) !");
}

#[test]
fn a_value_that_is_stuck_outlives_a_restart() {
    let keys = "stuck_for = \"10s\"";
    for (restarts, expected) in [
        (vec![5.0], "^20@10 v21@16"),
        (vec![12.0], "^20@10 v21@16"),
        (vec![5.0, 6.0, 11.0, 15.5], "^20@10 v21@16"),
        // What came once before is counted from the next time on.
        (vec![1.0], "^20@14 v21@16"),
    ] {
        let readings = [(0.0, 20.0), (4.0, 20.0), (10.0, 20.0), (14.0, 20.0), (16.0, 21.0), (20.0, 21.0)];
        assert_eq!(with_restarts(keys, &restarts, &readings), expected, "{restarts:?}");
    }
}

#[test]
fn a_rate_is_measured_against_what_came_before_a_restart() {
    let keys = "rate_per_minute = 2";
    for (restarts, readings, expected) in [
        // A jump while no evaluator ran.
        (vec![61.0], vec![(0.0, 20.0), (60.0, 20.0), (120.0, 25.0), (180.0, 25.0)], "^5@120 v0@180"),
        (vec![70.0], vec![(0.0, 20.0), (60.0, 20.0), (90.0, 25.0), (121.0, 25.0)], "^4.92@121"),
        // It goes on, and ends when it is over.
        (vec![61.0], vec![(0.0, 0.0), (60.0, 3.0), (90.0, 3.0), (150.0, 3.0)], "^3@60 v0@150"),
        (vec![61.0, 91.0], vec![(0.0, 0.0), (60.0, 3.0), (90.0, 3.0), (150.0, 3.0)], "^3@60 v0@150"),
    ] {
        assert_eq!(with_restarts(keys, &restarts, &readings), expected, "{restarts:?} {readings:?}");
    }
}

/// Else no rate would ever last for longer than from one restart to the next.
#[test]
fn a_rate_that_is_not_known_just_after_a_restart_changes_nothing() {
    let rising: Vec<_> = (0..8u32).map(|n| (f64::from(n) * 30.0, f64::from(n) * 1.5)).collect();
    let (keys, restarts) = ("rate_per_minute = 2\nfor = \"2m\"", [100.0]);
    assert_eq!(with_restarts(keys, &[], &rising), "^3@180");
    assert_eq!(with_restarts(keys, &restarts, &rising), "^3@180");
    let over = [(0.0, 0.0), (60.0, 3.0), (120.0, 3.0), (150.0, 3.0), (180.0, 3.0), (240.0, 3.0)];
    let keys = "rate_per_minute = 2\nkeep_firing_for = \"2m\"";
    assert_eq!(with_restarts(keys, &[], &over), "^3@60 v0@240");
    assert_eq!(with_restarts(keys, &[125.0], &over), "^3@60 v0@240");
}

/// Readings that are stored and were not evaluated do not look like a clock that was set back for long.
#[test]
fn a_rate_is_measured_anew_where_the_store_is_ahead_of_the_judge() {
    let mut harness = Harness::open(rule("rate_per_minute = 2"));
    harness.observe(&reading(0.0, 0.0));
    harness.observe(&reading(60.0, 1.0));
    harness.restart(rule("rate_per_minute = 2"), 61.0);
    for (second, value) in [(40.0, 0.5), (60.0, 1.0), (100.0, 4.0)] {
        harness.observe(&reading(second, value));
    }
    assert_eq!(harness.events(), "^3.5@100");
}

fn with_restarts(keys: &str, restarts: &[f64], readings: &[(f64, f64)]) -> String {
    let mut harness = Harness::open(rule(keys));
    let mut restarts = restarts.iter().peekable();
    for &(second, value) in readings {
        while let Some(now) = restarts.next_if(|now| **now < second) {
            harness.restart(rule(keys), *now);
        }
        harness.observe(&reading(second, value));
    }
    harness.events()
}

/// Two alerters that take turns, each of which begins with what the other kept.
fn in_batches(readings: &[Reading], ends: &[usize], unsettled: usize) -> Kept {
    let mut kept = Kept::default();
    let (mut evaluator, _) = Evaluator::resume(watched(), vec![], &[], at(0.0));
    let mut changes = Changes::default();
    let mut latest = std::collections::BTreeMap::new();
    // After all of it, as nothing is judged before it was received.
    let (mut given, judged_at) = (0, at(100_000.0));
    for index in 0..readings.len() {
        if ends.contains(&index) && given < index {
            kept.record(&std::mem::take(&mut changes));
            let newest: Vec<_> = latest.values().cloned().collect();
            let now = readings[index].received_at;
            let (resumed, more) = Evaluator::resume(watched(), kept.alert_states(), &newest, now);
            evaluator = resumed;
            kept.record(&more);
            for reading in &readings[index.saturating_sub(unsettled)..index] {
                evaluator.observe(reading, judged_at, &mut changes);
            }
            given = index;
        }
        let reading = &readings[index];
        // The stream's clock; a restart gives time to come back, so absences are noted later, with the same times.
        evaluator.advance(reading.received_at, judged_at, &mut changes);
        evaluator.observe(reading, judged_at, &mut changes);
        keep_latest(&mut latest, reading);
    }
    kept.record(&changes);
    kept
}

fn of_readings(kept: &Kept) -> Vec<(&String, Option<f64>, Option<jiff::Timestamp>, usize)> {
    let by_readings = kept.incidents.iter().filter(|(_, incident)| incident.opened.rule != "absent");
    by_readings
        .map(|(id, incident)| {
            (id, incident.peak, incident.resolved.map(|(at, _, _)| at), incident.notified.len())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_restart_between_batches_leaves_the_same_incidents(
        steps in prop::collection::vec((1u32..6, 0u32..5, 0u32..3, any::<bool>()), 1..80),
        ends in prop::collection::vec(1usize..80, 0..8),
        unsettled in 0usize..6,
    ) {
        let mut second = 0.0;
        let mut readings = Vec::new();
        for &(step, value, device, repeat) in &steps {
            second += f64::from(step);
            let topic = Series::parse(&format!("temperature/d{device}")).unwrap();
            let reading = Reading { series: topic, ..reading(second, f64::from(value)) };
            if repeat {
                readings.extend(readings.last().cloned());
            }
            readings.push(reading);
        }
        let whole = in_batches(&readings, &[], 0);
        let interrupted = in_batches(&readings, &ends, unsettled);
        prop_assert_eq!(of_readings(&whole), of_readings(&interrupted));
        // Absences may be fewer, for devices that came back in their time, and are never others.
        for (id, incident) in interrupted.incidents.iter().filter(|(_, incident)| incident.opened.rule == "absent") {
            prop_assert_eq!(Some(&incident.opened), whole.incidents.get(id).map(|whole| &whole.opened));
        }
    }
}
