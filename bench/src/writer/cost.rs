//! Processor time of a process and of the cluster's containers.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::Cluster;

/// Linux counts a process's time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

const NODES: [&str; 3] = ["rabbitmq1", "rabbitmq2", "rabbitmq3"];

/// Processor time used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) broker: Duration,
    pub(super) database: Duration,
}

/// Processor time of the containers since the cluster's start.
pub(super) fn of_cluster(cluster: &Cluster) -> anyhow::Result<Used> {
    let mut broker = Duration::ZERO;
    for node in NODES {
        broker += of_container(cluster, node)?;
    }
    Ok(Used { broker, database: of_container(cluster, "timescaledb")? })
}

fn of_container(cluster: &Cluster, service: &str) -> anyhow::Result<Duration> {
    let pid = cluster.process_id(service).map_err(anyhow::Error::msg)?;
    let groups =
        std::fs::read_to_string(format!("/proc/{pid}/cgroup")).context("read a container's group")?;
    let group = |wanted: &str| groups.lines().find_map(|line| path_of(line, wanted));
    if let Some(path) = group("cpuacct") {
        let usage = std::fs::read_to_string(format!("/sys/fs/cgroup/cpuacct{path}/cpuacct.usage"));
        return Ok(Duration::from_nanos(usage.context("read cpuacct.usage")?.trim().parse()?));
    }
    let path = group("").context("the container is in no group")?;
    let stat = std::fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.stat")).context("read cpu.stat")?;
    let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")).context("usage_usec")?;
    Ok(Duration::from_micros(micros.trim().parse()?))
}

/// The path in a line of /proc/PID/cgroup such as `4:cpu,cpuacct:/docker/1234`, or `0::/docker/1234` of the second version.
fn path_of<'a>(line: &'a str, controller: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    controllers.split(',').any(|found| found == controller).then_some(path)
}

/// Processor time of a process since its start.
pub(super) fn of_process(pid: u32) -> anyhow::Result<Duration> {
    in_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).context("read stat")?)
}

/// Processor time of the threads of a process that have this name; threads that have ended do not count.
pub(super) fn of_threads(pid: u32, name: &str) -> anyhow::Result<Duration> {
    let mut used = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("list threads")? {
        let stat = std::fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
        if stat.contains(&format!("({name})")) {
            used += in_stat(&stat)?;
        }
    }
    Ok(used)
}

fn in_stat(stat: &str) -> anyhow::Result<Duration> {
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    ensure!(fields.len() > 12, "stat has {} fields", fields.len());
    let ticks = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok(TICK * ticks)
}

/// The highest resident memory of a process so far, in bytes.
pub(super) fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmHWM:")
}

/// The resident memory of a process now, in bytes.
pub(super) fn memory_now(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, what: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("read status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).context("the process has ended")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_in_both_versions() {
        assert_eq!(path_of("4:cpu,cpuacct:/docker/12", "cpuacct"), Some("/docker/12"));
        assert_eq!(path_of("4:cpu,cpuacct:/docker/12", ""), None);
        assert_eq!(path_of("0::/system.slice/docker-12.scope", ""), Some("/system.slice/docker-12.scope"));
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        assert!(peak_memory(pid).unwrap() > 0 && memory_now(pid).unwrap() > 0);
        let all = of_process(pid).unwrap();
        assert!(of_threads(pid, "no such thread").unwrap() <= all);
    }
}
