//! Memory, processor time and sockets of a process, from /proc.

use std::time::Duration;

/// Bytes of memory in use.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn resident_bytes(process: u32) -> u64 {
    memory(process, "VmRSS:")
}

/// The most memory that it has had in use, in bytes.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn peak_bytes(process: u32) -> u64 {
    memory(process, "VmHWM:")
}

fn memory(process: u32, what: &str) -> u64 {
    let status = read(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("a running process");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Processor time used so far.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn cpu(process: u32) -> Duration {
    let stat = read(process, "stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
    // Linux counts in hundredths of a second for every program.
    Duration::from_millis(ticks * 10)
}

/// Files, sockets and all else that is open.
///
/// # Panics
/// There is no such process, or it is another user's.
#[must_use]
pub fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).expect("read its open files").count()
}

/// Sockets that are open.
///
/// # Panics
/// There is no such process, or it is another user's.
#[must_use]
pub fn open_sockets(process: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).expect("read its open files");
    // One that is closed meanwhile is none.
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

fn read(process: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/{file}"))
        .unwrap_or_else(|e| panic!("{process} {file}: {e}"))
}
