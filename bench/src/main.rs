//! Measures Millrace beside the limits of the machine it runs on, and writes docs/performance.md.

mod edge;
mod judge;
mod machine;
mod report;

use std::path::Path;

use anyhow::Context as _;

/// The figures of one run, in the order in which they are shown.
fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let folder = tempfile::tempdir().context("make a folder for the data")?;
    let machine = machine::measure(folder.path())?;
    let judged = judge::measure()?;
    let edge = edge::measure(folder.path())?;
    let report = report::write(&machine, &edge, &judged);
    report::show(&report)?;
    std::fs::write(&path, report).with_context(|| format!("write {}", path.display()))
}
