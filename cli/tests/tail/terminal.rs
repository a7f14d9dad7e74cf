//! A running `millrace tail`, and what it says.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::server::BOUND;

/// Killed when dropped.
pub(crate) struct Tail {
    child: Child,
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Tail {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.arg("tail").args(arguments).envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let stdout = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, stdout, stderr }
    }

    /// The next line on stdout, without its time.
    pub(crate) async fn line(&mut self) -> String {
        let line = timeout(BOUND, self.stdout.as_mut().unwrap().next_line()).await.unwrap().unwrap();
        let line = line.expect("another line");
        line.split_once(' ').map_or(line.clone(), |(_, rest)| rest.to_owned())
    }

    /// What it says besides, as far as a line with these words.
    pub(crate) async fn says(&mut self, words: &str) {
        let mut said = Vec::new();
        while let Some(line) = timeout(BOUND, self.stderr.next_line()).await.unwrap().unwrap() {
            if line.contains(words) {
                return;
            }
            said.push(line);
        }
        panic!("{words:?} is not in {said:?}");
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) async fn exit_code(&mut self) -> i32 {
        timeout(BOUND, self.child.wait()).await.unwrap().unwrap().code().unwrap()
    }
}
