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

/// The figures of one run, in the order in which they are shown, and the document that keeps them.
///
/// `bench relay` prints those of the relay and the page alone. `BENCH_SECONDS=10` makes their long parts short, for a
/// try. Neither touches the document.
fn main() -> anyhow::Result<()> {
    let short = std::env::var("BENCH_SECONDS").ok();
    let seconds = short.as_deref().map(str::parse).transpose().context("BENCH_SECONDS is whole seconds")?;
    let long = seconds.map_or(LONG, Duration::from_secs);
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let relay_alone = std::env::args().nth(1).is_some_and(|part| part == "relay");
    let everything = if relay_alone { None } else { Some(everything_else(folder.path())?) };
    let relayed = relay::measure(folder.path(), long)?;
    let page = page::measure(long * 2)?;
    let pages = report::of_pages(&relayed, &page);
    let report = everything.unwrap_or_default() + &pages;
    report::show(&report)?;
    if relay_alone || short.is_some() {
        return Ok(());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    std::fs::write(&path, report).with_context(|| format!("write {}", path.display()))
}

fn everything_else(folder: &Path) -> anyhow::Result<String> {
    let machine = machine::measure(folder)?;
    let judged = judge::measure()?;
    Ok(report::write(&machine, &edge::measure(folder)?, &judged))
}
