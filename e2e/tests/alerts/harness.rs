//! A `millrace` with a rules file of its own, and what it says.

use std::path::PathBuf;
use std::process::{Command, Output};

use e2e::{LONG, Mail, Millrace, Shape as _, Start, binary, eventually};
use serde_json::Value;
use tempfile::TempDir;

/// A `millrace` with rules of its own.
pub(crate) struct Harness {
    pub(crate) folder: TempDir,
    pub(crate) millrace: Millrace,
}

pub(crate) const AT_ONCE: &str = "group_wait = \"0s\"\n";

impl Harness {
    pub(crate) fn start(rules: &str) -> Self {
        Self::start_with(rules, |start| start)
    }

    pub(crate) fn start_with(rules: &str, more: impl FnOnce(Start) -> Start) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let start = Start::new(&folder.path().join("data")).set("ALERTER__RULES", file.to_str().unwrap());
        Self { millrace: more(start).start(), folder }
    }

    pub(crate) fn rules(&self) -> PathBuf {
        self.folder.path().join("rules.toml")
    }

    pub(crate) fn publish(&self, device: &str, value: &str) {
        self.millrace.publish(&format!("temperature/{device}"), &["-m", value]);
    }

    pub(crate) fn incidents(&self, filter: &str) -> Vec<Value> {
        self.millrace.get(&format!("/api/incidents?{filter}"))["incidents"].as_array().unwrap().clone()
    }

    /// Waits for `count` mails whose subjects contain `about`.
    pub(crate) fn mailed(&self, about: &str, count: usize) -> Vec<Mail> {
        eventually(LONG, || match self.millrace.mails(about) {
            mails if mails.len() == count => Ok(mails),
            mails => Err(mails.into_iter().map(|mail| mail.subject).collect::<Vec<_>>()),
        })
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data.log")).unwrap()
    }

    /// `millrace alerts …` beside the running one.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let data = self.folder.path().join("data");
        let mut command = Command::new(binary("millrace"));
        command.env("MILLRACE__DATA_DIR", data).env("MILLRACE__ALERTER__RULES", self.rules());
        command.arg("alerts").args(arguments).output().unwrap()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
