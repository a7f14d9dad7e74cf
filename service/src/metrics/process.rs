//! What the system says about this process, by the names that all Prometheus clients use. Read when it is asked for.

use std::fmt;
use std::fs;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The metrics of this process.
#[derive(Debug)]
pub(super) struct Process {
    started_at: Timestamp,
}

impl Process {
    /// A process that started then.
    pub(super) fn started(started_at: Timestamp) -> Self {
        Self { started_at }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut add = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        let started_at = self.started_at.as_microsecond() as f64 / 1e6;
        add("process_start_time_seconds", "When the process started", &ConstGauge::new(started_at))?;
        add("process_cpu_seconds", "CPU time that the process has used", &ConstCounter::new(cpu_seconds()))?;
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            add("process_max_fds", "Files that may be open", &ConstGauge::new(limit as f64))?;
        }
        // Only Linux has these.
        if let Some(open) = open_files() {
            add("process_open_fds", "Files that are open", &ConstGauge::new(open as f64))?;
        }
        if let Some(bytes) = resident_bytes() {
            add("process_resident_memory_bytes", "Memory in use", &ConstGauge::new(bytes as f64))?;
        }
        Ok(())
    }
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Without the one by which they are counted.
fn open_files() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = kilobytes.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
