//! A running `millrace`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::http::ask;
use crate::process::Process;
use crate::{LONG, binary, program};

/// How to start one; nothing listens on a fixed port unless told to.
#[derive(Debug, Clone)]
pub struct Start {
    settings: Vec<(String, String)>,
    data_dir: PathBuf,
}

/// A running process; it is killed when dropped.
#[derive(Debug)]
pub struct Millrace {
    process: Process,
    start: Start,
    /// For example `http://127.0.0.1:41234`.
    pub http: String,
    /// For example `127.0.0.1:41235`.
    pub mqtt: String,
    /// `ws://…/mqtt`, where it was asked for.
    pub websocket: Option<String>,
}

impl Start {
    /// Without simulated sensors.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        let start = Self { settings: Vec::new(), data_dir: data_dir.to_owned() };
        start.set("SENSORS__COUNT", "0").set("MQTT__LISTEN", "127.0.0.1:0").set("HTTP__LISTEN", "127.0.0.1:0")
    }

    /// Sets `MILLRACE__<name>`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((format!("MILLRACE__{name}"), value.to_owned()));
        self
    }

    /// The command that starts it, for tests that start it differently.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary("millrace"));
        command.env("MILLRACE__DATA_DIR", &self.data_dir).envs(self.settings.iter().cloned());
        command
    }

    /// For a start that is to fail: what it says and how it exits.
    #[must_use]
    pub fn fails(&self) -> Output {
        let output = self.command().output().expect("run millrace");
        assert!(!output.status.success(), "it started: {output:?}");
        output
    }

    /// Starts it and waits for its first lines.
    ///
    /// # Panics
    /// It ends, or does not say where it listens.
    #[must_use]
    pub fn start(self) -> Millrace {
        let log = File::options().create(true).append(true).open(self.log()).expect("open the log");
        let mut process = Process::start(self.command().stdout(Stdio::piped()).stderr(log));
        let lines = lines(process.stdout());
        let mut first = Vec::new();
        while !first.iter().any(|line: &String| line.trim_start().starts_with("data ")) {
            match lines.recv_timeout(LONG) {
                Ok(line) => first.push(line),
                Err(_) => panic!("{first:?}\n{}", std::fs::read_to_string(self.log()).unwrap_or_default()),
            }
        }
        let word = |prefix: &str| {
            let mut words = first.iter().flat_map(|line| line.split_whitespace());
            words.find(|word| word.starts_with(prefix)).map(str::to_owned)
        };
        let http = word("http://").expect("the page's address");
        let mqtt = word("mqtt://").expect("the MQTT address").replace("mqtt://", "");
        Millrace { process, start: self, http, mqtt, websocket: word("ws://") }
    }

    fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }
}

/// Reads stdout to its end, so that the process never waits for a reader.
fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens after the first lines.
            let _ = sender.send(line);
        }
    });
    receiver
}

impl Millrace {
    /// Asks the API.
    ///
    /// # Panics
    /// It does not answer with JSON and status 200.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"))
    }

    /// Asks for anything: the status and the body.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn ask(&self, path: &str) -> (u16, String) {
        ask(&format!("{}{path}", self.http))
    }

    /// All readings that match, over all pages.
    #[must_use]
    pub fn readings(&self, filter: &str) -> Vec<Value> {
        let mut readings = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/api/readings?limit=10000&{filter}&after={after}"));
            readings.extend(page["readings"].as_array().expect("readings").iter().cloned());
            match &page["next"] {
                Value::String(next) => after.clone_from(next),
                _ => return readings,
            }
        }
    }

    /// The rows of `/api/<name>`.
    #[must_use]
    pub fn rows(&self, name: &str) -> Vec<Value> {
        self.get(&format!("/api/{name}"))[name].as_array().expect("rows").clone()
    }

    /// The value of a metric without labels.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ask("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// `mosquitto_pub` at QoS 1: returns when the PUBACK is there.
    ///
    /// # Panics
    /// It fails.
    pub fn publish(&self, topic: &str, arguments: &[&str]) {
        let status = self.mosquitto("mosquitto_pub").args(["-q", "1", "-t", topic]).args(arguments).status();
        assert!(status.expect("run mosquitto_pub").success());
    }

    /// `mosquitto_pub` or `mosquitto_sub`, told where the broker is.
    #[must_use]
    pub fn mosquitto(&self, name: &str) -> Command {
        let (host, port) = self.mqtt.rsplit_once(':').expect("an address");
        let mut command = program(name, "mosquitto-clients");
        command.args(["-h", host, "-p", port]);
        command
    }

    /// `kill -9`; what was started can be started again.
    #[must_use]
    pub fn kill(mut self) -> Start {
        self.process.kill();
        self.start.clone()
    }

    /// SIGTERM, and how it ended.
    #[must_use]
    pub fn terminate(self) -> (ExitStatus, Start) {
        self.signal("TERM");
        self.ended()
    }

    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Waits until the process has ended by itself.
    #[must_use]
    pub fn ended(mut self) -> (ExitStatus, Start) {
        (self.process.wait(), self.start.clone())
    }

    /// Bytes of memory in use.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("read status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Seconds of processor time used so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("read stat");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
        // Linux counts in hundredths of a second for every program.
        Duration::from_millis(ticks * 10)
    }
}
