//! Measures Millrace beside the limits of the machine it runs on, and writes docs/performance.md.
//!
//! `bench` measures all parts, `bench edge writer` these. `BENCH_READINGS=20000` makes the writer's a short try,
//! `BENCH_RUNS=1` the writer's and the edge's, and `BENCH_SECONDS=10` the long parts of edge and relay.
//! `BENCH_STEPS="drain steady away growth instructions"` chooses among the writer's steps,
//! `BENCH_WRITERS="db-writer,Node-RED"` among the drained, and `BENCH_TABLE_ROWS="1000000"` says how full the table is in the last step. A run that any of these but
//! the rows makes short is shown and not written down.

mod edge;
mod judge;
mod machine;
mod page;
mod part;
mod relay;
mod report;
mod writer;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::part::Section;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// As they are shown.
const PARTS: [&str; 4] = ["edge", "judge", "relay", "writer"];

/// The part that needs a cluster.
const IN_CLUSTER: &str = "writer";

/// What makes a run a try, which is shown and not written down.
const SHORTER: [&str; 5] = ["BENCH_READINGS", "BENCH_RUNS", "BENCH_STEPS", "BENCH_WRITERS", "BENCH_SECONDS"];

/// How long the crowd watches, and half of how long the page's heap is watched.
const LONG: Duration = Duration::from_secs(300);

fn main() -> anyhow::Result<()> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let unknown = named.iter().find(|name| !PARTS.contains(&name.as_str()));
    ensure!(unknown.is_none(), "{unknown:?} is none of {PARTS:?}");
    for part in PARTS.iter().filter(|part| named.is_empty() || named.iter().any(|name| name == *part)) {
        if *part == IN_CLUSTER && std::env::var_os("MILLRACE_CLUSTER").is_none() {
            beside_a_cluster(part)?;
        } else {
            measure(part)?;
        }
    }
    Ok(())
}

/// Measures one part, shows it and writes it down.
fn measure(name: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let machine = machine::measure(folder.path())?;
    let section = match name {
        "edge" => edge::measure(folder.path(), longest()?)?,
        "judge" => report::judge(&judge::measure()?),
        "relay" => relayed(folder.path())?,
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

/// What a try makes every long part last at most.
fn longest() -> anyhow::Result<Option<Duration>> {
    let short = std::env::var("BENCH_SECONDS").ok();
    let seconds = short.as_deref().map(str::parse).transpose().context("BENCH_SECONDS is whole seconds")?;
    Ok(seconds.map(Duration::from_secs))
}

/// Runs this program again, for one part, beside a cluster that ends with it.
fn beside_a_cluster(part: &str) -> anyhow::Result<()> {
    let me = std::env::current_exe().context("find this program")?;
    let mut command = Command::new("e2e/with-cluster");
    let status = command.arg(me).arg(part).current_dir(ROOT).status().context("run e2e/with-cluster")?;
    ensure!(status.success(), "{part}: {status}");
    Ok(())
}
