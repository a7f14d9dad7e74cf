//! Every sequence of verdicts and steps of time up to a length, with a crash at every place.

use std::sync::Arc;

use alerter::Rules;
use telemetry::Reading;

use crate::harness::{Harness, Kept, reading, rule};

/// Broken, between and clear of `above = 2, clear_below = 1`.
const VALUES: [f64; 3] = [3.0, 1.5, 0.0];

/// Seconds from one reading to the next.
const STEPS: [f64; 3] = [0.0, 1.0, 2.0];

const LENGTH: u32 = 5;

/// Of sequences that are tried with a crash at every place.
const CRASH_LENGTH: u32 = 4;

/// How many readings were not settled when it crashed.
const UNSETTLED: [usize; 2] = [0, 3];

fn configurations() -> Vec<Arc<Rules>> {
    let mut all = Vec::new();
    for lasts in [0, 1, 2] {
        for keep in [0, 1, 2] {
            all.push(rule(&format!(
                "above = 2\nclear_below = 1\nfor = \"{lasts}s\"\nkeep_firing_for = \"{keep}s\""
            )));
        }
    }
    all
}

/// The readings of the sequence with a number.
fn readings(number: u32, length: u32) -> Vec<Reading> {
    let (mut rest, mut second) = (number as usize, 0.0);
    let mut readings = Vec::new();
    for seq in 0..u64::from(length) {
        second += STEPS[rest % 3];
        let value = VALUES[rest / 3 % 3];
        rest /= 9;
        readings.push(Reading { seq: Some(seq), ..reading(second, value) });
    }
    readings
}

fn uninterrupted(rules: &Arc<Rules>, readings: &[Reading]) -> Kept {
    let mut harness = Harness::open(Arc::clone(rules));
    for reading in readings {
        harness.observe(reading);
    }
    harness.kept
}

fn crashed(rules: &Arc<Rules>, readings: &[Reading], crash: usize, unsettled: usize) -> Kept {
    let mut harness = Harness::open(Arc::clone(rules));
    for reading in &readings[..crash] {
        harness.observe(reading);
    }
    harness.restart(Arc::clone(rules), 0.0);
    for reading in &readings[crash.saturating_sub(unsettled)..] {
        harness.observe(reading);
    }
    harness.kept
}

/// The harness checks each change: no incident opens, ends or is announced twice, no id comes again.
#[test]
fn no_path_opens_twice() {
    let (mut opened, mut resolved) = (0, 0);
    for rules in configurations() {
        for number in 0..9u32.pow(LENGTH) {
            let kept = uninterrupted(&rules, &readings(number, LENGTH));
            opened += kept.incidents.len();
            resolved += kept.incidents.values().filter(|incident| incident.resolved.is_some()).count();
        }
    }
    assert!(opened > resolved && resolved > 50_000, "{opened} opened, {resolved} resolved");
}

#[test]
fn no_crash_changes_anything() {
    for rules in configurations() {
        for number in 0..9u32.pow(CRASH_LENGTH) {
            let readings = readings(number, CRASH_LENGTH);
            let kept = uninterrupted(&rules, &readings);
            for crash in 1..=readings.len() {
                for unsettled in UNSETTLED {
                    let after = crashed(&rules, &readings, crash, unsettled);
                    assert_eq!(after, kept, "{readings:?} crash {crash} unsettled {unsettled} {rules:?}");
                }
            }
        }
    }
}

/// A model of the machine in another manner: from all readings so far at once.
#[test]
fn openings_and_ends_are_those_that_the_words_say() {
    for (lasts, keep) in [(0.0, 0.0), (2.0, 0.0), (0.0, 2.0), (1.0, 2.0)] {
        let rules =
            rule(&format!("above = 2\nclear_below = 1\nfor = \"{lasts}s\"\nkeep_firing_for = \"{keep}s\""));
        for number in 0..9u32.pow(LENGTH) {
            let readings = readings(number, LENGTH);
            let kept = uninterrupted(&rules, &readings);
            let times: Vec<_> =
                kept.incidents.values().map(|i| (i.opened.opened_at, i.resolved.map(|r| r.0))).collect();
            // Ids are in the order of openings here.
            assert_eq!(times, by_runs(&readings, lasts, keep), "{readings:?}");
        }
    }
}

fn by_runs(
    readings: &[Reading],
    pending_for: f64,
    keep: f64,
) -> Vec<(jiff::Timestamp, Option<jiff::Timestamp>)> {
    // The first reading at or after `from` that ends a run of at least this long of readings that are all so.
    let lasted = |from: usize, is: fn(f64) -> bool, long: f64| {
        (from..readings.len()).find(|&end| {
            let start = (from..=end).rev().take_while(|&index| is(readings[index].value)).last();
            start.is_some_and(|start| {
                readings[end].measured_at.duration_since(readings[start].measured_at).as_secs_f64() >= long
            })
        })
    };
    let (mut from, mut times) = (0, Vec::new());
    while let Some(opening) = lasted(from, |value| value > 2.0, pending_for) {
        let end = lasted(opening + 1, |value| value < 1.0, keep);
        times.push((readings[opening].measured_at, end.map(|end| readings[end].measured_at)));
        let Some(end) = end else { break };
        from = end + 1;
    }
    times
}
