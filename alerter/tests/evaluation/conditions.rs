//! Tables of (second, value) → events, for every condition that readings are evidence of.

use store::ConditionKind;

use crate::harness::{Harness, at, reading, rule};

fn check(keys: &str, table: &[(&[(f64, f64)], &str)]) {
    for (readings, expected) in table {
        let mut harness = Harness::open(rule(keys));
        for &(second, value) in *readings {
            harness.observe(&reading(second, value));
        }
        assert_eq!(harness.events(), *expected, "{keys}\n{readings:?}");
    }
}

#[test]
fn above() {
    check(
        "above = 25",
        &[
            (&[(1.0, 24.0), (2.0, 25.0)], ""),
            (&[(1.0, 26.0), (2.0, 25.5), (3.0, 25.0), (4.0, 23.0)], "^26@1 v25@3"),
            (&[(1.0, 26.0), (2.0, 27.0), (3.0, 26.5), (4.0, 28.0)], "^26@1 *27 *28"),
            (&[(1.0, 26.0), (2.0, 24.0), (3.0, 26.5), (4.0, 25.0)], "^26@1 v24@2 ^26.5@3 v25@4"),
        ],
    );
    check(
        "above = 25\nclear_below = 24.5",
        &[
            (&[(1.0, 26.0), (2.0, 24.5), (3.0, 25.5), (4.0, 24.4)], "^26@1 v24.4@4"),
            (&[(1.0, 24.8), (2.0, 25.0), (3.0, 25.1)], "^25.1@3"),
        ],
    );
    check("above = 25\nclear_below = 25", &[(&[(1.0, 26.0), (2.0, 25.0), (3.0, 24.9)], "^26@1 v24.9@3")]);
}

#[test]
fn below() {
    check(
        "below = 3",
        &[
            (&[(1.0, 3.0), (2.0, 2.9), (3.0, 2.0), (4.0, 2.5), (5.0, 3.0)], "^2.9@2 *2 v3@5"),
            (&[(1.0, -3.0), (2.0, 5.0)], "^-3@1 v5@2"),
        ],
    );
    check("below = 3\nclear_above = 4", &[(&[(1.0, 2.0), (2.0, 4.0), (3.0, 4.1)], "^2@1 v4.1@3")]);
}

#[test]
fn outside() {
    check(
        "outside = [15, 25]",
        &[
            (&[(1.0, 15.0), (2.0, 25.0)], ""),
            (&[(1.0, 14.0), (2.0, 15.0), (3.0, 26.0), (4.0, 25.0)], "^14@1 v15@2 ^26@3 v25@4"),
            // From one side to the other is one incident; the peak is what is furthest beyond.
            (&[(1.0, 14.0), (2.0, 25.5), (3.0, 27.0), (4.0, 13.5), (5.0, 12.0)], "^14@1 *27 *12"),
        ],
    );
    check(
        "outside = [15, 25]\nclear_above = 16\nclear_below = 24",
        &[
            (&[(1.0, 14.0), (2.0, 15.5), (3.0, 16.0)], "^14@1 v16@3"),
            (&[(1.0, 26.0), (2.0, 24.5), (3.0, 15.5), (4.0, 24.0)], "^26@1 v24@4"),
        ],
    );
}

#[test]
fn a_condition_must_last() {
    check(
        "above = 25\nfor = \"10s\"",
        &[
            (&[(0.0, 26.0), (9.9, 26.0), (9.95, 25.0), (20.0, 26.0), (29.0, 26.0)], ""),
            (&[(0.0, 26.0), (5.0, 28.0), (10.0, 27.0), (11.0, 25.0)], "^27@10 v25@11"),
            // Readings far apart say the same.
            (&[(0.0, 26.0), (500.0, 27.0)], "^27@500"),
        ],
    );
    // The band of hysteresis is not broken: what is pending starts anew.
    check(
        "above = 25\nclear_below = 24\nfor = \"10s\"",
        &[(&[(0.0, 26.0), (5.0, 24.5), (6.0, 26.0), (12.0, 26.0), (16.0, 26.5)], "^26.5@16")],
    );
}

