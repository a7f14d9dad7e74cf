//! Many connections: all devices come at once, stay idle, and come back at once with passwords.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::mqtt::{Connect, Endpoint, Version};
use e2e::{Mosquitto, Start, SteadyDevice, usage};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::packet;

/// Connections that come at once.
pub(super) const CONNECTIONS: usize = 10_000;

/// Devices that come back at once, each with a password.
pub(super) const HERD: usize = 1_000;

/// Readings of the steady device before and meanwhile.
const READINGS: usize = 100;

const USER: &str = "device";
const PASSWORD: &str = "a password";

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Many {
    /// Until all have their CONNACK.
    pub(super) connected_s: f64,
    pub(super) bytes_per_connection: f64,
    /// Of a steady device, before any other is connected and while all are.
    pub(super) puback_p99_before_ms: f64,
    pub(super) puback_p99_ms: f64,
    /// The same two figures of mosquitto, which has no steady device.
    pub(super) mosquitto_connected_s: f64,
    pub(super) mosquitto_bytes_per_connection: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Herd {
    /// Until all have their CONNACK.
    pub(super) connected_s: f64,
    /// Of a steady device, before and while they come back.
    pub(super) puback_p99_before_ms: f64,
    pub(super) puback_p99_ms: f64,
}

/// Connects all at once, and leaves them idle.
pub(super) fn idle(folder: &Path) -> anyhow::Result<Many> {
    std::fs::create_dir_all(folder).context("make a folder")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let millrace = Start::new(&folder.join("data")).start();
    let address: SocketAddr = millrace.mqtt.parse()?;
    let steady = steady(address, None);
    let before = steady.p99(READINGS);
    let resident = millrace.resident_bytes();
    let (connections, connected) = runtime.block_on(connect(address, CONNECTIONS, None))?;
    let _ = steady.p99(1);
    let during = steady.p99(READINGS);
    let grown = millrace.resident_bytes().saturating_sub(resident);
    drop(connections);
    let mosquitto = Mosquitto::start(folder);
    let resident = usage::resident_bytes(mosquitto.id());
    let (_connections, theirs) = runtime.block_on(connect(mosquitto.address, CONNECTIONS, None))?;
    let theirs_grown = usage::resident_bytes(mosquitto.id()).saturating_sub(resident);
    Ok(Many {
        connected_s: connected.as_secs_f64(),
        bytes_per_connection: grown as f64 / CONNECTIONS as f64,
        puback_p99_before_ms: millis(before),
        puback_p99_ms: millis(during),
        mosquitto_connected_s: theirs.as_secs_f64(),
        mosquitto_bytes_per_connection: theirs_grown as f64 / CONNECTIONS as f64,
    })
}

/// Devices with a password each come back at once, as after a power cut.
pub(super) fn herd(folder: &Path) -> anyhow::Result<Herd> {
    std::fs::create_dir_all(folder).context("make a folder")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let file = folder.join("passwords");
    let start = Start::new(&folder.join("data")).set("MQTT__PASSWORD_FILE", &file.display().to_string());
    passwords(&start, &file)?;
    let millrace = start.start();
    let address: SocketAddr = millrace.mqtt.parse()?;
    let steady = steady(address, Some("steady"));
    let before = steady.p99(READINGS);
    let (_connections, connected) = runtime.block_on(connect(address, HERD, Some(USER)))?;
    let during = steady.p99(1);
    Ok(Herd {
        connected_s: connected.as_secs_f64(),
        puback_p99_before_ms: millis(before),
        puback_p99_ms: millis(during),
    })
}

fn steady(address: SocketAddr, user: Option<&str>) -> SteadyDevice {
    let connect = Connect {
        user: user.map(Into::into),
        password: user.map(|_| PASSWORD.into()),
        ..Connect::new(Version::V311, "steady")
    };
    SteadyDevice::start(Endpoint { address, version: Version::V311 }, &connect)
}

/// A file in which each device has the same password: hashing a thousand would take long, and checking them does not get
/// cheaper by it.
fn passwords(start: &Start, file: &Path) -> anyhow::Result<()> {
    let mut passwd = start.command().args(["passwd", USER]).stdin(Stdio::piped()).spawn()?;
    writeln!(passwd.stdin.take().context("stdin is piped")?, "{PASSWORD}")?;
    ensure!(passwd.wait()?.success(), "millrace passwd failed");
    let line = std::fs::read_to_string(file)?;
    let hash = line.trim().split_once(':').context("a user and a hash")?.1.to_owned();
    let users = (0..HERD).map(|number| format!("{USER}{number}")).chain(["steady".to_owned()]);
    let lines: String = users.map(|user| format!("{user}:{hash}\n")).collect();
    std::fs::write(file, lines).context("write the password file")
}

/// Connects this many at once, and waits until each has its CONNACK.
async fn connect(
    address: SocketAddr,
    count: usize,
    user: Option<&str>,
) -> anyhow::Result<(Vec<TcpStream>, Duration)> {
    let start = Instant::now();
    let each = (0..count).map(|number| tokio::spawn(one(address, number, user.map(str::to_owned))));
    let tasks: Vec<_> = each.collect();
    let mut connections = Vec::with_capacity(count);
    for task in tasks {
        connections.push(task.await??);
    }
    Ok((connections, start.elapsed()))
}

async fn one(address: SocketAddr, number: usize, user: Option<String>) -> anyhow::Result<TcpStream> {
    let connect = Connect {
        user: user.as_ref().map(|user| format!("{user}{number}").into()),
        password: user.map(|_| PASSWORD.into()),
        ..Connect::new(Version::V311, &format!("many-{number}"))
    };
    let mut stream = TcpStream::connect(address).await.context("connect")?;
    stream.write_all(&connect.written()).await?;
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.context("read a CONNACK")?;
    ensure!(connack == packet::CONNACK, "connection {number} got {connack:?}");
    Ok(stream)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
