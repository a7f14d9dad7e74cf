//! A child process that is killed when its test ends.

use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};

use crate::{LONG, eventually};

/// A running process; it is killed when dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("wait for a child")
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its stdout, if that is piped and not taken yet.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("stdout is piped")
    }

    /// Its stderr, if that is piped and not taken yet.
    pub(crate) fn stderr(&mut self) -> ChildStderr {
        self.0.stderr.take().expect("stderr is piped")
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([format!("-{signal}"), self.id().to_string()]).status();
        assert!(sent.expect("run kill").success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually(LONG, || self.ended().ok_or("still running"))
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
