//! Readings that come late, twice, or from the future; and when a late incident is announced.

use proptest::prelude::*;
use telemetry::{Reading, Series};

use crate::harness::{Harness, LIMITS, at, reading, rule, rules};

/// Measured, and received that much later.
fn delayed(measured: f64, delay: f64, value: f64) -> Reading {
    Reading { received_at: at(measured + delay), ..reading(measured, value) }
}

#[test]
fn what_is_older_than_the_newest_changes_nothing() {
    let mut harness = Harness::open(rule("above = 25"));
    for (second, value, late, evaluations) in [
        (5.0, 24.0, false, 1),
        (3.0, 26.0, true, 0),
        (5.0, 24.0, false, 0),
        // At the same time, the greater value is the newer.
        (5.0, 23.0, true, 0),
        (5.0, 26.0, false, 1),
        (4.0, 20.0, true, 0),
        (6.0, 20.0, false, 1),
    ] {
        let observed = harness.observe(&reading(second, value));
        assert_eq!((observed.late, observed.evaluations), (late, evaluations), "{second} {value}");
    }
    assert_eq!(harness.events(), "^26@5 v20@6");
}

#[test]
fn boot_and_seq_order_what_was_measured_at_one_time() {
    let mut harness = Harness::open(rule("above = 25"));
    let numbered = |boot, seq, value| Reading { boot: Some(boot), seq: Some(seq), ..reading(1.0, value) };
    harness.observe(&numbered(1, 5, 26.0));
    assert!(harness.observe(&numbered(1, 4, 24.0)).late);
    harness.observe(&numbered(1, 6, 24.0));
    assert!(harness.observe(&numbered(0, 9, 26.0)).late);
    harness.observe(&numbered(2, 1, 27.0));
    assert_eq!(harness.events(), "^26@1 v24@1 ^27@1");
}

/// The harness checks that their ids differ.
#[test]
fn incidents_of_one_microsecond_are_two() {
    let mut harness = Harness::open(rule("outside = [15, 25]"));
    for value in [10.0, 20.0, 30.0] {
        harness.observe(&reading(1.0, value));
    }
    assert_eq!(harness.events(), "^10@1 v20@1 ^30@1");
}

#[test]
fn a_clock_that_was_ahead_holds_nothing_back_when_it_is_set_right() {
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&delayed(300.0, -200.0, 26.0));
    harness.observe(&delayed(101.0, 0.0, 24.0));
    harness.observe(&delayed(102.0, 0.0, 27.0));
    assert_eq!(harness.events(), "^26@300 v24@101 ^27@102");
    // What is delivered again did not come after it.
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&delayed(99.0, 0.0, 24.0));
    harness.observe(&delayed(300.0, -200.0, 26.0));
    assert!(harness.observe(&delayed(99.0, 0.0, 24.0)).late);
}

#[test]
fn a_clock_that_stays_ahead_keeps_its_order() {
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&delayed(200.0, -100.0, 26.0));
    harness.observe(&delayed(201.0, -100.0, 24.0));
    assert!(harness.observe(&delayed(200.0, -98.0, 26.0)).late);
    assert_eq!(harness.events(), "^26@200 v24@201");
}

#[test]
fn a_clock_that_is_set_back_delays_neither_opening_nor_end() {
    let mut harness = Harness::open(rule("above = 25\nfor = \"10s\"\nkeep_firing_for = \"10s\""));
    for (measured, received, value) in [
        (300.0, 100.0, 26.0),
        (101.0, 101.0, 26.0),
        (111.0, 111.0, 26.0),
        (400.0, 112.0, 24.0),
        (113.0, 113.0, 24.0),
        (123.0, 123.0, 24.0),
    ] {
        harness.observe(&delayed(measured, received - measured, value));
    }
    assert_eq!(harness.events(), "^26@111 v24@123");
    let mut harness = Harness::open(rule("stuck_for = \"10s\""));
    for (measured, received) in [(300.0, 100.0), (101.0, 101.0), (111.0, 111.0)] {
        harness.observe(&delayed(measured, received - measured, 20.0));
    }
    assert_eq!(harness.events(), "^20@111");
    let mut harness = Harness::open(rule("rate_per_minute = 2"));
    for (measured, received, value) in [(300.0, 100.0, 20.0), (101.0, 101.0, 20.0), (161.0, 161.0, 23.0)] {
        harness.observe(&delayed(measured, received - measured, value));
    }
    assert_eq!(harness.events(), "^3@161");
}

