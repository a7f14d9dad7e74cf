//! Mosquitto as the broker, for services that run as processes of their own.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use crate::process::Process;
use crate::{SOON, Subscriber, eventually, free_address, program};

/// A running `mosquitto` that keeps its sessions in a folder; it is killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    process: Process,
    config: PathBuf,
    /// For example `127.0.0.1:41235`.
    pub address: SocketAddr,
}

impl Mosquitto {
    /// # Panics
    /// It does not listen soon.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, "")
    }

    /// With more settings, such as a bridge.
    ///
    /// # Panics
    /// It does not listen soon.
    #[must_use]
    pub fn start_with(folder: &Path, more: &str) -> Self {
        let free = free_address();
        let (config, folder) = (folder.join("mosquitto.conf"), folder.display());
        // By default it drops what is beyond a thousand messages for a service that is away.
        let settings = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n\
             persistence_location {folder}/\nmax_queued_messages 0\nlog_type error\n{more}",
            free.port()
        );
        std::fs::write(&config, settings).expect("write mosquitto's settings");
        Self { process: run(&config, free), config, address: free }
    }

    /// The process id, for `usage`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGTERM, at which it saves its sessions.
    pub fn stop(&mut self) {
        self.process.terminate();
    }

    /// At the same address, after a stop.
    pub fn start_again(&mut self) {
        self.process = run(&self.config, self.address);
    }

    /// As [`publish`](Self::publish), and the broker is to retain it; with an empty payload, nothing any more.
    ///
    /// # Panics
    /// It fails.
    pub fn retain(&self, topic: &str, payload: &str) {
        self.publish_with(&["-r"], topic, payload);
    }

    /// A subscriber at QoS 1 that is known to be subscribed.
    #[must_use]
    pub fn subscriber(&self, filter: &str) -> Subscriber {
        let mut command = program("mosquitto_sub", "mosquitto-clients");
        command.args(["-h", "127.0.0.1", "-p", &self.address.port().to_string()]);
        Subscriber::of(&command, &["-t", filter])
    }

    /// `mosquitto_pub` at QoS 1: returns when the PUBACK is there.
    ///
    /// # Panics
    /// It fails.
    pub fn publish(&self, topic: &str, payload: &str) {
        self.publish_with(&[], topic, payload);
    }

    fn publish_with(&self, options: &[&str], topic: &str, payload: &str) {
        let mut command = program("mosquitto_pub", "mosquitto-clients");
        command.args(["-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-q", "1"]);
        let status = command.args(options).args(["-t", topic, "-m", payload]).status();
        assert!(status.expect("run mosquitto_pub").success());
    }
}

fn run(config: &Path, address: SocketAddr) -> Process {
    let log = File::create(config.with_extension("log")).expect("open the log");
    let mut command = program("mosquitto", "mosquitto");
    let process = Process::start(command.arg("-c").arg(config).stderr(log));
    eventually(SOON, || TcpStream::connect(address));
    process
}
