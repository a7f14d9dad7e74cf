//! The PostgreSQL store: the contract on a hypertable and on plain partitions, and what is its own.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]
#![allow(clippy::duplicate_mod, reason = "the contract is asked of two stores")]

mod concurrent;
mod copied;
mod database;
mod faults;
mod hypertable;
mod partitions;
mod refused;
mod schema;
mod statements;
mod template;

use std::sync::Arc;

use store::Store;

use self::database::Database;

/// Cases of each property: each makes a database.
const CASES: u32 = 3;

struct Fresh {
    database: Database,
    store: Arc<dyn Store>,
}

impl Fresh {
    fn of(database: Database) -> Self {
        Self { store: database.store(), database }
    }

    /// The same data in another process's hands.
    async fn reopened(&self) -> Arc<dyn Store> {
        self.database.store()
    }
}
