//! The edge's figures as a section of docs/performance.md.

use super::flat_out::{Loaded, Run};
use super::steady::{RATES, Steady};
use super::store_alone::StoreAlone;
use super::{Figures, peer};
use crate::report::MIB;
use crate::writer::spread::{median, spread};

pub(super) fn text(figures: &Figures) -> String {
    let parts = [idle, loads, limits, reached, steady, peers];
    parts.map(|part| part(figures)).join("\n")
}

fn idle(figures: &Figures) -> String {
    let idle = figures.idle;
    format!(
        "## The edge, idle\n\n\
         `millrace` with three simulated sensors of one reading a second each, no page open.\n\n\
         | what | measured |\n| --- | --- |\n\
         | size of the binary, page included | {:.1} MiB |\n\
         | start to first lines | {:.0} ms |\n\
         | memory (RSS) after {:.0} s | {:.1} MiB |\n\
         | processor | {:.1} % of one core |\n",
        idle.binary_bytes as f64 / MIB,
        idle.start.as_secs_f64() * 1e3,
        idle.watched.as_secs_f64(),
        idle.resident_bytes as f64 / MIB,
        idle.cpu * 100.0,
    )
}

fn loads(figures: &Figures) -> String {
    let rows: String =
        figures.loads.iter().map(|load| load_row(&load.connections.to_string(), &load.runs)).collect();
    format!(
        "## The edge under load\n\n\
         `sensor-sim load` flat out over loopback, on the same cores as `millrace`; each PUBACK means stored, synced and \
         evaluated. Median of {} interleaved runs, with the lowest and highest; after each run every acked reading was in the \
         store, once. Up to 100 readings of a connection are un-acked, and the embedded broker takes them one at a time, so \
         a PUBACK waits for those before it.\n\n{LOAD_HEAD}{rows}",
        figures.broker_alone.len(),
    )
}

const LOAD_HEAD: &str = "\
    | connections | readings/s | PUBACK p50 | PUBACK p99 | readings by commit | CPU-s per million | of the sender | memory, peak |\n\
    | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

fn load_row(name: &str, runs: &[Run]) -> String {
    let of = |figure: fn(&Run) -> f64, digits| spread(runs.iter().map(figure), digits);
    format!(
        "| {name} | {} | {} ms | {} ms | {} | {} | {} | {} MiB |\n",
        of(|run| run.readings_per_second, 0),
        of(|run| run.puback_p50_ms, 1),
        of(|run| run.puback_p99_ms, 1),
        of(|run| run.readings_per_commit, 0),
        of(|run| run.cpu_seconds_per_million, 1),
        of(|run| run.sender_cpu_seconds_per_million, 1),
        of(|run| run.peak_bytes as f64 / MIB, 0),
    )
}

fn limits(figures: &Figures) -> String {
    let broker = |figure: fn(&Run) -> f64, digits| spread(figures.broker_alone.iter().map(figure), digits);
    let store =
        |figure: fn(&StoreAlone) -> f64, digits| spread(figures.store_alone.iter().map(figure), digits);
    let connections = figures.loads.last().map_or(0, |load| load.connections);
    format!(
        "### What broker and SQLite allow\n\n\
         The embedded broker alone: the same load of {connections} connections on a topic that is not collected, so that each \
         PUBACK goes out at once. SQLite alone: rows from memory, through the same code, in transactions of as many readings as \
         with {connections} connections.\n\n\
         | limit | readings/s | CPU-s per million | of the sender |\n| --- | ---: | ---: | ---: |\n\
         | broker and sender alone | {} | {} | {} |\n\
         | SQLite alone, {} readings by commit | {} | {} | |\n\
         | both, one after the other | {:.0} | | |\n",
        broker(|run| run.readings_per_second, 0),
        broker(|run| run.cpu_seconds_per_million, 1),
        broker(|run| run.sender_cpu_seconds_per_million, 1),
        store(|run| run.readings_per_commit as f64, 0),
        store(|run| run.readings_per_second, 0),
        store(|run| run.cpu_seconds_per_million, 1),
        together(figures),
    )
}

/// The rate that broker and SQLite allow together, one after the other on the same cores.
fn together(figures: &Figures) -> f64 {
    let broker = median(figures.broker_alone.iter().map(|run| run.readings_per_second));
    let store = median(figures.store_alone.iter().map(|run| run.readings_per_second));
    1.0 / (1.0 / broker + 1.0 / store)
}

