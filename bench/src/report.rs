//! The figures as a document.

mod relay;

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;

use crate::judge::{DEVICES, Judged};
use crate::machine::Machine;
use crate::part::Section;

pub(crate) use self::relay::section as relay;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

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

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn show(report: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(report.as_bytes()).context("print the report")
}