#[test]
fn an_incident_is_kept_firing() {
    check(
        "above = 25\nkeep_firing_for = \"10s\"",
        &[
            (&[(0.0, 26.0), (1.0, 25.0), (10.0, 25.0), (11.0, 24.0)], "^26@0 v24@11"),
            (
                &[(0.0, 26.0), (1.0, 25.0), (9.0, 25.5), (10.0, 25.0), (19.0, 25.0), (20.0, 25.0)],
                "^26@0 v25@20",
            ),
            (&[(0.0, 26.0), (1.0, 25.0), (9.0, 27.0)], "^26@0 *27"),
        ],
    );
    check(
        "above = 25\nclear_below = 24\nkeep_firing_for = \"10s\"",
        &[(
            &[(0.0, 26.0), (1.0, 23.0), (9.0, 24.5), (10.0, 23.0), (19.0, 23.0), (20.0, 22.0)],
            "^26@0 v22@20",
        )],
    );
    check(
        "below = 5\nfor = \"2s\"\nkeep_firing_for = \"3s\"",
        &[(
            &[(0.0, 4.0), (1.0, 4.0), (2.0, 3.0), (3.0, 6.0), (5.9, 6.0), (6.0, 7.0), (7.0, 4.0)],
            "^3@2 v7@6",
        )],
    );
}

#[test]
fn rate_of_change() {
    check(
        "rate_per_minute = 2\nover = \"1m\"",
        &[
            // Too little is known in the first minute.
            (&[(0.0, 20.0), (30.0, 40.0)], ""),
            (
                &[(0.0, 20.0), (60.0, 22.0), (120.0, 24.5), (180.0, 27.5), (240.0, 28.0)],
                "^2.5@120 *3 v0.5@240",
            ),
            (&[(0.0, 20.0), (60.0, 17.0), (120.0, 13.0), (180.0, 13.0)], "^-3@60 *-4 v0@180"),
            // After a gap, per minute of it.
            (&[(0.0, 20.0), (600.0, 30.0), (660.0, 33.0)], "^3@660"),
        ],
    );
    check(
        "rate_per_minute = 2\nclear_below = 1",
        &[(&[(0.0, 0.0), (60.0, 3.0), (120.0, 4.5), (180.0, 5.5), (240.0, 6.0)], "^3@60 v0.5@240")],
    );
}

#[test]
fn a_rate_is_measured_over_its_time_however_often_readings_come() {
    for seconds_between in [0.1, 1.0, 7.0, 9.0, 25.0] {
        let mut harness = Harness::open(rule("rate_per_minute = 2\nover = \"1m\""));
        let mut second = 0.0;
        while second < 600.0 {
            // Rises by 1.8 a minute, then by 2.2.
            let value = second / 60.0 * 1.8 + (second - 300.0f64).max(0.0) / 60.0 * 0.4;
            harness.observe(&reading(second, value));
            second += seconds_between;
        }
        let (id, incident) = harness.kept.incidents.first_key_value().unwrap();
        let opened = incident.opened.opened_at;
        // Half of the minute, or of a little more, must rise by 2.2.
        let expected = at(330.0)..at(330.0 + 20.0 + 2.0 * seconds_between);
        assert!(expected.contains(&opened), "{seconds_between}: {id}");
        assert_eq!(harness.kept.incidents.len(), 1);
        assert!((incident.peak.unwrap() - 2.2).abs() < 1e-6, "{incident:?}");
    }
}

#[test]
fn a_rate_beyond_all_numbers_is_the_greatest_of_them() {
    let mut harness = Harness::open(rule("rate_per_minute = 2"));
    harness.observe(&reading(0.0, -1.7e308));
    harness.observe(&reading(60.0, 1.7e308));
    let (_, incident) = harness.kept.incidents.first_key_value().unwrap();
    assert_eq!(incident.opened.value, Some(f64::MAX));
}

