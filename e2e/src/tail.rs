//! `millrace tail` beside a running dashboard.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;

use crate::process::Process;
use crate::{LONG, binary};

/// A running `millrace tail`; it is killed when dropped.
#[derive(Debug)]
pub struct Tail {
    process: Process,
    lines: mpsc::Receiver<String>,
    said: mpsc::Receiver<String>,
}

impl Tail {
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(url: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary("millrace"));
        command.args(["tail", "--url", url]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let (lines, said) = (heard(process.stdout()), heard(process.stderr()));
        Self { process, lines, said }
    }

    /// The next line that it prints.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(LONG).expect("another line")
    }

    /// The next line as JSON.
    ///
    /// # Panics
    /// There is none, or it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Waits for a line on stderr with these words.
    ///
    /// # Panics
    /// It does not.
    pub fn says(&self, words: &str) {
        while !self
            .said
            .recv_timeout(LONG)
            .unwrap_or_else(|_| panic!("{words:?} is not said"))
            .contains(words)
        {}
    }

    /// Waits until it has ended by itself.
    #[must_use]
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.wait().code()
    }

    /// As Ctrl-C does.
    pub fn interrupt(&self) {
        self.process.signal("INT");
    }
}

fn heard(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // No test reads any more.
            let _ = sender.send(line);
        }
    });
    receiver
}
