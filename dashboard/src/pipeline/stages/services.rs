//! Our own services, and the store behind them.

use super::super::look::{Look, Seen, named, rate};
use super::{Part, Stage, State, count, things};

pub(super) const WRITER_RECEIVED: &str = "millrace_db_writer_received_total";
const STORED: &str = "millrace_db_writer_stored_total";
/// What becomes of what was received.
const WRITTEN: [&str; 3] =
    [STORED, "millrace_db_writer_duplicate_total", "millrace_db_writer_rejected_total"];
const WRITER_IN_FLIGHT: &str = "millrace_db_writer_in_flight";
const BEHIND: &str = "millrace_db_writer_behind_seconds";

pub(super) const ALERTER_RECEIVED: &str = "millrace_alerter_received_total";
const JUDGED: &str = "millrace_alerter_judged_total";
const ALERTER_IN_FLIGHT: &str = "millrace_alerter_in_flight";
const MESSAGES_WAITING: &str = "millrace_alerter_messages_waiting";
const RULES_LOADED: &str = "millrace_alerter_rules_loaded";

const PAGES: &str = "millrace_dashboard_pages";
const FRAMES: &str = "millrace_dashboard_frames_total";

/// What is wanted of a service's metrics.
pub(in super::super) const SERVICE_METRICS: [&str; 1] = ["millrace_"];

/// A writer that is later than this does not keep up.
const LATE_SECONDS: f64 = 5.0;

/// Names of `/readyz`.
const STORE: &str = "store";
const BROKER: &str = "broker";

pub(super) fn writer(history: &[Look], now: &Look) -> Stage {
    let stage = Stage::new("writer", "Writer");
    if now.writers.is_empty() {
        return stage.unknown("pipeline.writers");
    }
    let parts = now.writers.iter().map(|seen| {
        let mut part = instance(seen);
        part.rate = instance_rate(history, |look| &look.writers, &seen.name, &WRITTEN);
        part.depth = seen.sum(WRITER_IN_FLIGHT).map(things);
        part.behind = seen.sum(BEHIND).map(tenths);
        if let Some(late) = part.behind.filter(|behind| *behind > LATE_SECONDS) {
            part.wrong(State::Warning, format!("it is {late:.0} s behind: it or the store does not keep up"));
        }
        part
    });
    let parts = parts.collect();
    stage.of_parts(parts, "writers")
}

/// Seconds by which the writers are behind; none where no writer knows, as one without its broker does not.
pub(in super::super) fn behind(now: &Look) -> Option<f64> {
    let knowing = now.writers.iter().filter(|seen| seen.problem_of(BROKER).is_none());
    knowing.filter_map(|seen| seen.sum(BEHIND)).reduce(f64::max)
}

/// As the writers say, and where none of them answers, the dashboards: it is down when none of them can use it.
pub(super) fn store(history: &[Look], now: &Look) -> Stage {
    let mut stage = Stage::new("store", "Store");
    stage.all.rate = instances_rate(history, |look| &look.writers, &[STORED]);
    let (writers, dashboards) = (said_of_store(&now.writers), said_of_store(&now.dashboards));
    let witnesses = if writers.is_empty() { &dashboards } else { &writers };
    let all_say_so = witnesses.iter().all(Option::is_some);
    match writers.iter().chain(&dashboards).flatten().next() {
        _ if witnesses.is_empty() => stage.all.wrong(State::Unknown, "nobody who uses it answers".into()),
        Some(problem) if all_say_so => stage.all.wrong(State::Down, (*problem).to_owned()),
        Some(problem) => stage.all.wrong(State::Warning, (*problem).to_owned()),
        None => {}
    }
    stage
}

/// What is wrong with it, as each says that answers.
fn said_of_store(seen: &[Seen]) -> Vec<Option<&str>> {
    seen.iter().filter(|seen| seen.told.is_ok()).map(|seen| seen.problem_of(STORE)).collect()
}

pub(super) fn alerter(history: &[Look], now: &Look) -> Stage {
    let stage = Stage::new("alerter", "Alerter");
    if now.alerters.is_empty() {
        return stage.unknown("pipeline.alerters");
    }
    let parts = now.alerters.iter().map(|seen| {
        let mut part = instance(seen);
        part.rate = instance_rate(history, |look| &look.alerters, &seen.name, &[JUDGED]);
        part.depth = seen.sum(ALERTER_IN_FLIGHT).map(things);
        if seen.sum(RULES_LOADED) == Some(0.0) {
            part.wrong(State::Warning, "the file of rules is wrong, and the old rules are in force".into());
        }
        part
    });
    let parts = parts.collect();
    let mut stage = stage.of_parts(parts, "alerters");
    let owed: f64 = now.alerters.iter().filter_map(|seen| seen.sum(MESSAGES_WAITING)).sum();
    if owed > 0.0 {
        stage.all.says.push(format!("{} to send", count(owed, "message")));
    }
    stage
}

pub(super) fn pages(history: &[Look], now: &Look) -> Stage {
    let stage = Stage::new("page", "Pages");
    let parts = now.dashboards.iter().map(|seen| {
        let mut part = instance(seen);
        part.rate = instance_rate(history, |look| &look.dashboards, &seen.name, &[FRAMES]);
        part.says.extend(seen.sum(PAGES).map(|pages| format!("{pages:.0} open")));
        part
    });
    let parts = parts.collect();
    let mut stage = stage.of_parts(parts, "dashboards");
    let open = now.dashboards.iter().filter_map(|seen| seen.sum(PAGES)).reduce(|a, b| a + b);
    stage.all.says.extend(open.map(|pages| format!("{pages:.0} open")));
    stage
}

/// Down where it does not answer, a warning with its own words where it is not ready.
fn instance(seen: &Seen) -> Part {
    let mut part = Part::new(&seen.name);
    match &seen.told {
        Err(e) => part.wrong(State::Down, e.clone()),
        Ok(told) => {
            for problem in &told.problems {
                part.wrong(State::Warning, format!("{}: {}", problem.of, problem.why));
            }
        }
    }
    part
}

/// These counters together, of one instance.
fn instance_rate(
    history: &[Look],
    of: impl Fn(&Look) -> &Vec<Seen>,
    name: &str,
    counters: &[&str],
) -> Option<f64> {
    let rates = counters.iter().map(|counter| rate(history, |look| named(of(look), name)?.sum(counter)));
    rates.flatten().reduce(|a, b| a + b)
}

/// These counters together, of all instances that there are now.
pub(super) fn instances_rate(
    history: &[Look],
    of: impl Fn(&Look) -> &Vec<Seen>,
    counters: &[&str],
) -> Option<f64> {
    let rates = of(history.last()?).iter().map(|seen| instance_rate(history, &of, &seen.name, counters));
    rates.flatten().reduce(|a, b| a + b)
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
