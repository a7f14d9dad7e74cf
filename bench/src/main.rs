//! Measures Millrace beside the limits of the machine it runs on, and writes docs/performance.md; the part `floods`, which
//! is measured only when it is named, is written to docs/limits.md.
//!
//! `bench` measures all parts, `bench edge writer` only these two. These variables make a run shorter:
//!
//! - `BENCH_READINGS=20000`: readings of a drain in the part `writer`;
//! - `BENCH_RUNS=1`: runs of the parts `writer` and `edge`;
//! - `BENCH_SECONDS=10`: the longest that a step of the parts `edge` and `relay` lasts;
//! - `BENCH_STEPS="drain steady away growth instructions"`: the steps of the part `writer`;
//! - `BENCH_WRITERS="db-writer,Node-RED"`: the writers that are measured.
//!
//! Such a run is shown and not written down. `BENCH_TABLE_ROWS="1000000"` sets how many rows the table has before the
//! step `growth`, and in the part `history`.

mod build;
mod decode;
mod dry_run;
mod edge;
mod floods;
mod history;
mod judge;
mod machine;
mod page;
mod part;
mod relay;
mod report;
mod storm;
mod writer;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::part::Section;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The parts of docs/performance.md, in their order there.
const PARTS: [&str; 8] = ["build", "edge", "decode", "judge", "storm", "relay", "writer", "history"];

const FLOODS: &str = "floods";

/// The only part that needs a cluster.
const IN_CLUSTER: &str = "writer";

/// Variables that make a run shorter: its figures are shown and not written down.
const SHORTER: [&str; 5] = ["BENCH_READINGS", "BENCH_RUNS", "BENCH_STEPS", "BENCH_WRITERS", "BENCH_SECONDS"];

/// How long many viewers are watched; the page's heap is watched twice as long.
const LONG: Duration = Duration::from_secs(300);

fn main() -> anyhow::Result<()> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let unknown = named.iter().find(|name| !PARTS.contains(&name.as_str()) && *name != FLOODS);
    ensure!(unknown.is_none(), "{unknown:?} is none of {PARTS:?} and {FLOODS}");
    for part in PARTS.iter().filter(|part| named.is_empty() || named.iter().any(|name| name == *part)) {
        if *part == IN_CLUSTER && std::env::var_os("MILLRACE_CLUSTER").is_none() {
            beside_a_cluster(part)?;
        } else {
            measure(part)?;
        }
    }
    match named.iter().any(|name| name == FLOODS) {
        true => flood(),
        false => Ok(()),
    }
}

fn flood() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let text = format!("{}\n{}", floods::measure(), report::machine(&machine::measure(folder.path())?));
    report::show(&text)?;
    floods::write(&Path::new(ROOT).join("docs/limits.md"), &text)
}

/// Measures one part, prints it and writes it to docs/performance.md.
fn measure(name: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let machine = machine::measure(folder.path())?;
    let section = match name {
        "build" => report::build(&build::measure(folder.path())?),
        "edge" => edge::measure(folder.path(), longest()?)?,
        "decode" => report::decode(&decode::measure()?),
        "judge" => report::judge(&judge::measure()?),
        "storm" => report::storm(&storm::measure(folder.path())?, &dry_run::measure(folder.path())?),
        "relay" => relayed(folder.path())?,
        "history" => report::history(&history::measure(folder.path())?),
        _ => writer::measure()?,
    };
    let text = format!("{}\n\n{}", section.text.trim(), report::machine(&machine));
    report::show(&text)?;
    if SHORTER.iter().any(|name| std::env::var_os(name).is_some()) {
        return Ok(());
    }
    part::write(&Path::new(ROOT).join("docs"), &PARTS, name, &Section { text, ..section })
}

fn relayed(folder: &Path) -> anyhow::Result<Section> {
    let long = longest()?.unwrap_or(LONG);
    Ok(report::relay(&relay::measure(folder, long)?, &page::measure(long * 2)?))
}

/// The longest that a step may last, if `BENCH_SECONDS` says so.
fn longest() -> anyhow::Result<Option<Duration>> {
    let short = std::env::var("BENCH_SECONDS").ok();
    let seconds = short.as_deref().map(str::parse).transpose().context("BENCH_SECONDS is whole seconds")?;
    Ok(seconds.map(Duration::from_secs))
}

/// Runs this program again for one part, beside a cluster that is started for it.
fn beside_a_cluster(part: &str) -> anyhow::Result<()> {
    let me = std::env::current_exe().context("find this program")?;
    let mut command = Command::new("e2e/with-cluster");
    let status = command.arg(me).arg(part).current_dir(ROOT).status().context("run e2e/with-cluster")?;
    ensure!(status.success(), "{part}: {status}");
    Ok(())
}
