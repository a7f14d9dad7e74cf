//! Measures Millrace beside the limits of the machine it runs on, and writes docs/performance.md.

mod edge;
mod judge;
mod machine;
mod page;
mod relay;
mod report;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// How long the crowd watches, and half of how long the page's heap is watched.
const LONG: Duration = Duration::from_secs(300);

/// The figures of one run, in the order in which they are shown.
///
/// `BENCH_SECONDS=10` makes the long parts short, for a try; then nothing is written but what is printed.
fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let short = std::env::var("BENCH_SECONDS").ok();
    let seconds = short.as_deref().map(str::parse).transpose().context("BENCH_SECONDS is whole seconds")?;
    let long = seconds.map_or(LONG, Duration::from_secs);
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let machine = machine::measure(folder.path())?;
    let judged = judge::measure()?;
    let edge = edge::measure(folder.path())?;
    let relayed = relay::measure(folder.path(), long)?;
    let page = page::measure(long * 2)?;
    let report = report::write(&machine, &edge, &judged, &relayed, &page);
    report::show(&report)?;
    if short.is_some() {
        return Ok(());
    }
    std::fs::write(&path, report).with_context(|| format!("write {}", path.display()))
}