#[test]
fn a_late_incident_is_announced_only_once_a_fresh_reading_leaves_it_open() {
    for (readings, expected) in [
        (vec![(0.0, 60.0, 26.0)], "^26@0"),
        (vec![(0.0, 61.0, 26.0), (1.0, 60.0, 24.0)], "(^26@0) v24@1"),
        (
            vec![(0.0, 300.0, 26.0), (1.0, 299.5, 27.0), (300.0, 0.5, 26.0), (301.0, 0.0, 26.5)],
            "(^26@0) *27 !",
        ),
        // A peak and the news at once.
        (vec![(0.0, 300.0, 26.0), (300.0, 1.0, 28.0), (302.0, 0.0, 24.0)], "(^26@0) *28 ! v24@302"),
    ] {
        let mut harness = Harness::open(rule("above = 25"));
        for &(measured, delay, value) in &readings {
            harness.observe(&delayed(measured, delay, value));
        }
        assert_eq!(harness.events(), expected, "{readings:?}");
    }
    // Within the hysteresis it is still open, and announced; while it recovers it is not.
    let mut harness = Harness::open(rule("above = 25\nclear_below = 24\nkeep_firing_for = \"1m\""));
    for (measured, delay, value) in [(0.0, 300.0, 26.0), (300.0, 0.0, 23.0), (301.0, 0.0, 24.5)] {
        harness.observe(&delayed(measured, delay, value));
    }
    assert_eq!(harness.events(), "(^26@0) !");
}

/// Otherwise no incident of a device whose clock is two minutes behind would ever be announced.
#[test]
fn a_clock_that_is_behind_is_no_silence() {
    let mut harness = Harness::open(rule("above = 25"));
    for second in 0..10 {
        harness.observe(&delayed(f64::from(second), 120.0, if second < 5 { 24.0 } else { 26.0 }));
    }
    assert_eq!(harness.events(), "^26@5");
    // A backlog comes at once, after a break.
    let mut harness = Harness::open(rule("above = 25"));
    harness.observe(&reading(0.0, 24.0));
    for second in 1..200 {
        let measured = f64::from(second);
        let received = 300.0 + measured / 100.0;
        harness.observe(&delayed(measured, received - measured, if second < 5 { 24.0 } else { 26.0 }));
    }
    assert_eq!(harness.events(), "(^26@5)");
    harness.observe(&reading(303.0, 26.0));
    assert_eq!(harness.events(), "!");
}

#[test]
fn topics_and_rules_stand_apart() {
    let mut harness = Harness::open(rules(
        "rules = [{ name = \"a\", above = 25 }, { name = \"b\", metric = \"temperature\", device = \"hall/+\", above = 20 }]",
    ));
    let on = |topic: &str, value| Reading { series: Series::parse(topic).unwrap(), ..reading(1.0, value) };
    for (topic, value, evaluations) in [
        ("temperature/lab", 24.0, 1),
        ("humidity/lab", 60.0, 1),
        ("temperature/hall/1", 22.0, 2),
        ("humidity/hall/1", 22.0, 1),
        ("temperature/hall", 22.0, 1),
    ] {
        assert_eq!(harness.observe(&on(topic, value)).evaluations, evaluations, "{topic}");
    }
    assert_eq!(harness.evaluator.instances(), 6);
    let ids: Vec<_> = harness.kept.incidents.keys().map(|id| id.rsplit_once('/').unwrap().0).collect();
    assert_eq!(ids, ["a/humidity/lab", "b/temperature/hall/1"]);
}

/// The alert_state of a subject is kept when its phase changes, and not with every reading.
#[test]
fn nothing_is_written_while_nothing_changes() {
    let mut changes = store::Changes::default();
    let mut harness = Harness::open(rules(
        "rules = [{ name = \"a\", above = 25 }, { name = \"b\", stuck_for = \"1h\" }, { name = \"c\", rate_per_minute = 5 },
        { name = \"d\", absent_for = \"1m\" }, { name = \"e\", above = 10, for = \"1h\" }]",
    ));
    for second in 0..1_000 {
        let value = 20.0 + f64::from(second % 2);
        harness.evaluator.observe(&reading(f64::from(second), value), at(0.0), &mut changes);
    }
    assert_eq!(changes.alert_states.len(), 1, "{changes:?}");
    assert!(changes.transitions.is_empty());
}

fn all_kinds() -> std::sync::Arc<alerter::Rules> {
    let more = r#"
        [[rules]]
        name = "rate"
        rate_per_minute = 30
        over = "4s"
        [[rules]]
        name = "stuck"
        stuck_for = "4s"
    "#;
    rules(&format!("{LIMITS}{more}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn duplicates_of_earlier_readings_change_nothing(
        steps in prop::collection::vec((1u32..5, 0u32..5, prop::option::weighted(0.1, 60u32..200)), 1..80),
        again in prop::collection::vec((0usize..80, 0usize..80), 0..80),
    ) {
        let mut second = 0.0;
        let readings: Vec<_> = steps.iter().map(|&(step, value, delay)| {
            second += f64::from(step);
            delayed(second, delay.map_or(0.0, f64::from), f64::from(value))
        }).collect();
        let mut once = Harness::open(all_kinds());
        let mut often = Harness::open(all_kinds());
        for (index, reading) in readings.iter().enumerate() {
            once.observe(reading);
            often.observe(reading);
            for (_, earlier) in again.iter().filter(|(after, earlier)| *after == index && earlier <= after) {
                let again = &readings[*earlier];
                // A device that publishes it again, or a broker that delivers it again.
                let received_at = if earlier % 2 == 0 { again.received_at } else { reading.received_at.max(again.received_at) };
                let observed = often.observe(&Reading { received_at, ..again.clone() });
                prop_assert_eq!(observed.evaluations, 0);
            }
        }
        prop_assert_eq!(once.events(), often.events());
        prop_assert_eq!(once.kept, often.kept);
    }
}
