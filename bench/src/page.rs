//! The page in a browser: measured by a script that drives Debian's Chromium, e2e/page/measure.mjs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::binary;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) sensors: u64,
    /// Bytes of the first load as they came over the wire, without headers.
    pub(crate) first_load_bytes: u64,
    /// Bytes of all files of the page, each compressed by gzip.
    pub(crate) all_gzip_bytes: u64,
    /// Time from navigation to the first paint, with three sensors.
    pub(crate) first_paint_ms: f64,
    pub(crate) scrolling: Vec<Scrolling>,
    pub(crate) heap: Vec<Heap>,
    pub(crate) updates_per_second: f64,
}

/// Frames that the browser paints while one view is scrolled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scrolling {
    pub(crate) view: String,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) max_ms: f64,
    /// Frames that took longer than one of 60 a second may, with a tenth to spare.
    pub(crate) late_share: f64,
}

/// The size of JavaScript's heap after a garbage collection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heap {
    pub(crate) seconds: f64,
    pub(crate) bytes: u64,
}

/// Measures the page, and watches its heap for this time.
pub(crate) fn measure(heap: Duration) -> anyhow::Result<Page> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/page/measure.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(heap.as_secs().to_string())
        .env("MILLRACE_BIN", binary("millrace"))
        .stderr(Stdio::inherit())
        .output()
        .context("run node")?;
    ensure!(output.status.success(), "the page could not be measured");
    serde_json::from_slice(&output.stdout).context("read what was measured of the page")
}
