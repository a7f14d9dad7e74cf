//! The sections of docs/performance.md that need no file of their own; `edge/report.rs` and `writer/report.rs` write the
//! others.

mod decode;
mod history;
mod relay;

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;

use crate::build::Built;
use crate::dry_run::{self, DryRun};
use crate::judge::{DEVICES, Judged};
use crate::machine::Machine;
use crate::part::Section;
use crate::storm::{CAP, Storm, WITHIN};

pub(crate) use self::decode::section as decode;
pub(crate) use self::history::section as history;
pub(crate) use self::relay::section as relay;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// The line that ends every part: when and on what machine it was measured.
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

pub(crate) fn build(built: &Built) -> Section {
    let Built { page, program, crates } = built;
    let text = format!(
        "## The first build\n\n\
         What `make run` does before it starts for the first time, in a fresh clone, with everything downloaded before and \
         nothing else running; the aim is 5 minutes on two cores.\n\n\
         | what | measured |\n| --- | --- |\n\
         | the page | {:.0} s |\n\
         | `millrace`, {crates} crates | {:.0} s |\n\
         | both | {:.1} min |\n",
        page.as_secs_f64(),
        program.as_secs_f64(),
        (*page + *program).as_secs_f64() / 60.0,
    );
    Section { text, figures: serde_json::json!(built), plot: None }
}

pub(crate) fn storm(storms: &[Storm], dry_runs: &[DryRun]) -> Section {
    let mut text = format!(
        "## A storm of incidents\n\n\
         Incidents of one rule open one after the other within {} minutes, each recorded by itself and synced; one address, \
         and at most {CAP} mails an hour. The reads are how often the outbox read a notification to decide on it: they \
         grow with the incidents, not with their square. The time is without the waits of a day until the last mail.\n\n\
         | incidents | reads | reads by incident | mails | longest mail | took |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n",
        WITHIN / 60,
    );
    for Storm { incidents, reads, mails, longest_mail_bytes, took } in storms {
        let each = *reads as f64 / f64::from(*incidents);
        let kilobytes = *longest_mail_bytes as f64 / 1_000.0;
        let seconds = took.as_secs_f64();
        text += &format!(
            "| {incidents} | {reads} | {each:.1} | {mails} | {kilobytes:.1} kB | {seconds:.1} s |\n"
        );
    }
    text += &format!(
        "\n### Many incidents in a dry run\n\n\
         `millrace alerts test`, with rules that open this many incidents of {} devices and notify at most twice an hour; \
         the rules in force open none.\n\n\
         | incidents | readings | took |\n| ---: | ---: | ---: |\n",
        dry_run::DEVICES,
    );
    for DryRun { incidents, readings, took } in dry_runs {
        text += &format!("| {incidents} | {readings} | {:.1} s |\n", took.as_secs_f64());
    }
    Section { text, figures: serde_json::json!({ "storms": storms, "dry_runs": dry_runs }), plot: None }
}

pub(crate) fn judge(judged: &Judged) -> Section {
    let text = format!(
        "## Evaluating rules\n\n\
         {DEVICES} devices before 10 rules of all kinds, a reading of each every second, in one thread and without a \
         store; nothing opens, as on a good day.\n\n\
         | what | measured |\n| --- | --- |\n\
         | pairs of device and rule | {} |\n\
         | evaluations/s | {:.0} |\n\
         | memory by pair | {:.0} bytes |\n\
         | all devices go dark: saying so of each | {:.0} ms |\n",
        judged.subjects,
        judged.evaluations_per_second,
        judged.bytes_per_subject,
        millis(judged.all_absent),
    );
    Section { text, figures: serde_json::json!(judged), plot: None }
}

pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn show(report: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(report.as_bytes()).context("print the report")
}
