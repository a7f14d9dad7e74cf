//! A running `millrace`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::http::{full_name, metric};
use crate::process::Process;
use crate::{LONG, Mail, Shape, binary, program, usage};

/// Rules of tests: notifications are sent at once, without waiting for more incidents of a group.
pub(crate) const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/rules.toml");

/// How to start `millrace`; nothing listens on a fixed port unless a test sets one.
#[derive(Debug, Clone)]
pub struct Start {
    settings: Vec<(String, String)>,
    /// `ulimit -n`, if not this process's.
    open_files: Option<u32>,
    /// `ulimit -v` in bytes, if not this process's.
    memory_bytes: Option<u64>,
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
    /// The URL for MQTT over WebSocket, `ws://…/mqtt`, if that is enabled.
    pub websocket: Option<String>,
}

impl Start {
    /// Without simulated sensors, and with the rules of tests.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        let start = Self {
            settings: Vec::new(),
            open_files: None,
            memory_bytes: None,
            data_dir: data_dir.to_owned(),
        };
        let start = start.set("MQTT__LISTEN", "127.0.0.1:0").set("HTTP__LISTEN", "127.0.0.1:0");
        start.set("SENSORS__COUNT", "0").set("ALERTER__RULES", RULES)
    }

    /// Sets `MILLRACE__<name>`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((format!("MILLRACE__{name}"), value.to_owned()));
        self
    }

    /// Lets it have this many files open at most (`ulimit -n`).
    #[must_use]
    pub fn open_files(self, count: u32) -> Self {
        Self { open_files: Some(count), ..self }
    }

    /// Sets a variable of the environment that is no setting.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets it have an address space of this many bytes at most (`ulimit -v`).
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        Self { memory_bytes: Some(bytes), ..self }
    }

    /// The command that starts it, for tests that start it differently.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = match (self.open_files, self.memory_bytes) {
            (None, None) => Command::new(binary("millrace")),
            (files, memory) => {
                let files = files.map(|files| format!("ulimit -n {files} && "));
                let memory = memory.map(|bytes| format!("ulimit -v {} && ", bytes / 1024));
                let limits = [files, memory].map(Option::unwrap_or_default).concat();
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limits}exec \"$0\"")]).arg(binary("millrace"));
                shell
            }
        };
        command.env("MILLRACE__DATA_DIR", &self.data_dir).envs(self.settings.iter().cloned());
        command
    }

    /// Runs a start that must fail, and returns its output.
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
        let http = word("http://").or_else(|| word("https://")).expect("the page's address");
        let mqtt = word("mqtt://").expect("the MQTT address").replace("mqtt://", "");
        Millrace { process, start: self, http, mqtt, websocket: word("ws://") }
    }

    /// What it logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }
}

/// Reads stdout to its end, so that the process never waits for a reader.
fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // No test reads after the first lines.
            let _ = sender.send(line);
        }
    });
    receiver
}

impl Shape for Millrace {
    const PROMISED_WITHIN: Duration = Duration::ZERO;

    const STAMPS_BY_MILLISECOND: bool = false;

    fn http(&self) -> &str {
        &self.http
    }

    fn device_url(&self) -> String {
        format!("mqtt://{}", self.mqtt)
    }

    fn mosquitto(&self, name: &str) -> Command {
        let (host, port) = self.mqtt.rsplit_once(':').expect("an address");
        let mut command = program(name, "mosquitto-clients");
        command.args(["-h", host, "-p", port]);
        command
    }

    fn device(&self, name: &str) -> String {
        name.to_owned()
    }

    fn mails(&self, about: &str) -> Vec<Mail> {
        let files = std::fs::read_dir(self.start.data_dir.join("mails")).expect("read the folder of mails");
        let paths = files.map(|file| file.expect("read the folder of mails").path());
        // A mail that is being written has another ending.
        let mut paths: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
        paths.sort();
        let mails = paths.iter().map(|path| Mail::read(&std::fs::read_to_string(path).expect("read a mail")));
        mails.filter(|mail| mail.subject.contains(about)).collect()
    }

    fn metric_of(&self, service: &str, name: &str) -> f64 {
        self.metric(&full_name(service, name))
    }

    fn restart(&mut self) {
        self.restart_after(|| {});
    }
}

impl Millrace {
    /// The value of a metric without labels.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        metric(&self.ask("/metrics").1, name)
    }

    /// `kill -9`; what was started can be started again.
    #[must_use]
    pub fn kill(mut self) -> Start {
        self.process.kill();
        self.start.clone()
    }

    /// Stops the process, does something, and starts it again.
    pub fn restart_after(&mut self, meanwhile: impl FnOnce()) {
        let status = self.process.terminate();
        assert!(status.success(), "{status}");
        meanwhile();
        *self = self.start.clone().start();
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

    /// How it was started.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The process id, for `usage`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Bytes of memory in use.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        usage::resident_bytes(self.id())
    }

    /// Seconds of processor time used so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        usage::cpu(self.id())
    }
}
