//! The part `relay`: how long a reading takes to reach a page, and what many open pages cost.

mod cycles;
mod mqtt;
mod viewers;
mod wait;
mod watcher;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use e2e::{Load, Millrace, Start};
use serde::Serialize;

pub(crate) use self::cycles::{CYCLES, Cycles};
pub(crate) use self::viewers::{VIEWERS, Viewers};
pub(crate) use self::wait::{Wait, Waits};

/// Devices, and readings a second over all of them.
pub(crate) const DEVICES: usize = 1000;

/// Connections that the devices share: few, so that the sender is cheap.
const CONNECTIONS: &str = "20";

/// Time for the load to get going before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// How long the waits are measured, at most.
const WAITS: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize)]
pub(crate) struct Relayed {
    pub(crate) waits: Waits,
    pub(crate) viewers: Viewers,
    pub(crate) cycles: Cycles,
}

/// Measures the relay; the step with many viewers lasts `long`.
pub(crate) fn measure(folder: &Path, crowd: Duration) -> anyhow::Result<Relayed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async {
        Ok(Relayed {
            waits: wait::measure(&folder.join("wait"), WAITS.min(crowd)).await?,
            viewers: viewers::measure(&folder.join("viewers"), crowd).await?,
            cycles: cycles::measure(&folder.join("cycles")).await?,
        })
    })
}

/// Starts a `millrace` that accepts all viewers, in a folder of its own.
fn start(folder: &Path) -> anyhow::Result<Millrace> {
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let start = Start::new(&folder.join("data")).set("MQTT__WEBSOCKET_LISTEN", "127.0.0.1:0");
    Ok(start.set("DASHBOARD__MAX_CLIENTS", "2000").start())
}

/// Starts a load in which each device sends a reading a second, until it is dropped.
fn load(millrace: &Millrace, folder: &Path) -> Load {
    let (devices, rate) = (DEVICES.to_string(), DEVICES.to_string());
    let url = format!("mqtt://{}", millrace.mqtt);
    let arguments =
        ["load", "--connections", CONNECTIONS, "--devices", &devices, "--rate", &rate, "--duration", "1h"];
    Load::start(&url, folder, &arguments)
}

/// The processor time that a process has used since the start of a measurement, as a share of one core.
struct Share {
    process: u32,
    cpu: Duration,
    since: std::time::Instant,
}

impl Share {
    fn of(process: u32) -> Self {
        Self { process, cpu: e2e::usage::cpu(process), since: std::time::Instant::now() }
    }

    fn so_far(&self) -> f64 {
        (e2e::usage::cpu(self.process) - self.cpu).as_secs_f64() / self.since.elapsed().as_secs_f64()
    }
}
