//! Limits with a unit, and readings in the same unit, in another one, and in none.

use store::ConditionKind;
use telemetry::Reading;

use crate::harness::{Harness, reading, rule};

fn in_unit(second: f64, value: f64, unit: Option<&str>) -> Reading {
    Reading { unit: unit.map(str::to_owned), ..reading(second, value) }
}

/// What opened: the condition, its limit, and the unit.
fn opened(keys: &str, readings: &[(f64, Option<&str>)]) -> Option<(String, Option<f64>, Option<String>)> {
    let mut harness = Harness::open(rule(keys));
    for (second, (value, unit)) in readings.iter().enumerate() {
        harness.observe(&in_unit(second as f64, *value, *unit));
    }
    let incident = &harness.kept.incidents.values().next()?.opened;
    let condition = &incident.condition;
    Some((condition.text.clone(), condition.threshold, incident.unit.clone()))
}

#[test]
fn a_limit_is_compared_in_the_unit_of_the_reading() {
    for (keys, value, unit, is_open) in [
        ("above = \"75.2 °F\"", 24.0, "celsius", false),
        ("above = \"75.2 °F\"", 24.01, "celsius", true),
        ("above = \"75.2 °F\"", 24.01, "°C", true),
        ("above = \"75.2 °F\"", 75.2, "fahrenheit", false),
        ("above = \"75.2 °F\"", 75.3, "°F", true),
        ("above = \"75.2 °F\"", 297.16, "K", true),
        ("above = 24\nunit = \"celsius\"", 75.0, "°F", false),
        ("above = 24\nunit = \"celsius\"", 75.3, "°F", true),
        ("below = \"1 kWh\"", 999.0, "Wh", true),
        ("outside = [\"59 °F\", \"25 °C\"]", 14.9, "celsius", true),
        ("outside = [\"59 °F\", \"25 °C\"]", 20.0, "celsius", false),
        ("outside = [\"59 °F\", \"25 °C\"]", 25.1, "celsius", true),
        ("above = 20", 21.0, "fahrenheit", true),
    ] {
        assert_eq!(opened(keys, &[(value, Some(unit))]).is_some(), is_open, "{keys}: {value} {unit}");
    }
}

#[test]
fn an_incident_is_in_the_unit_of_its_reading_with_a_limit_for_people() {
    let (text, threshold, unit) = opened("above = \"75 °F\"", &[(24.5, Some("celsius"))]).unwrap();
    assert_eq!((text.as_str(), unit.as_deref()), ("above 23.8889", Some("celsius")));
    assert!((threshold.unwrap() - 23.888_888_888_9).abs() < 1e-9, "{threshold:?}");
    let (text, threshold, unit) = opened("above = \"75 °F\"", &[(76.0, Some("fahrenheit"))]).unwrap();
    assert_eq!((text.as_str(), threshold, unit.as_deref()), ("above 75", Some(75.0), Some("fahrenheit")));
}

#[test]
fn a_change_converts_without_the_offset() {
    let keys = "rate_per_minute = \"9 °F\"\nover = \"60s\"";
    let after_a_minute = |change: f64| {
        let mut harness = Harness::open(rule(keys));
        harness.observe(&in_unit(0.0, 20.0, Some("celsius")));
        harness.observe(&in_unit(60.0, 20.0 + change, Some("celsius")));
        harness.kept.incidents.values().next().map(|incident| incident.opened.condition.clone())
    };
    assert_eq!(after_a_minute(4.9), None);
    let condition = after_a_minute(5.1).unwrap();
    assert_eq!(
        (condition.kind, condition.text.as_str()),
        (ConditionKind::Rate, "changing by more than 5 per minute")
    );
}

#[test]
fn hysteresis_converts_with_the_limit() {
    let mut harness = Harness::open(rule("above = \"77 °F\"\nclear_below = \"75.2 °F\""));
    let is_open = |harness: &Harness| harness.kept.incidents.values().any(|one| one.resolved.is_none());
    for (second, value, expected) in
        [(0.0, 25.5, true), (1.0, 24.5, true), (2.0, 24.0, true), (3.0, 23.9, false)]
    {
        harness.observe(&in_unit(second, value, Some("celsius")));
        assert_eq!(is_open(&harness), expected, "{value}");
    }
}

#[test]
fn a_reading_without_a_unit_is_in_that_of_the_rule() {
    assert_eq!(opened("above = \"75 °F\"", &[(74.0, None)]), None);
    let (text, _, unit) = opened("above = \"75 °F\"", &[(76.0, None)]).unwrap();
    assert_eq!((text.as_str(), unit), ("above 75", None));
}

#[test]
fn a_unit_that_measures_something_else_changes_nothing_and_is_noted() {
    let mut harness = Harness::open(rule("above = \"75 °F\""));
    assert_eq!(harness.observe(&in_unit(0.0, 99.0, Some("percent"))).incomparable, Some(0));
    assert_eq!(harness.observe(&in_unit(1.0, 99.0, Some("parrots"))).incomparable, Some(0));
    assert!(harness.kept.incidents.is_empty());
    assert_eq!(harness.observe(&in_unit(2.0, 30.0, Some("celsius"))).incomparable, None);
    assert_eq!(harness.observe(&in_unit(3.0, 0.0, Some("percent"))).incomparable, Some(0));
    assert!(harness.kept.incidents.values().all(|incident| incident.resolved.is_none()), "it stays open");
}
