//! The store in memory, which tests of services use, keeps the same contract.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

#[allow(dead_code, reason = "what is in memory has no older schema")]
#[path = "../contract/mod.rs"]
mod contract;

use std::sync::Arc;

use store::Store;
use testkit::MemoryStore;

/// Cases of each property.
const CASES: u32 = 40;

struct Fresh {
    memory: MemoryStore,
    store: Arc<dyn Store>,
}

impl Fresh {
    /// The same data in another process's hands.
    #[allow(clippy::unused_async, reason = "other stores have to connect")]
    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(self.memory.clone())
    }
}

async fn fresh() -> Option<Fresh> {
    let memory = MemoryStore::default();
    Some(Fresh { store: Arc::new(memory.clone()), memory })
}
