//! The edge's figures as a section of docs/performance.md.

use super::flat_out::{Loaded, Run};
use super::steady::{RATES, Steady};
use super::store_alone::StoreAlone;
use super::{Figures, many, peer};
use crate::report::MIB;
use crate::writer::spread::{median, spread};

pub(super) fn text(figures: &Figures) -> String {
    let parts = [idle, loads, limits, reached, steady, connections, peers];
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
         store, once. Up to 100 readings of a connection are un-acked.\n\n{LOAD_HEAD}{rows}",
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
         The embedded broker alone: the same load of {connections} connections on a topic that a rule says to ignore, so that each \
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
    let rates: Vec<f64> = figures.loads.iter().map(|load| of(load, |run| run.readings_per_second)).collect();
    let highest = rates.iter().copied().fold(0.0, f64::max);
    let aims = [50_000, 60_000, 80_000, 80_000];
    let rows: String = figures
        .loads
        .iter()
        .zip(&rates)
        .zip(aims)
        .map(|((load, rate), aim)| {
            let beside = rate / together(figures);
            format!(
                "| readings/s of {} connections | ≥ {aim} | {rate:.0} ({beside:.2} ×) |\n",
                load.connections
            )
        })
        .collect();
    let [one, _, fifty, most] = figures.loads.as_slice() else { return String::new() };
    let (ours, senders) =
        (of(most, |run| run.cpu_seconds_per_million), of(most, |run| run.sender_cpu_seconds_per_million));
    let peer = median(figures.peer.iter().map(|run| run.readings_per_second));
    let at_1000 = median(figures.steady.iter().filter_map(|run| run.get(1)).map(|step| step.p99_ms));
    format!(
        "In brackets: beside both limits, one after the other.\n\n\
         | the edge | aim | measured |\n| --- | ---: | ---: |\n{rows}\
         | PUBACK p50 of one connection, 100 in flight | ≤ 3 ms | {:.1} ms |\n\
         | PUBACK p99 of 50 connections | ≤ 100 ms | {:.0} ms |\n\
         | PUBACK p99 at 1,000 readings/s | ≤ 2.5 ms | {at_1000:.2} ms |\n\
         | highest rate beside mosquitto and the script | | {:.0} × |\n\
         | memory, idle | ≤ 25 MiB | {:.1} MiB |\n\n\
         With {} connections the sender has {:.0} % of the processor time that both use.\n",
        of(one, |run| run.puback_p50_ms),
        of(fifty, |run| run.puback_p99_ms),
        highest / peer,
        figures.idle.resident_bytes as f64 / MIB,
        most.connections,
        100.0 * senders / (ours + senders),
    )
}

/// The median of one figure of a load.
fn of(load: &Loaded, figure: fn(&Run) -> f64) -> f64 {
    median(load.runs.iter().map(figure))
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

fn connections(figures: &Figures) -> String {
    let many = |figure: fn(&many::Many) -> f64, digits| spread(figures.many.iter().map(figure), digits);
    let herd = |figure: fn(&many::Herd) -> f64, digits| spread(figures.herd.iter().map(figure), digits);
    format!(
        "### Many connections\n\n\
         {} devices connect at once and stay idle, and {} devices with passwords come back at once. The steady device \
         publishes a reading each 20 ms all the while, and waits for each PUBACK.\n\n\
         | what | aim | measured | mosquitto |\n| --- | ---: | ---: | ---: |\n\
         | all are connected after | ≤ 1 s | {} s | {} s |\n\
         | memory by idle connection | ≤ 3 KiB | {} KiB | {} KiB |\n\
         | PUBACK p99 of the steady device before | | {} ms | |\n\
         | … beside the idle ones | as before | {} ms | |\n\
         | those with passwords are connected after | | {} s | |\n\
         | PUBACK p99 of the steady device before | | {} ms | |\n\
         | … while they come back | ≤ 100 ms | {} ms | |\n",
        many::CONNECTIONS,
        many::HERD,
        many(|run| run.connected_s, 2),
        many(|run| run.mosquitto_connected_s, 2),
        many(|run| run.bytes_per_connection / 1024.0, 1),
        many(|run| run.mosquitto_bytes_per_connection / 1024.0, 1),
        many(|run| run.puback_p99_before_ms, 1),
        many(|run| run.puback_p99_ms, 1),
        herd(|run| run.connected_s, 1),
        herd(|run| run.puback_p99_before_ms, 1),
        herd(|run| run.puback_p99_ms, 1),
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
