//! A flood under caps for memory and open files, and what the process had in use.

use std::path::Path;
use std::time::Duration;

use super::attacks::{Flood, Peer};
use crate::mqtt::{Connect, Endpoint, Version};
use crate::{LONG, Millrace, Start, SteadyDevice, eventually, usage};

/// The address space of the process: far more than it needs, and far less than a flood would fill.
const MEMORY_BYTES: u64 = 2_000_000_000;

const OPEN_FILES: u32 = 4_096;

/// Files that the process opens once and keeps, and may not have needed before: two for each of the eight connections that
/// read from SQLite, and a few of its own.
pub const KEPT_FILES: usize = 2 * 8 + 5;

/// Readings of the steady device before, while and after: two seconds' worth and more.
const READINGS: usize = 50;

/// What a process has in use.
#[derive(Debug, Clone, Copy)]
pub struct InUse {
    /// Resident; while the flood lasts, at most.
    pub memory_bytes: u64,
    /// Of the data folder.
    pub disk_bytes: u64,
    /// Written so far.
    pub log_bytes: u64,
    pub open_files: usize,
    /// From sending a reading to its PUBACK, for a device that has nothing to do with the flood.
    pub puback_p99: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct Flooded {
    pub before: InUse,
    pub during: InUse,
    pub after: InUse,
}

/// Starts a fresh millrace under caps, floods it, and lets it recover.
///
/// # Panics
/// It does not survive, or a device gets no PUBACK any more.
#[must_use]
pub fn flood(flood: &Flood) -> Flooded {
    let folder = tempfile::tempdir().expect("make a folder");
    let data = folder.path().join("data");
    let millrace = Start::new(&data).open_files(OPEN_FILES).memory(MEMORY_BYTES).start();
    let endpoint = Endpoint { address: millrace.mqtt.parse().expect("an address"), version: Version::V311 };
    let device = SteadyDevice::start(endpoint, &Connect::new(endpoint.version, "steady"));
    let in_use = || in_use(&millrace, &data, device.p99(READINGS));
    let before = in_use();
    let http = millrace.http.trim_start_matches("http://").parse().expect("an address");
    let held = match flood.peer {
        Peer::Device(floods) => floods(endpoint),
        Peer::Asker(floods) => floods(endpoint, http),
    };
    let mut during = in_use();
    during.memory_bytes = usage::peak_bytes(millrace.id());
    drop(held);
    eventually(LONG, || match usage::open_files(millrace.id()) {
        files if files <= before.open_files + KEPT_FILES => Ok(()),
        files => Err(format!("{files} files are open, {} were before", before.open_files)),
    });
    // What was slow while it recovered counts as part of the flood.
    let _ = device.p99(1);
    Flooded { before, during, after: in_use() }
}

fn in_use(millrace: &Millrace, data: &Path, puback_p99: Duration) -> InUse {
    InUse {
        memory_bytes: millrace.resident_bytes(),
        disk_bytes: size(data),
        log_bytes: std::fs::metadata(millrace.start().log()).map_or(0, |log| log.len()),
        open_files: usage::open_files(millrace.id()),
        puback_p99,
    }
}

/// The bytes of all files of a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    // A file that is removed meanwhile has none.
    let sizes = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let about = entry.metadata().ok()?;
        Some(if about.is_dir() { size(&entry.path()) } else { about.len() })
    });
    sizes.sum()
}
