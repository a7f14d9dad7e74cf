//! Devices that are silent.

use std::time::Duration;

use store::{ConditionKind, Phase};
use telemetry::{Reading, Series};

use crate::harness::{Harness, at, lab, reading, rule, rules};

const EXPECTING: &str = "metric = \"temperature\"\ndevice = \"lab\"\nabsent_for = \"2m\"";

#[test]
fn a_silent_device_is_absent_once() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    harness.advance(1_000.0);
    harness.observe(&reading(1_000.0, 20.0));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(1_120.0)));
    harness.observe(&reading(1_060.0, 21.0));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(1_180.0)));
    harness.advance(1_179.999);
    assert_eq!(harness.events(), "");
    harness.advance(1_180.0);
    harness.advance(9_000.0);
    assert_eq!(harness.events(), "^21@1180");
    harness.observe(&reading(9_001.0, 22.0));
    harness.advance(9_120.0);
    assert_eq!(harness.events(), "v22@9001");
    harness.advance(9_121.5);
    assert_eq!(harness.events(), "^22@9121");
}

#[test]
fn a_device_that_was_forgotten_is_waited_for_once_it_speaks_again() {
    let mut harness = Harness::open(rules(
        "[[rules]]\nname = \"silent\"\nabsent_for = \"2m\"\n[[rules]]\nname = \"hot\"\nabove = 30\n",
    ));
    harness.observe(&reading(1_000.0, 31.0));
    assert_eq!(harness.events(), "^31@1000");
    harness.forget("other", 1_010.0);
    assert!(harness.evaluator.next_deadline().is_some());
    harness.forget("lab", 1_010.0);
    assert_eq!((harness.events(), harness.evaluator.next_deadline()), ("x@1010".into(), None));
    harness.advance(5_000.0);
    assert_eq!(harness.events(), "");
    harness.observe(&reading(5_001.0, 20.0));
    harness.forget("lab", 5_000.0);
    harness.advance(5_121.0);
    assert_eq!(harness.events(), "^20@5121", "what came since is not forgotten");
    harness.forget("lab", 5_200.0);
    assert_eq!(harness.events(), "x@5200");
}

#[test]
fn an_absence_says_what_happened() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    harness.observe(&Reading { received_at: at(3.0), ..reading(1.0, 20.0) });
    harness.advance(500.0);
    let (id, kept) = harness.kept.incidents.pop_first().unwrap();
    assert_eq!(id, format!("x/temperature/lab/{}", at(3.0).as_microsecond()));
    let incident = kept.opened;
    assert_eq!(
        (incident.condition.kind, incident.condition.text.as_str()),
        (ConditionKind::Absent, "absent for 2m")
    );
    assert_eq!((incident.condition.threshold, incident.peak, incident.value), (None, None, Some(20.0)));
    assert_eq!((incident.began_at, incident.opened_at, incident.judged_at), (at(3.0), at(123.0), at(500.0)));
    assert!(!incident.late && kept.notified.len() == 1);
}

#[test]
fn a_late_reading_is_a_sign_of_life_and_a_repeated_delivery_is_none() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    let last = Reading { received_at: at(100.4), ..reading(100.0, 20.0) };
    harness.observe(&last);
    harness.advance(300.0);
    harness.events();
    harness.observe(&last);
    assert_eq!(harness.events(), "");
    let late = Reading { received_at: at(301.0), ..reading(50.0, 19.0) };
    assert!(harness.observe(&late).late);
    assert_eq!(harness.events(), "v19@301");
    assert_eq!(harness.evaluator.next_deadline(), Some(at(421.0)));
}

#[test]
fn a_replay_of_old_readings_is_not_waited_for() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    let day = 24.0 * 3_600.0;
    let replayed = |age: f64| Reading {
        measured_at: at(10.0 * day - age),
        received_at: at(10.0 * day),
        ..reading(0.0, 20.0)
    };
    harness.observe(&replayed(day + 1.0));
    assert_eq!(harness.evaluator.next_deadline(), None, "it tells of the past alone");
    harness.restart(rule("absent_for = \"2m\""), 10.0 * day + 60.0);
    assert_eq!(harness.evaluator.next_deadline(), None, "nor after a restart");
    harness.observe(&replayed(day - 1.0));
    assert_eq!(
        harness.evaluator.next_deadline(),
        Some(at(10.0 * day + 120.0)),
        "a late reading is a sign of life"
    );
    harness.observe(&Reading { received_at: at(10.0 * day + 30.0), ..replayed(2.0 * day) });
    assert_eq!(
        harness.evaluator.next_deadline(),
        Some(at(10.0 * day + 150.0)),
        "who is waited for sends what it has kept"
    );
}

#[test]
fn a_device_that_is_expected_is_absent_though_it_never_spoke() {
    let mut harness = Harness::open(rule(EXPECTING));
    assert_eq!(harness.kept.phase("x"), Some(&Phase::Pending { since: at(0.0) }));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(120.0)));
    // The time survives restarts, and is not written again.
    harness.restart(rule(EXPECTING), 60.0);
    assert_eq!(harness.kept.phase("x"), Some(&Phase::Pending { since: at(0.0) }));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(120.0)));
    harness.restart(rule(EXPECTING), 115.0);
    assert_eq!(harness.evaluator.next_deadline(), Some(at(125.0)));
    harness.advance(125.0);
    assert_eq!(harness.events(), "^?@120");
    harness.restart(rule(EXPECTING), 130.0);
    harness.advance(1_000.0);
    assert_eq!(harness.events(), "");
    harness.observe(&reading(1_001.0, 20.0));
    assert_eq!(harness.events(), "v20@1001");
    harness.advance(1_121.0);
    assert_eq!(harness.events(), "^20@1121");
}

