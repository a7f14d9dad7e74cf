//! The writer's figures as a section of docs/performance.md.

use super::away::{AWAY, PER_SECOND};
use super::drain::Drain;
use super::limits::{Limits, Rate};
use super::spread::{median, spread};
use super::steady::{EMPTY_WITHIN, RATES, Steady};
use super::{Counted, DEVICES, Drained, Figures, Grown};

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn text(figures: &Figures) -> String {
    let parts = [
        introduction(figures),
        limits(&figures.limits),
        drains(&figures.drains),
        reached(figures),
        steady(figures),
        away(figures),
        growth(&figures.growth),
        instructions(figures.instructions),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn introduction(figures: &Figures) -> String {
    format!(
        "## The writer in the cluster\n\n\
         Three RabbitMQ nodes and TimescaleDB in containers, the writers as processes beside them, all on the same cores. \
         Readings of {DEVICES} devices are published to `amq.topic` with confirms and wait in a quorum queue of three \
         replicas; then a writer starts, and the rate is taken from its first commit to its last, by the times that the \
         database keeps of its commits. {} readings for the fastest, fewer for the slow. Every run has a virtual host and \
         a database of its own. Median of {} interleaved runs, with the lowest and highest; after each of them every \
         reading was stored once, or there would be no figure. Processor time is in seconds for a million readings: the \
         writer's from its start, the three nodes' and the database's own.\n",
        figures.readings,
        figures.limits.len().max(figures.steady.len()).max(figures.away.len()).max(1),
    )
}

fn limits(runs: &[Limits]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let row = |what: &str, rate: fn(&Limits) -> Rate| {
        format!(
            "| {what} | {} | {} | {} |\n",
            spread(runs.iter().map(|run| rate(run).readings_per_second), 0),
            spread(runs.iter().map(|run| rate(run).client_cpu), 1),
            spread(runs.iter().map(|run| rate(run).server_cpu), 1),
        )
    };
    format!(
        "### What broker and database allow\n\n\
         A consumer that only acks, 10,000 at a time, for a quarter of the readings; and COPY, 10,000 rows a transaction, encoded and sorted before.\n\n\
         | limit | readings/s | client CPU-s | server CPU-s |\n| --- | ---: | ---: | ---: |\n{}{}{}\
         | both, one after the other | {} | | |\n",
        row("taking from the queue", |run| run.null_consumer),
        row("binary COPY into the hypertable", |run| run.copy_hypertable),
        row("binary COPY into a plain table with the same indexes", |run| run.copy_table),
        spread(runs.iter().map(Limits::together), 0),
    )
}

fn drains(drains: &[Drained]) -> String {
    if drains.iter().all(|drained| drained.runs.is_empty()) {
        return String::new();
    }
    let rows: String = drains
        .iter()
        .filter(|d| !d.runs.is_empty())
        .map(|drained| drain_row(drained.name, &drained.runs))
        .collect();
    let promises: String =
        drains.iter().map(|d| format!("- {} ({}): {}.\n", d.name, d.way, d.promise)).collect();
    format!(
        "### Draining a queue\n\n![Readings a second](performance/writer.svg)\n\n{HEAD}{rows}\n\
         What each promises, as its code and its libraries' code say:\n\n{promises}"
    )
}

const HEAD: &str = "\
    | writer | readings | readings/s | writer CPU-s | broker CPU-s | database CPU-s | peak memory | commits |\n\
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

fn drain_row(name: &str, runs: &[Drain]) -> String {
    let of = |figure: fn(&Drain) -> f64, digits| spread(runs.iter().map(figure), digits);
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} MiB | {} |\n",
        runs.first().map_or(0, |run| run.readings),
        of(|run| run.readings_per_second, 0),
        of(|run| run.writer_cpu, 1),
        of(|run| run.broker_cpu, 1),
        of(|run| run.database_cpu, 1),
        of(|run| run.peak_bytes as f64 / MIB, 0),
        of(|run| run.commits as f64, 0),
    )
}

