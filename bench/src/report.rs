//! The figures as a document.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;

use crate::edge::{Edge, Loaded, Run};
use crate::judge::{DEVICES, Judged};
use crate::machine::Machine;
use crate::part::Section;

const MIB: f64 = 1024.0 * 1024.0;

/// What the figures before it stand beside.
pub(crate) fn machine(machine: &Machine) -> String {
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let sync = |share: f64| millis(percentile(&machine.syncs, share));
    format!(
        "Measured on {today} on {} × {}, where writing 4 KiB and syncing it took p50 {:.2} ms, p99 {:.2} ms.\n",
        machine.cores,
        machine.processor,
        sync(0.50),
        sync(0.99),
    )
}

pub(crate) fn edge(edge: &Edge) -> Section {
    let mut text = format!(
        "## The edge, idle\n\n\
         `millrace` with three simulated sensors of one reading a second each, no page open.\n\n\
         | what | measured |\n| --- | --- |\n\
         | size of the binary, page included | {:.1} MiB |\n\
         | start to first lines | {:.0} ms |\n\
         | memory (RSS) after 30 s | {:.1} MiB |\n\
         | processor | {:.1} % of one core |\n\n\
         ## The edge under load\n\n\
         `sensor-sim load` flat out for 5 s over loopback, on the same cores as `millrace`; each PUBACK means stored, \
         synced and judged. Median of three interleaved runs, with the lowest and highest; after each run every acked \
         reading was in the store, once. Up to 100 readings of a connection are un-acked, and the embedded broker \
         takes them one at a time, so a PUBACK waits for those before it.\n\n\
         | connections | readings/s | PUBACK p50 | PUBACK p99 | CPU-s per million | memory |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        edge.binary_bytes as f64 / MIB,
        millis(edge.start),
        edge.idle_bytes as f64 / MIB,
        edge.idle_cpu * 100.0,
    );
    edge.loads.iter().for_each(|load| text.push_str(&row(load)));
    Section { text, figures: serde_json::json!(edge), plot: None }
}

pub(crate) fn judge(judged: &Judged) -> Section {
    let text = format!(
        "## The judge\n\n\
         {DEVICES} devices before 10 rules of all kinds, a reading of each every second, in one thread and without a \
         store; nothing opens, as on a good day.\n\n\
         | what | measured |\n| --- | --- |\n\
         | pairs of device and rule | {} |\n\
         | judgements/s | {:.0} |\n\
         | memory by pair | {:.0} bytes |\n\
         | all devices go dark: saying so of each | {:.0} ms |\n",
        judged.subjects,
        judged.judgements_per_second,
        judged.bytes_per_subject,
        millis(judged.all_absent),
    );
    Section { text, figures: serde_json::json!(judged), plot: None }
}

fn row(load: &Loaded) -> String {
    let spread = |figure: fn(&Run) -> f64, digits: usize| {
        let mut figures: Vec<f64> = load.runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let (lowest, highest) = (figures[0], figures[figures.len() - 1]);
        format!("{:.digits$} ({lowest:.digits$}–{highest:.digits$})", figures[figures.len() / 2])
    };
    format!(
        "| {} | {} | {} ms | {} ms | {} | {} MiB |\n",
        load.connections,
        spread(|run| run.readings_per_second, 0),
        spread(|run| run.puback_p50_ms, 1),
        spread(|run| run.puback_p99_ms, 1),
        spread(|run| run.cpu_seconds_per_million, 0),
        spread(|run| run.resident_bytes as f64 / MIB, 0),
    )
}

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn show(report: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(report.as_bytes()).context("print the report")
}
