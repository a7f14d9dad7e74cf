//! The SQLite store: the contract, and what is its own.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod commits;
#[path = "../contract/mod.rs"]
mod contract;
mod journal;
mod killed;
mod opening;
mod summed_up;

use std::path::PathBuf;
use std::sync::Arc;

use store::{Sqlite, Store};
use tempfile::TempDir;

/// Cases of each property.
const CASES: u32 = 40;

struct Fresh {
    folder: TempDir,
    store: Arc<dyn Store>,
}

impl Fresh {
    /// The same data in another process's hands.
    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&file(&self.folder)).unwrap())
    }
}

async fn fresh() -> Option<Fresh> {
    let (folder, sqlite) = open();
    Some(Fresh { folder, store: Arc::new(sqlite) })
}

fn open() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&file(&folder)).unwrap();
    (folder, sqlite)
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join(store::FILE)
}