/// The table of db-writer's aims and what was measured.
fn reached(figures: &Figures) -> String {
    let rate = |drained: &Drained| median(drained.runs.iter().map(|run| run.readings_per_second));
    let [db_writer, classic, .., copy] = &figures.drains[..] else { return String::new() };
    if db_writer.runs.is_empty() {
        return String::new();
    }
    let limit = median(figures.limits.iter().map(Limits::together));
    let row = |what: &str, aim: &str, is: String| format!("| {what} | {aim} | {is} |\n");
    let times = |of: f64| match of > 0.0 {
        true => format!("{:.2} ×", rate(db_writer) / of),
        false => "–".to_owned(),
    };
    let mut text = String::from("| db-writer's drain | aim | measured |\n| --- | ---: | ---: |\n");
    text += &row("beside both limits, one after the other", "≥ 0.7 ×", times(limit));
    text += &row("beside the classic script", "≥ 20 ×", times(rate(classic)));
    text += &row("beside the fastest batching peer that acks after the commit", "≥ 3 ×", times(rate(copy)));
    let cpu = median(db_writer.runs.iter().map(|run| run.writer_cpu));
    let lapin = median(db_writer.runs.iter().map(|run| run.lapin_cpu));
    text +=
        &row("its CPU-s for a million", "≤ 4", format!("{cpu:.1}, of which lapin's own thread {lapin:.1}"));
    let peak = median(db_writer.runs.iter().map(|run| run.peak_bytes as f64 / MIB));
    text += &row("its peak memory", "≤ 64 MiB", format!("{peak:.0} MiB"));
    text
}

fn steady(figures: &Figures) -> String {
    if figures.steady.is_empty() {
        return String::new();
    }
    let rows: String = RATES.iter().enumerate().map(|(at, _)| steady_row(figures, at)).collect();
    let highest = |figure: fn(&Steady) -> f64| spread(figures.highest.iter().flatten().map(figure), 0);
    format!(
        "### Readings at a rate\n\n\
         db-writer beside a generator that keeps its rate. From when a reading was due to the time of its commit, which \
         the database takes just before it flushes the commit to its log: the reading is safe, and visible, later by that \
         flush, and published later than due by what the generator was behind.\n\n\
         | readings/s | p50 | p99 | longest | generator behind, at most | writer, of a core |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}\n\
         Aim: p99 ≤ 100 ms at 1,000 readings/s. The highest rate at which no reading of the last second waited for longer \
         than {} ms, in steps of a fifth: {} readings/s, with p99 {} ms and {} % of a core for the writer.\n",
        EMPTY_WITHIN.as_millis(),
        highest(|step| step.per_second as f64),
        highest(|step| step.latency.p99_ms),
        highest(|step| step.writer_share * 100.0),
    )
}

fn steady_row(figures: &Figures, at: usize) -> String {
    let of = |figure: fn(&Steady) -> f64, digits| {
        spread(figures.steady.iter().filter_map(|run| run.get(at)).map(figure), digits)
    };
    format!(
        "| {} | {} ms | {} ms | {} ms | {} ms | {} % |\n",
        RATES[at],
        of(|step| step.latency.p50_ms, 1),
        of(|step| step.latency.p99_ms, 1),
        of(|step| step.latency.max_ms, 1),
        of(|step| step.generator_behind_ms, 1),
        of(|step| step.writer_share * 100.0, 1),
    )
}

fn away(figures: &Figures) -> String {
    if figures.away.is_empty() {
        return String::new();
    }
    let of = |figure: fn(&super::Away) -> f64, digits| spread(figures.away.iter().map(figure), digits);
    format!(
        "### Without the database\n\n\
         {PER_SECOND} readings/s, and the database frozen for {} s: memory {} MiB before, at most {} MiB until all was \
         stored (aim: ≤ 64 MiB); {} s after its return nothing waited any more. All was stored once.\n",
        AWAY.as_secs(),
        of(|run| run.bytes_before as f64 / MIB, 0),
        of(|run| run.peak_bytes as f64 / MIB, 0),
        of(|run| run.caught_up_after_seconds, 1),
    )
}

fn growth(grown: &[Grown]) -> String {
    let tables = [
        ("batch", "readings in a batch, at most"),
        ("devices", "devices, all new"),
        ("rows", "rows in the table before"),
        ("late", "what is late"),
        ("writers", "writers beside each other"),
    ];
    let of = |table: &str| {
        grown.iter().filter(|row| row.table == table).map(|row| drain_row(&row.label, &[row.drain])).collect()
    };
    let written: Vec<String> = tables
        .into_iter()
        .map(|(table, head)| (head, of(table)))
        .filter(|(_, rows): &(_, String)| !rows.is_empty())
        .map(|(head, rows)| HEAD.replacen("writer", head, 1) + &rows)
        .collect();
    if written.is_empty() {
        return String::new();
    }
    format!(
        "### As it grows\n\nOne drain each; one thing differs from the drain above.\n\n{}",
        written.join("\n")
    )
}

fn instructions(counted: Option<Counted>) -> String {
    let Some(Counted { by_reading, around }) = counted else { return String::new() };
    format!(
        "### Instructions\n\n\
         On one reading's way through db-writer, from the socket of the broker to that of the database: {by_reading}, as \
         callgrind counts them between a short and a longer drain; {:.0} million to start and to stop.\n",
        around as f64 / 1e6
    )
}
