//! The machine on which the figures were measured: its cores and how fast its disk syncs.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How many syncs are measured: enough for a steady 99th percentile.
const SYNCS: usize = 500;

/// Bytes written before each sync: one page of the database's log.
const BLOCK: [u8; 4096] = [0x5a; 4096];

pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    /// How long it took to write and sync one block, sorted.
    pub(crate) syncs: Vec<Duration>,
}

pub(crate) fn measure(folder: &Path) -> anyhow::Result<Machine> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    Ok(Machine {
        cores: std::thread::available_parallelism().context("count the cores")?.get(),
        processor: model.trim_start_matches(['\t', ':', ' ']).to_owned(),
        syncs: syncs(&folder.join("sync")).context("measure the disk")?,
    })
}

fn syncs(path: &Path) -> anyhow::Result<Vec<Duration>> {
    let mut file = File::create(path)?;
    let mut syncs = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        syncs.push(start.elapsed());
    }
    syncs.sort_unstable();
    Ok(syncs)
}
