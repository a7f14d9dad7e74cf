//! The part `writer`: db-writer in the cluster, beside what broker and database allow and beside other writers.

mod away;
mod broker;
mod cost;
mod database;
mod drain;
mod growth;
mod harness;
mod instructions;
mod limits;
mod load;
mod plan;
mod plot;
mod report;
pub(crate) mod spread;
mod steady;
mod subject;

use std::io::Write as _;

use serde::Serialize;

use self::away::Away;
use self::drain::Drain;
use self::growth::Grown;
use self::harness::Harness;
use self::instructions::Counted;
use self::limits::Limits;
use self::load::Load;
use self::plan::Plan;
use self::steady::Steady;
pub(crate) use self::subject::install_peers;
use self::subject::{DB_WRITER, PEERS, Subject};
use crate::part::Section;

/// The number of devices in every drain.
const DEVICES: u64 = 1_000;

/// The search for the highest steady rate begins at this share of the drain's rate.
const FIRST_STEP: f64 = 0.05;

/// The figures of all runs.
#[derive(Debug, Default, Serialize)]
struct Figures {
    readings: u64,
    limits: Vec<Limits>,
    drains: Vec<Drained>,
    /// One list for each run, with an entry for each rate.
    steady: Vec<Vec<Steady>>,
    /// One entry for each run; `None` if the writer did not keep up with even the first rate.
    highest: Vec<Option<Steady>>,
    away: Vec<Away>,
    growth: Vec<Grown>,
    instructions: Option<Counted>,
}

/// All drains of one writer.
#[derive(Debug, Serialize)]
struct Drained {
    name: &'static str,
    way: &'static str,
    promise: &'static str,
    runs: Vec<Drain>,
}

/// Runs are interleaved, so that a machine that slows down does not favour anyone.
pub(crate) fn measure() -> anyhow::Result<Section> {
    let plan = Plan::from_environment()?;
    if plan.has("drain") {
        install_peers()?;
    }
    let harness = Harness::new()?;
    let mut figures =
        Figures { readings: plan.readings, drains: subjects().map(drained).collect(), ..Figures::default() };
    for run in 1..=plan.runs {
        note(&format!("run {run} of {}", plan.runs));
        one_run(&harness, &plan, &mut figures)?;
    }
    if plan.has("away") {
        note("without the database");
        figures.away.push(away::run(&harness.workspace()?)?);
    }
    if plan.has("growth") {
        figures.growth = growth::run(&harness, &plan, note)?;
    }
    if plan.has("instructions") {
        note("instructions");
        figures.instructions = Some(instructions::count(&harness)?);
    }
    let plot = plot::drains(&figures);
    Ok(Section { text: report::text(&figures), figures: serde_json::to_value(&figures)?, plot })
}

fn subjects() -> impl Iterator<Item = Subject> {
    std::iter::once(DB_WRITER).chain(PEERS)
}

fn drained(subject: Subject) -> Drained {
    Drained { name: subject.name, way: subject.way, promise: subject.promise, runs: Vec::new() }
}

fn one_run(harness: &Harness, plan: &Plan, figures: &mut Figures) -> anyhow::Result<()> {
    if plan.has("drain") {
        if plan.drains("limits") {
            note("limits");
            let load = Load::ending_now(plan.readings, DEVICES);
            figures.limits.push(limits::run(&harness.workspace()?, load, plan.readings)?);
        }
        let wanted = subjects().zip(&mut figures.drains).filter(|(subject, _)| plan.drains(subject.name));
        for (subject, drained) in wanted {
            note(subject.name);
            let readings = plan.readings / subject.one_in;
            let load = Load::ending_now(readings, DEVICES);
            let workspace = harness.workspace_for(subject.over_mqtt, subject.table())?;
            drained.runs.push(drain::run(&workspace, &subject, load, readings)?);
        }
    }
    if plan.has("steady") {
        note("latency");
        figures.steady.push(steady::at_rates(harness)?);
        note("highest rate");
        figures.highest.push(steady::highest(harness, first_step(figures))?);
    }
    Ok(())
}

/// The rate to begin with; without a drain of db-writer, one that any machine keeps up with.
fn first_step(figures: &Figures) -> f64 {
    let newest = figures.drains[0].runs.last();
    newest.map_or(5_000.0, |drain| drain.readings_per_second * FIRST_STEP)
}

/// Reports progress on stderr.
fn note(what: &str) {
    // Nothing is left to report to.
    let _ = writeln!(std::io::stderr().lock(), "bench: {what}");
}
