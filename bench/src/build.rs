//! The first build that `make run` makes on a machine: the page, and `millrace` with all its dependencies.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::ROOT;

/// How long each step of the first build took, with everything downloaded before.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    pub(crate) page: Duration,
    pub(crate) program: Duration,
    /// Crates that were compiled, ours included.
    pub(crate) crates: usize,
}

/// Builds into an empty folder, as in a fresh clone.
pub(crate) fn measure(folder: &Path) -> anyhow::Result<Built> {
    let (page, _) = timed(Command::new("npm").args(["--prefix", "dashboard/web", "run", "build"]))?;
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.args("build --release --locked --package cli --no-default-features --bin millrace".split(' '));
    let (program, said) = timed(cargo.env("CARGO_TARGET_DIR", folder.join("target")))?;
    let crates = said.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count();
    Ok(Built { page, program, crates })
}

/// How long a command took, and what it said on stderr.
fn timed(command: &mut Command) -> anyhow::Result<(Duration, String)> {
    let started = Instant::now();
    let output = command.current_dir(ROOT).stdout(Stdio::null()).output();
    let output = output.with_context(|| format!("run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok((started.elapsed(), said))
}
