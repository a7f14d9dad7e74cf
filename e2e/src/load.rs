//! `sensor-sim` in the background, and the readings for which it got a PUBACK.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binary;
use crate::process::Process;

/// The identity of a reading: device, boot and seq.
pub type AckedReading = (String, u64, u64);

/// A running `sensor-sim`; it is killed when dropped.
#[derive(Debug)]
pub struct Load {
    process: Process,
    acked_log: PathBuf,
}

impl Load {
    /// Runs `sensor-sim <arguments>` against a broker, `mqtt://[user:password@]host:port`, with a log of acked
    /// readings in the folder.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(broker_url: &str, folder: &Path, arguments: &[&str]) -> Self {
        let acked_log = folder.join("acked.log");
        let mut command = Command::new(binary("sensor-sim"));
        // In the environment the password stays out of the process list.
        command.env("MILLRACE_BROKER", broker_url).args(arguments).args(["--json", "--acked-log"]);
        let process = Process::start(command.arg(&acked_log).stdout(Stdio::piped()));
        Self { process, acked_log }
    }

    /// All readings that are acknowledged so far; a line that is being written does not count.
    #[must_use]
    pub fn acked(&self) -> HashSet<AckedReading> {
        let log = std::fs::read_to_string(&self.acked_log).unwrap_or_default();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| read(line).unwrap_or_else(|| panic!("{line:?}"))).collect()
    }

    /// Sends SIGINT, as Ctrl-C does: it stops sending and waits for the last PUBACKs.
    pub fn interrupt(&self) {
        self.process.signal("INT");
    }

    /// The process id, for `usage`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Waits for the end: its exit code and its summary.
    #[must_use]
    pub fn finish(mut self) -> (i32, Value, HashSet<AckedReading>) {
        let status = self.process.wait();
        let summary = serde_json::from_reader(self.process.stdout()).expect("the summary is JSON");
        (status.code().unwrap_or(-1), summary, self.acked())
    }
}

fn read(line: &str) -> Option<AckedReading> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
