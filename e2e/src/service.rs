//! `db-writer`, `alerter` or `dashboard` as a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use serde_json::Value;

use crate::http::{ask, metric, post};
use crate::millrace::RULES;
use crate::process::Process;
use crate::{LONG, binary, eventually};

/// How to start a service; it listens on no fixed port.
#[derive(Debug, Clone)]
pub struct StartService {
    name: &'static str,
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

/// A running process; it is killed when dropped.
#[derive(Debug)]
pub struct Service {
    process: Process,
    start: StartService,
    /// The address of its health and metrics, or of the page: `127.0.0.1:41234`.
    pub listen: String,
}

impl StartService {
    /// With its data in `folder/data` and its log beside that.
    #[must_use]
    pub fn new(name: &'static str, folder: &Path, mqtt_url: &str) -> Self {
        let data = folder.join("data").display().to_string();
        let start = Self { name, folder: folder.to_owned(), settings: Vec::new() };
        start
            .set("DATA_DIR", &data)
            .set("MQTT__URL", mqtt_url)
            .set("ADMIN__LISTEN", "127.0.0.1:0")
            .set("HTTP__LISTEN", "127.0.0.1:0")
            .set("ALERTER__RULES", RULES)
    }

    /// Sets `MILLRACE__<name>`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((format!("MILLRACE__{name}"), value.to_owned()));
        self
    }

    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary(self.name));
        command.envs(self.settings.iter().cloned());
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Starts it and waits until it has logged where it listens.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn start(self) -> Service {
        let log = self.log();
        let before = std::fs::read_to_string(&log).unwrap_or_default().len();
        let file = File::options().create(true).append(true).open(&log).expect("open the log");
        let mut process = Process::start(self.command().stderr(file));
        let listen = eventually(LONG, || {
            let said = std::fs::read_to_string(&log).expect("read the log").split_off(before);
            assert!(process.ended().is_none(), "{} ended: {said}", self.name);
            let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.filter_map(|line| Some(line["listen"].as_str()?.to_owned())).next().ok_or(said)
        });
        Service { process, start: self, listen }
    }
}

impl Service {
    /// Asks over HTTP: the status and the body.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn ask(&self, path: &str) -> (u16, String) {
        ask(&format!("http://{}{path}", self.listen))
    }

    /// Posts JSON: the status and the answer.
    ///
    /// # Panics
    /// The answer is no JSON.
    #[must_use]
    pub fn post(&self, path: &str, json: &Value) -> (u16, Value) {
        let (status, body) = post(&format!("http://{}{path}", self.listen), json);
        (status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}")))
    }

    /// Waits until it is ready.
    pub fn until_ready(&self) {
        eventually(LONG, || match self.ask("/readyz") {
            (200, _) => Ok(()),
            not_yet => Err(not_yet),
        });
    }

    /// Waits until it is not ready and its reason contains all these words; returns the reason.
    pub fn until_it_says(&self, words: &[&str]) -> String {
        eventually(LONG, || match self.ask("/readyz") {
            (503, said) if words.iter().all(|word| said.contains(word)) => Ok(said),
            other => Err(other),
        })
    }

    /// The value of a metric without labels.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        metric(&self.ask("/metrics").1, name)
    }

    /// Its log, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.start.log()).expect("read the log")
    }

    /// Asks the running process for its health, as its own subcommand does.
    #[must_use]
    pub fn healthcheck(&self) -> Output {
        let mut command = self.start.command();
        command.env("MILLRACE__ADMIN__LISTEN", &self.listen).env("MILLRACE__HTTP__LISTEN", &self.listen);
        command.arg("healthcheck").output().expect("run healthcheck")
    }

    /// `kill -9`; what was started can be started again.
    #[must_use]
    pub fn kill(mut self) -> StartService {
        self.process.kill();
        self.start.clone()
    }

    /// SIGTERM, and how it ended.
    #[must_use]
    pub fn terminate(mut self) -> (ExitStatus, StartService) {
        let status = self.process.terminate();
        (status, self.start.clone())
    }
}