/// The table of aims and what was measured.
fn reached(figures: &Figures) -> String {
    let rates = figures.loads.iter().map(|load| median(load.runs.iter().map(|run| run.readings_per_second)));
    let highest = rates.fold(0.0, f64::max);
    let last = figures.loads.last().map_or(&[][..], |load: &Loaded| &load.runs);
    let of = |figure: fn(&Run) -> f64| median(last.iter().map(figure));
    let (ours, senders) =
        (of(|run| run.cpu_seconds_per_million), of(|run| run.sender_cpu_seconds_per_million));
    let peer = median(figures.peer.iter().map(|run| run.readings_per_second));
    format!(
        "| the edge | aim | measured |\n| --- | ---: | ---: |\n\
         | highest rate into SQLite, readings/s | ≥ 40,000 | {highest:.0} |\n\
         | beside both limits, one after the other | | {:.2} × |\n\
         | beside mosquitto and the script | | {:.0} × |\n\
         | memory, idle | ≤ 50 MB | {:.0} MB |\n\n\
         At that rate the sender has {:.0} % of the processor time that both use.\n",
        highest / together(figures),
        highest / peer,
        figures.idle.resident_bytes as f64 / 1e6,
        100.0 * senders / (ours + senders),
    )
}

fn steady(figures: &Figures) -> String {
    let rows: String = (0..RATES.len()).map(|at| steady_row(figures, at)).collect();
    format!(
        "### Readings at a rate\n\n\
         {} devices over 20 connections and a sender that keeps its rate. From when a reading was due to its PUBACK, which \
         says stored, synced and evaluated.\n\n\
         | readings/s | p50 | p99 | longest | sender behind, at most | CPU-s per million | memory, peak |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}",
        super::pace::DEVICES,
    )
}

fn steady_row(figures: &Figures, at: usize) -> String {
    let of = |figure: fn(&Steady) -> f64, digits| {
        spread(figures.steady.iter().filter_map(|run| run.get(at)).map(figure), digits)
    };
    format!(
        "| {} | {} ms | {} ms | {} ms | {} ms | {} | {} MiB |\n",
        RATES[at],
        of(|step| step.p50_ms, 2),
        of(|step| step.p99_ms, 2),
        of(|step| step.max_ms, 1),
        of(|step| step.sender_behind_ms, 1),
        of(|step| step.cpu_seconds_per_million, 0),
        of(|step| step.peak_bytes as f64 / MIB, 0),
    )
}

fn peers(figures: &Figures) -> String {
    let of = |figure: fn(&peer::FlatOut) -> f64, digits| spread(figures.peer.iter().map(figure), digits);
    let rows: String = (0..RATES.len()).map(|at| peer_row(figures, at)).collect();
    format!(
        "### Beside mosquitto and a script\n\n\
         The classic script: Python, paho-mqtt, an INSERT and a commit a message into SQLite (WAL, `synchronous=FULL`), and \
         its ack to mosquitto after the commit. The device's PUBACK comes from mosquitto before anything is stored or \
         evaluated, and mosquitto saves its queue only every half hour and when it stops: what the script has not stored by then \
         is lost with the machine. A reading that comes again is stored twice. The wait is from when a reading was due to just \
         before its commit: a sync less than Millrace's.\n\n\
         Flat out it stored {} readings/s, at {} CPU-s per million of script and mosquitto, which together had {} MiB at most.\n\n\
         | readings/s | PUBACK p50 | PUBACK p99 | stored p50 | stored p99 | longest |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}",
        of(|run| run.readings_per_second, 0),
        of(|run| run.cpu_seconds_per_million, 0),
        of(|run| run.peak_bytes as f64 / MIB, 0),
    )
}

fn peer_row(figures: &Figures, at: usize) -> String {
    let of = |figure: fn(&peer::Steady) -> f64, digits| {
        spread(figures.peer_steady.iter().filter_map(|run| run.get(at)).map(figure), digits)
    };
    format!(
        "| {} | {} ms | {} ms | {} ms | {} ms | {} ms |\n",
        RATES[at],
        of(|step| step.puback_p50_ms, 2),
        of(|step| step.puback_p99_ms, 2),
        of(|step| step.stored_p50_ms, 2),
        of(|step| step.stored_p99_ms, 2),
        of(|step| step.stored_max_ms, 1),
    )
}
