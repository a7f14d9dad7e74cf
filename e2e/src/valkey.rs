//! Valkey, or Redis, through which instances share the limits of requests.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::Process;
use crate::{SOON, eventually, free_address, program};

/// A running `valkey-server`, or `redis-server`; it is killed when dropped.
#[derive(Debug)]
pub struct Valkey {
    process: Process,
    /// For example `127.0.0.1:41235`.
    pub address: SocketAddr,
}

impl Valkey {
    /// # Panics
    /// It is not installed, or does not listen soon.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_at(folder, free_address())
    }

    /// At this address.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_at(folder: &Path, address: SocketAddr) -> Self {
        let mut command = server();
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder);
        let process = Process::start(command.stdout(Stdio::null()));
        eventually(SOON, || TcpStream::connect(address));
        Self { process, address }
    }

    /// `STOP` freezes it: it takes connections and answers nothing. `CONT` lets it go on.
    ///
    /// # Panics
    /// There is no such signal.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// `kill -9`; returns its address.
    #[must_use]
    pub fn kill(mut self) -> SocketAddr {
        self.process.kill();
        self.address
    }
}

/// Of the two, which have the same protocol, the one that is installed.
fn server() -> Command {
    let is_there = Command::new("valkey-server").arg("--version").output().is_ok();
    if is_there { Command::new("valkey-server") } else { program("redis-server", "redis-server") }
}
