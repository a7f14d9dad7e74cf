//! Finds the programs that a test runs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

static BUILD: Once = Once::new();

/// Set where the binaries of this profile were built just before, so that no test builds them again.
const BUILT: &str = "MILLRACE_TEST_BINARIES_BUILT";

/// A binary of this workspace, built from today's sources in the profile of the test.
///
/// # Panics
/// The build fails.
pub fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a program has a path");
    // A test lies in target/PROFILE/deps, a binary in target/PROFILE.
    let mut folders = this.ancestors().skip(1).filter(|folder| !folder.ends_with("deps"));
    let folder = folders.next().expect("a program lies in a folder");
    BUILD.call_once(|| match std::env::var_os(BUILT) {
        Some(_) => {}
        None => build(folder.file_name().is_some_and(|profile| profile == "release")),
    });
    folder.join(name)
}

fn build(release: bool) {
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.args(["build", "--quiet", "--workspace", "--bins"]);
    if release {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status().expect("run cargo");
    assert!(status.success(), "cargo build --workspace --bins failed");
}

/// A program from another maker, such as `mosquitto_pub`.
///
/// # Panics
/// It is not installed: the message names the Debian package.
pub fn program(name: &str, package: &str) -> Command {
    // Debian keeps servers where not every user's PATH leads.
    let find = format!("PATH=$PATH:/usr/sbin; command -v {name}");
    let found = Command::new("sh").args(["-c", &find]).output().expect("run sh");
    assert!(found.status.success(), "{name} is missing: apt-get install {package}, or `make test-tools`");
    Command::new(String::from_utf8_lossy(&found.stdout).trim_end())
}
