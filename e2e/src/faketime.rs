//! A wall clock that a test sets, for a process that doesn't know.

use std::path::{Path, PathBuf};

/// The wall clock of the processes that are started with its variables; their monotonic clocks stay right.
#[derive(Debug)]
pub struct FakeTime {
    file: PathBuf,
}

impl FakeTime {
    /// A clock that is right.
    ///
    /// # Panics
    /// Its file in this folder cannot be written.
    #[must_use]
    pub fn right(folder: &Path) -> Self {
        let clock = Self { file: folder.join("faketime") };
        clock.set(0);
        clock
    }

    /// Sets it so many seconds ahead of the right time, or behind it.
    ///
    /// # Panics
    /// Its file cannot be written.
    pub fn set(&self, ahead_seconds: i64) {
        // Replaced as a whole, as the process may be reading it.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{ahead_seconds:+}\n")).expect("write the time");
        std::fs::rename(&new, &self.file).expect("replace the time");
    }

    /// The environment of a process that goes by this clock.
    ///
    /// # Panics
    /// libfaketime is not installed.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 4] {
        let library = library().expect("libfaketime: e2e/install-tools installs it");
        [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}

/// Where Debian's package has it, on any architecture.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let paths = folders.filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")));
    paths.into_iter().find(|path| path.exists())
}
