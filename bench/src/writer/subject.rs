//! The writers that are measured: db-writer and others, each as a process of this machine.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, bail};
use e2e::{eventually, program};

use super::database::Table;
use super::harness::Workspace;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// How long a writer may take to stop before it is killed.
const STOPPING: Duration = Duration::from_secs(10);

/// A writer that is measured: db-writer, or another that people use for the same work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// A slow writer drains only one in this many of the planned readings.
    pub(super) one_in: u64,
    pub(super) over_mqtt: bool,
    /// Its script in bench/peers; `None` for db-writer.
    pub(super) script: Option<&'static str>,
    pub(super) way: &'static str,
    /// What an acknowledgement promises, according to the code of its libraries.
    pub(super) promise: &'static str,
}

pub(super) const DB_WRITER: Subject = Subject {
    name: "db-writer",
    one_in: 1,
    over_mqtt: false,
    script: None,
    way: "AMQP, what has arrived in one transaction",
    promise: "acks after the commit; a reading that comes again changes nothing",
};

pub(super) const PEERS: [Subject; 4] = [
    Subject {
        name: "classic script",
        one_in: 50,
        over_mqtt: true,
        script: Some("classic.py"),
        way: "Python, paho-mqtt + psycopg2, an INSERT and commit a message",
        promise: "acks after the commit (paho acks when the callback returns); what comes again is stored twice",
    },
    Subject {
        name: "Node-RED",
        one_in: 10,
        over_mqtt: true,
        script: Some("nodered.js"),
        way: "mqtt in, join 1,000 or 100 ms, function, PostgreSQL node",
        promise: "acks on receipt: what it holds is lost with it, or with a failed INSERT",
    },
    Subject {
        name: "mqtt.js + pg",
        one_in: 5,
        over_mqtt: true,
        script: Some("batch.js"),
        way: "Node, multi-row INSERT of 1,000 or 100 ms",
        promise: "acks on receipt: what it holds is lost with it, and while the database is slow it holds without a bound",
    },
    Subject {
        name: "pika + COPY",
        one_in: 5,
        over_mqtt: false,
        script: Some("pika_copy.py"),
        way: "Python over AMQP, COPY of 5,000 or 100 ms",
        promise: "acks after the commit; what comes again is stored twice",
    },
];

impl Subject {
    pub(super) fn table(&self) -> Table {
        if self.script.is_some() { Table::Plain } else { Table::Ours }
    }

    pub(super) fn start(&self, workspace: &Workspace<'_>, folder: &Path) -> anyhow::Result<Running> {
        self.start_with(workspace, folder, &[])
    }

    /// Starts it with other settings, which only db-writer has.
    pub(super) fn start_with(
        &self,
        workspace: &Workspace<'_>,
        folder: &Path,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Running> {
        let command = match self.script {
            None => workspace.db_writer(folder, settings)?,
            Some(script) => workspace.peer(interpreter(script))?,
        };
        Running::start(self.name, command, folder.join("subject.log"))
    }

    /// Starts db-writer under callgrind, which counts its instructions and makes it about fifty times slower.
    pub(super) fn start_counted(&self, workspace: &Workspace<'_>, folder: &Path) -> anyhow::Result<Running> {
        let writer = workspace.db_writer(folder, &[])?;
        let mut command = program("valgrind", "valgrind");
        command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}/callgrind", folder.display()));
        command.arg(writer.get_program()).args(writer.get_args());
        command.envs(writer.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Running::start(self.name, command, folder.join("subject.log"))
    }
}

/// The command of a script, with the interpreter that `bench/peers/install` has installed.
fn interpreter(script: &str) -> Command {
    let mut command = if script.ends_with(".py") {
        Command::new(format!("{ROOT}/target/peers/python/bin/python"))
    } else {
        let mut node = Command::new("node");
        node.env("NODE_PATH", format!("{ROOT}/target/peers/node/node_modules"));
        node
    };
    command.arg(format!("{ROOT}/bench/peers/{script}"));
    command
}

/// # Errors
/// Something cannot be installed; its output says what.
pub(crate) fn install_peers() -> anyhow::Result<()> {
    let status =
        Command::new(format!("{ROOT}/bench/peers/install")).status().context("run bench/peers/install")?;
    if !status.success() {
        bail!("bench/peers/install failed");
    }
    Ok(())
}

/// A writer's process; it is stopped when this is dropped.
pub(super) struct Running {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(name: &'static str, mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(&log).context("open a log")?;
        let child = command.stdout(file.try_clone()?).stderr(file).spawn();
        Ok(Self { name, child: child.with_context(|| format!("start {name}"))?, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// The process has ended; the error holds its last output.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        bail!("{} ended with {status}: {}", self.name, last.join(" | "))
    }

    /// Stops it and returns its output.
    pub(super) fn finish(mut self) -> anyhow::Result<String> {
        self.stop()?;
        std::fs::read_to_string(&self.log).context("read a log")
    }

    fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let stopped = eventually(STOPPING * 2, || match self.child.try_wait() {
            Ok(None) => Err(()),
            ended => Ok(ended),
        });
        stopped?.context("it has ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) && self.stop().is_err() {
            // Nothing is left to report to.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