#[test]
fn a_device_that_is_expected_and_speaks_is_there() {
    let mut harness = Harness::open(rule(EXPECTING));
    harness.observe(&reading(50.0, 20.0));
    assert_eq!(harness.kept.phase("x"), Some(&Phase::Normal));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(170.0)));
}

#[test]
fn after_a_start_devices_have_time_to_come_back() {
    for (after, down_until, deadline) in
        [("2m", 60.0, 120.0), ("2m", 115.0, 125.0), ("2m", 5_000.0, 5_010.0), ("3s", 5_000.0, 5_003.0)]
    {
        let keys = format!("absent_for = \"{after}\"");
        let mut harness = Harness::open(rule(&keys));
        harness.observe(&reading(0.0, 20.0));
        harness.restart(rule(&keys), down_until);
        assert_eq!(harness.evaluator.next_deadline(), Some(at(deadline)), "{after} {down_until}");
        harness.advance(deadline);
        // It opens at the time at which it would have opened.
        let seconds = Duration::from_secs(if after == "3s" { 3 } else { 120 }).as_secs();
        assert_eq!(harness.events(), format!("^20@{seconds}"));
    }
}

#[test]
fn what_fires_goes_on_firing_after_a_start() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    let last = Reading { received_at: at(0.5), ..reading(0.0, 20.0) };
    harness.observe(&last);
    harness.advance(200.0);
    harness.events();
    let weeks = 40.0 * 86_400.0;
    harness.restart(rule("absent_for = \"2m\""), weeks);
    assert_eq!((harness.evaluator.firing(), harness.evaluator.next_deadline()), (1, None));
    // What was not settled is delivered again.
    harness.observe(&last);
    assert_eq!(harness.events(), "");
    harness.observe(&reading(weeks, 21.0));
    assert_eq!(harness.events(), format!("v21@{weeks}"));
}

#[test]
fn who_was_silent_for_a_day_is_not_waited_for() {
    for (keys, silent, waited) in [
        ("absent_for = \"2m\"", 23.9, true),
        ("absent_for = \"2m\"", 24.1, false),
        ("absent_for = \"3h\"", 29.9, true),
        ("absent_for = \"3h\"", 30.1, false),
        (EXPECTING, 1_000.0, true),
    ] {
        let mut harness = Harness::open(rule("above = 1000"));
        harness.observe(&reading(0.0, 20.0));
        let now = silent * 3_600.0;
        harness.restart(rule(keys), now);
        assert_eq!(harness.evaluator.next_deadline(), waited.then(|| at(now + 10.0)), "{keys} {silent}");
        let mut harness = Harness::open(rule("above = 1000"));
        harness.observe(&reading(0.0, 20.0));
        harness.adopt(rule(keys), now);
        assert_eq!(harness.evaluator.next_deadline().is_some(), waited, "{keys} {silent}");
        harness.observe(&reading(now, 20.0));
        assert!(harness.evaluator.next_deadline().is_some());
    }
}

#[test]
fn what_the_store_knows_is_a_sign_of_life() {
    let mut harness = Harness::open(rule("absent_for = \"2m\""));
    harness.evaluator.heard(&lab(), at(10.0));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(130.0)));
    harness.evaluator.heard(&lab(), at(5.0));
    assert_eq!(harness.evaluator.next_deadline(), Some(at(130.0)));
    harness.advance(130.0);
    assert_eq!(harness.events(), "^?@130");
    // The reading is on its way, and ends it.
    harness.evaluator.heard(&lab(), at(140.0));
    harness.observe(&reading(140.0, 20.0));
    assert_eq!(harness.events(), "v20@140");
    assert_eq!(harness.evaluator.next_deadline(), Some(at(260.0)));
}

#[test]
fn many_are_absent_in_order() {
    let mut harness = Harness::open(rules(
        "rules = [{ name = \"a\", absent_for = \"1m\" }, { name = \"b\", absent_for = \"3m\" }]",
    ));
    let devices: Vec<_> = (0..500).map(|n| Series::parse(&format!("temperature/d{n}")).unwrap()).collect();
    for round in 0..10 {
        for (n, topic) in (0u32..).zip(&devices) {
            let second = f64::from(round) * 10.0 + f64::from(n * 37 % 500) / 100.0;
            harness.observe(&Reading { series: topic.clone(), ..reading(second, 1.0) });
        }
    }
    assert_eq!(harness.evaluator.next_deadline(), Some(at(150.0)));
    let mut clock = 149.0;
    while clock < 300.0 {
        harness.advance(clock);
        clock += 0.5;
    }
    assert_eq!(harness.evaluator.firing(), 1_000);
    for kept in harness.kept.incidents.values() {
        let after = if kept.opened.rule == "a" { 60 } else { 180 };
        assert_eq!(kept.opened.opened_at.duration_since(kept.opened.began_at).as_secs(), after);
        let noticed = kept.opened.judged_at.duration_since(kept.opened.opened_at);
        assert!(noticed.as_secs_f64() <= 0.5, "{kept:?}");
    }
}