/// Else what is pending would start anew whenever there is nothing to compare with.
#[test]
fn a_rate_is_known_with_every_reading() {
    for seconds_between in [1u32, 5, 8, 9, 13, 59, 60, 61] {
        let mut harness = Harness::open(rule("rate_per_minute = 2\nfor = \"5m\""));
        for second in (0..=500).step_by(seconds_between as usize) {
            harness.observe(&reading(f64::from(second), f64::from(second) / 20.0));
        }
        let (_, incident) = harness.kept.incidents.first_key_value().unwrap();
        assert!(incident.opened.began_at <= at(60.0 + f64::from(seconds_between)), "{seconds_between}");
    }
}

#[test]
fn stuck() {
    check(
        "stuck_for = \"10s\"",
        &[
            (&[(0.0, 20.0), (5.0, 20.0), (10.0, 20.0), (15.0, 20.0), (16.0, 20.1)], "^20@10 v20.1@16"),
            (&[(0.0, 20.0), (9.0, 20.0), (9.5, 21.0), (12.0, 20.0), (21.0, 20.0)], ""),
            // Two readings suffice where they are far apart.
            (&[(0.0, 20.0), (12.0, 20.0), (13.0, 21.0), (23.0, 21.0)], "^20@12 v21@13 ^21@23"),
            (&[(0.0, 0.0), (10.0, -0.0)], "^-0@10"),
        ],
    );
}

#[test]
fn an_incident_says_what_happened() {
    for (keys, kind, words, threshold, value, peak) in [
        ("above = 25.0", ConditionKind::Above, "above 25", Some(25.0), 31.0, Some(31.0)),
        ("below = 40.5", ConditionKind::Below, "below 40.5", Some(40.5), 31.0, Some(31.0)),
        ("outside = [15, 25]", ConditionKind::Outside, "outside 15 to 25", Some(25.0), 31.0, Some(31.0)),
        ("outside = [35, 45.5]", ConditionKind::Outside, "outside 35 to 45.5", Some(35.0), 31.0, Some(31.0)),
        (
            "rate_per_minute = 0.2",
            ConditionKind::Rate,
            "changing by more than 0.2 per minute",
            Some(0.2),
            0.5,
            Some(0.5),
        ),
        ("stuck_for = \"90s\"", ConditionKind::Stuck, "the same for 1m 30s", None, 31.0, None),
    ] {
        let mut harness = Harness::open(rule(&format!("severity = \"critical\"\n{keys}")));
        let first = if kind == ConditionKind::Stuck { 31.0 } else { 30.0 };
        let lasted =
            if kind == ConditionKind::Rate || kind == ConditionKind::Stuck { vec![first] } else { vec![] };
        for value in lasted {
            harness.observe(&reading(0.0, value));
        }
        harness.observe(&telemetry::Reading { seq: Some(7), received_at: at(121.5), ..reading(120.0, 31.0) });
        let (id, kept) = harness.kept.incidents.pop_first().unwrap();
        let incident = kept.opened;
        assert_eq!(id, format!("x/temperature/lab/{}-7", at(120.0).as_microsecond()));
        assert_eq!((incident.condition.kind, incident.condition.text.as_str()), (kind, words));
        assert_eq!((incident.condition.threshold, incident.value), (threshold, Some(value)), "{keys}");
        assert_eq!((incident.peak, incident.peak_at), (peak, peak.map(|_| at(120.0))), "{keys}");
        let began = if kind == ConditionKind::Stuck { 0.0 } else { 120.0 };
        assert_eq!((incident.began_at, incident.opened_at), (at(began), at(120.0)), "{keys}");
        assert_eq!((incident.judged_at, incident.unit.as_deref()), (at(121.5), Some("celsius")));
        assert_eq!((incident.severity, incident.device.as_str()), (store::Severity::Critical, "lab"));
        assert_eq!(kept.notified.len(), 1);
    }
}
