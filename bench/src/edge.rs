//! The part `edge`: one process, idle, at fixed rates and at its highest rate, beside what broker and SQLite allow and
//! beside mosquitto with a script.

mod flat_out;
mod idle;
mod many;
mod pace;
mod packet;
mod peer;
mod report;
mod steady;
mod store_alone;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::Millrace;
use serde::Serialize;

use self::flat_out::{CONNECTIONS, Loaded, Run};
use self::idle::Idle;
use self::steady::Steady;
use self::store_alone::StoreAlone;
use crate::part::Section;
use crate::writer;

/// Runs of everything but the idle process; the median is shown, with the lowest and highest.
const RUNS: usize = 3;

/// How long an idle process is watched.
const IDLE: Duration = Duration::from_secs(30);

/// How long a load lasts.
const LOAD: Duration = Duration::from_secs(5);

/// How long readings at a rate are timed.
const TIMED: Duration = Duration::from_secs(10);

/// The figures of all runs.
#[derive(Debug, Serialize)]
struct Figures {
    idle: Idle,
    loads: Vec<Loaded>,
    /// What the embedded broker and the sender allow, with the largest number of connections.
    broker_alone: Vec<Run>,
    store_alone: Vec<StoreAlone>,
    /// One list for each run, with an entry for each rate.
    steady: Vec<Vec<Steady>>,
    many: Vec<many::Many>,
    herd: Vec<many::Herd>,
    peer: Vec<peer::FlatOut>,
    peer_steady: Vec<Vec<peer::Steady>>,
}

/// Measures the edge; no step lasts longer than `longest`, if that is given.
pub(crate) fn measure(folder: &Path, longest: Option<Duration>) -> anyhow::Result<Section> {
    writer::install_peers()?;
    let at_most = |usual: Duration| longest.map_or(usual, |longest| usual.min(longest));
    let loaded = |connections| Loaded { connections, runs: Vec::new() };
    let mut figures = Figures {
        idle: idle::measure(&folder.join("idle"), at_most(IDLE))?,
        loads: CONNECTIONS.map(loaded).into(),
        broker_alone: Vec::new(),
        store_alone: Vec::new(),
        steady: Vec::new(),
        many: Vec::new(),
        herd: Vec::new(),
        peer: Vec::new(),
        peer_steady: Vec::new(),
    };
    let runs = std::env::var("BENCH_RUNS").map_or(Ok(RUNS), |runs| runs.parse()).context("BENCH_RUNS")?;
    for run in 1..=runs {
        note(&format!("run {run} of {runs}"));
        one_run(&folder.join(run.to_string()), at_most(LOAD), at_most(TIMED), &mut figures)?;
    }
    Ok(Section { text: report::text(&figures), figures: serde_json::to_value(&figures)?, plot: None })
}

/// Runs everything once. Runs are interleaved, so that a machine that slows down favours none of them.
fn one_run(folder: &Path, load: Duration, timed: Duration, figures: &mut Figures) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for loaded in &mut figures.loads {
        let connections = loaded.connections;
        loaded.runs.push(flat_out::run(&folder.join(format!("load-{connections}")), connections, load)?);
    }
    let [.., most] = CONNECTIONS;
    figures.broker_alone.push(flat_out::broker_alone(&folder.join("broker"), most, load)?);
    let together = figures.loads.last().and_then(|loaded| loaded.runs.last());
    let together = together.map_or(1, |run| run.readings_per_commit.round().max(1.0) as usize);
    figures.store_alone.push(store_alone::run(&folder.join("store"), most, together, load)?);
    figures.steady.push(steady::at_rates(&folder.join("steady"), timed)?);
    figures.many.push(many::idle(&folder.join("many"))?);
    figures.herd.push(many::herd(&folder.join("herd"))?);
    note("mosquitto and the script");
    figures.peer.push(peer::flat_out(&folder.join("peer"), load)?);
    figures.peer_steady.push(peer::at_rates(&folder.join("peer-steady"), timed)?);
    Ok(())
}

/// A figure counts only if every reading was stored, once.
fn check_stored(millrace: &Millrace, acked: usize) -> anyhow::Result<()> {
    let stored = millrace.metric("millrace_db_writer_stored_total");
    let duplicate = millrace.metric("millrace_db_writer_duplicate_total");
    ensure!(stored == acked as f64 && duplicate == 0.0, "{acked} acked, {stored} stored, {duplicate} twice");
    Ok(())
}

fn per_million(used: Duration, readings: usize) -> f64 {
    used.as_secs_f64() * 1e6 / readings.max(1) as f64
}

/// Reports progress on stderr; a closed stderr is no reason to end.
fn note(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "edge: {what}");
}
