//! Our own services, and the store behind them.

use super::super::snapshot::{Scrape, Snapshot, named, rate};
use super::part::{Part, Stage, State, count, things};

pub(super) const WRITER_RECEIVED: &str = "millrace_db_writer_received_total";
const STORED: &str = "millrace_db_writer_stored_total";
/// Together, these count what was received.
const WRITTEN: [&str; 3] =
    [STORED, "millrace_db_writer_duplicate_total", "millrace_db_writer_rejected_total"];
const WRITER_IN_FLIGHT: &str = "millrace_db_writer_in_flight";
const BEHIND: &str = "millrace_db_writer_behind_seconds";
const RETENTION_HELD: &str = "millrace_db_writer_retention_held_seconds";

pub(super) const ALERTER_RECEIVED: &str = "millrace_alerter_received_total";
const JUDGED: &str = "millrace_alerter_judged_total";
const ALERTER_IN_FLIGHT: &str = "millrace_alerter_in_flight";
const MESSAGES_WAITING: &str = "millrace_alerter_messages_waiting";
const RULES_LOADED: &str = "millrace_alerter_rules_loaded";

const PAGES: &str = "millrace_dashboard_pages";
const FRAMES: &str = "millrace_dashboard_frames_total";

/// The metrics that are read of a service.
pub(in super::super) const SERVICE_METRICS: [&str; 1] = ["millrace_"];

/// A writer that is further behind does not keep up.
const LATE_SECONDS: f64 = 5.0;

/// Names of checks in `/readyz`.
const STORE: &str = "store";
const BROKER: &str = "broker";

pub(super) fn writer(history: &[Snapshot], now: &Snapshot) -> Stage {
    let stage = Stage::new("writer", "Writer");
    if now.writers.is_empty() {
        return stage.unknown("pipeline.writers");
    }
    let parts = now.writers.iter().map(|scrape| {
        let mut part = instance(scrape);
        part.rate = instance_rate(history, |snapshot| &snapshot.writers, &scrape.name, &WRITTEN);
        part.depth = scrape.sum(WRITER_IN_FLIGHT).map(things);
        part.behind = scrape.sum(BEHIND).map(tenths);
        if let Some(late) = part.behind.filter(|behind| *behind > LATE_SECONDS) {
            part.wrong(State::Warning, format!("it is {late:.0} s behind: it or the store does not keep up"));
        }
        if scrape.sum(RETENTION_HELD).is_some_and(|seconds| seconds > 0.0) {
            part.wrong(
                State::Warning,
                "the clock jumped ahead, so old readings are not deleted: if it is right, run millrace confirm-clock"
                    .into(),
            );
        }
        part
    });
    let parts = parts.collect();
    stage.of_parts(parts, "writers")
}

/// Seconds by which the writers are behind; `None` where no writer knows that, as one without its broker does not.
pub(in super::super) fn behind(now: &Snapshot) -> Option<f64> {
    let knowing = now.writers.iter().filter(|scrape| scrape.problem_of(BROKER).is_none());
    knowing.filter_map(|scrape| scrape.sum(BEHIND)).reduce(f64::max)
}

/// The store, as the writers see it, or the dashboards where no writer answers: down when none of them can use it.
pub(super) fn store(history: &[Snapshot], now: &Snapshot) -> Stage {
    let mut stage = Stage::new("store", "Store");
    stage.all.rate = instances_rate(history, |snapshot| &snapshot.writers, &[STORED]);
    let (writers, dashboards) = (problems_of_store(&now.writers), problems_of_store(&now.dashboards));
    let witnesses = if writers.is_empty() { &dashboards } else { &writers };
    let all_say_so = witnesses.iter().all(Option::is_some);
    match writers.iter().chain(&dashboards).flatten().next() {
        _ if witnesses.is_empty() => {
            stage.all.wrong(State::Unknown, "no service that uses it answers".into());
        }
        Some(problem) if all_say_so => stage.all.wrong(State::Down, (*problem).to_owned()),
        Some(problem) => stage.all.wrong(State::Warning, (*problem).to_owned()),
        None => {}
    }
    stage
}

/// The store's problem as each instance that answers reports it.
fn problems_of_store(scrapes: &[Scrape]) -> Vec<Option<&str>> {
    scrapes.iter().filter(|scrape| scrape.result.is_ok()).map(|scrape| scrape.problem_of(STORE)).collect()
}

pub(super) fn alerter(history: &[Snapshot], now: &Snapshot) -> Stage {
    let stage = Stage::new("alerter", "Alerter");
    if now.alerters.is_empty() {
        return stage.unknown("pipeline.alerters");
    }
    let parts = now.alerters.iter().map(|scrape| {
        let mut part = instance(scrape);
        part.rate = instance_rate(history, |snapshot| &snapshot.alerters, &scrape.name, &[JUDGED]);
        part.depth = scrape.sum(ALERTER_IN_FLIGHT).map(things);
        if scrape.sum(RULES_LOADED) == Some(0.0) {
            part.wrong(State::Warning, "the rules file is invalid: the old rules stay in force".into());
        }
        part
    });
    let parts = parts.collect();
    let mut stage = stage.of_parts(parts, "alerters");
    let queued: f64 = now.alerters.iter().filter_map(|scrape| scrape.sum(MESSAGES_WAITING)).sum();
    if queued > 0.0 {
        stage.all.says.push(format!("{} to send", count(queued, "message")));
    }
    stage
}

pub(super) fn pages(history: &[Snapshot], now: &Snapshot) -> Stage {
    let stage = Stage::new("page", "Pages");
    let parts = now.dashboards.iter().map(|scrape| {
        let mut part = instance(scrape);
        part.rate = instance_rate(history, |snapshot| &snapshot.dashboards, &scrape.name, &[FRAMES]);
        part.says.extend(scrape.sum(PAGES).map(|pages| format!("{pages:.0} open")));
        part
    });
    let parts = parts.collect();
    let mut stage = stage.of_parts(parts, "dashboards");
    let open = now.dashboards.iter().filter_map(|scrape| scrape.sum(PAGES)).reduce(|a, b| a + b);
    stage.all.says.extend(open.map(|pages| format!("{pages:.0} open")));
    stage
}

/// Down where it does not answer; a warning in its own words where it is not ready.
fn instance(scrape: &Scrape) -> Part {
    let mut part = Part::new(&scrape.name);
    match &scrape.result {
        Err(e) => part.wrong(State::Down, e.clone()),
        Ok(result) => {
            for problem in &result.problems {
                part.wrong(State::Warning, format!("{}: {}", problem.of, problem.why));
            }
        }
    }
    part
}

/// The rate of these counters together, of one instance.
fn instance_rate(
    history: &[Snapshot],
    of: impl Fn(&Snapshot) -> &Vec<Scrape>,
    name: &str,
    counters: &[&str],
) -> Option<f64> {
    let rates =
        counters.iter().map(|counter| rate(history, |snapshot| named(of(snapshot), name)?.sum(counter)));
    rates.flatten().reduce(|a, b| a + b)
}

/// The rate of these counters together, of all present instances.
pub(super) fn instances_rate(
    history: &[Snapshot],
    of: impl Fn(&Snapshot) -> &Vec<Scrape>,
    counters: &[&str],
) -> Option<f64> {
    let rates = of(history.last()?).iter().map(|scrape| instance_rate(history, &of, &scrape.name, counters));
    rates.flatten().reduce(|a, b| a + b)
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
