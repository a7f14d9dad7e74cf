//! PostgreSQL: TimescaleDB's hypertable where the extension is there, else partitions by month.

pub(crate) mod columns;
mod connect;
mod migrate;
pub(crate) mod pattern;
pub(crate) mod pool;
pub(crate) mod problem;
pub(crate) mod schema;
pub(crate) mod session;
mod statement;
mod url;

use std::sync::Arc;

use telemetry::{Clock, SystemClock};

use self::pool::Pool;
pub use self::url::{PostgresUrl, PostgresUrlError};

/// A store in a PostgreSQL database. Cheap to clone: clones share the connections.
///
/// Connects when it is called, and brings the schema up to date then; any number of processes may do so at once.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Postgres {
    /// Does not connect yet.
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self { pool: Pool::new(url), clock: Arc::new(SystemClock::default()) }
    }

    /// Goes by another clock than the machine's to tell which readings were stamped ahead of now.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

impl Postgres {
    /// The same store with connections of its own for reading.
    pub(crate) fn own_readers(&self) -> Self {
        Self { pool: self.pool.with_own_turns(), clock: self.clock.clone() }
    }
}
