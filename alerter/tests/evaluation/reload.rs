//! Other rules, while it runs and over a restart.

use std::sync::Arc;

use alerter::Rules;
use store::Phase;

use crate::harness::{Harness, at, reading, rule, rules};

/// While it runs, or over a restart.
fn change(harness: &mut Harness, restart: bool, rules: Arc<Rules>, now: f64) {
    if restart {
        harness.restart(rules, now);
    } else {
        harness.adopt(rules, now);
    }
}

#[test]
fn a_rule_of_the_same_name_and_kind_goes_on() {
    for restart in [false, true] {
        let mut harness = Harness::open(rule("above = 25"));
        harness.observe(&reading(1.0, 28.0));
        change(&mut harness, restart, rule("above = 26\nclear_below = 24\nseverity = \"critical\""), 2.0);
        harness.observe(&reading(3.0, 27.0));
        harness.observe(&reading(4.0, 25.0));
        change(&mut harness, restart, rule("above = 26"), 5.0);
        harness.observe(&reading(6.0, 25.5));
        assert_eq!(harness.events(), "^28@1 v25.5@6", "{restart}");
    }
}

#[test]
fn an_incident_ends_with_its_rule() {
    for new in
        ["", "[[rules]]\nname = \"y\"\nabove = 25", "[[rules]]\nname = \"x\"\nabove = 25\ndevice = \"hall\""]
    {
        for restart in [false, true] {
            let mut harness = Harness::open(rule("above = 25"));
            harness.observe(&reading(1.0, 28.0));
            change(&mut harness, restart, rules(new), 2.0);
            assert_eq!(harness.events(), "^28@1 x@2", "{new} {restart}");
            assert_eq!(harness.kept.phase("x"), Some(&Phase::Normal));
            // And begins anew if the rule comes back.
            harness.adopt(rule("above = 25"), 3.0);
            harness.observe(&reading(4.0, 28.0));
            assert_eq!(harness.kept.incidents.values().filter(|i| i.opened.rule == "x").count(), 2);
        }
    }
}

#[test]
fn an_incident_ends_when_its_rule_is_of_another_kind() {
    for restart in [false, true] {
        let mut harness = Harness::open(rule("above = 25\nfor = \"1s\""));
        harness.observe(&reading(1.0, 28.0));
        change(&mut harness, restart, rule("below = 25"), 1.5);
        assert_eq!(harness.kept.phase("x"), Some(&Phase::Normal), "{restart}");
        change(&mut harness, restart, rule("above = 25"), 2.0);
        harness.observe(&reading(3.0, 28.0));
        change(&mut harness, restart, rule("absent_for = \"1m\""), 4.0);
        assert_eq!(harness.events(), "^28@3 x@4", "{restart}");
        assert_eq!(harness.evaluator.next_deadline(), Some(at(63.0)), "{restart}");
    }
}

#[test]
fn an_absence_goes_on_over_a_reload() {
    let mut harness = Harness::open(rule("absent_for = \"1m\""));
    harness.observe(&reading(0.0, 20.0));
    harness.adopt(rule("absent_for = \"2m\""), 30.0);
    assert_eq!(harness.evaluator.next_deadline(), Some(at(120.0)));
    harness.advance(120.0);
    harness.adopt(rule("absent_for = \"1m\""), 130.0);
    harness.advance(500.0);
    assert_eq!(harness.events(), "^20@120");
    harness.adopt(rules(""), 501.0);
    assert_eq!(harness.events(), "x@501");
    assert_eq!(
        (harness.evaluator.firing(), harness.evaluator.instances(), harness.evaluator.next_deadline()),
        (0, 0, None)
    );
}

#[test]
fn who_is_expected_no_more_is_absent_no_more() {
    let expecting = rule("metric = \"temperature\"\nabsent_for = \"1m\"\nexpect = [\"lab\"]");
    let other = rule("metric = \"temperature\"\nabsent_for = \"1m\"");
    for restart in [false, true] {
        for fires in [false, true] {
            let mut harness = Harness::open(rules(""));
            harness.adopt(expecting.clone(), 5.0);
            assert_eq!(harness.kept.phase("x"), Some(&Phase::Pending { since: at(5.0) }));
            if fires {
                harness.advance(65.0);
            }
            change(&mut harness, restart, other.clone(), 70.0);
            assert_eq!(harness.events(), if fires { "^?@65 x@70" } else { "" });
            assert_eq!(harness.kept.phase("x"), Some(&Phase::Normal));
            assert_eq!(harness.evaluator.next_deadline(), None);
        }
    }
}

#[test]
fn a_new_rule_judges_from_the_next_reading_on() {
    let mut harness = Harness::open(rules(""));
    assert_eq!(harness.observe(&reading(1.0, 28.0)).evaluations, 0);
    harness.adopt(rule("above = 25"), 2.0);
    assert_eq!(harness.observe(&reading(1.0, 28.0)).evaluations, 0);
    assert_eq!(harness.observe(&reading(3.0, 27.0)).evaluations, 1);
    assert_eq!(harness.events(), "^27@3");
}

#[test]
fn a_rate_goes_on_over_a_reload_if_it_is_over_the_same_time() {
    for (over, expected) in [("1m", "^3@60"), ("30s", "")] {
        let mut harness = Harness::open(rule("rate_per_minute = 2"));
        harness.observe(&reading(0.0, 20.0));
        harness.adopt(rule(&format!("rate_per_minute = 1.5\nover = \"{over}\"")), 30.0);
        harness.observe(&reading(60.0, 23.0));
        assert_eq!(harness.events(), expected);
    }
}
