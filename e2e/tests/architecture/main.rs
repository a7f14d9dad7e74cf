//! What may know what: crates, the libraries of other makers, and the modules within a crate.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

mod circles;
mod crates;
mod modules;
mod page;
mod parties;
mod source;

use std::path::{Path, PathBuf};

/// The folder that holds all crates.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A path from the root, with `/` between folders.
fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// All files below a folder whose names have one of these endings; none where there is no such folder.
fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut files_below(&path, endings));
        } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
            files.push(path);
        }
    }
    files.sort();
    files
}
