//! Which database, and opening it.

use std::path::PathBuf;
use std::sync::Arc;

use telemetry::Clock;

use crate::access::AccessStore;
use crate::alerting::Alerting;
use crate::announcements::AnnouncementStore;
use crate::attributes::AttributeStore;
use crate::clock_runs::ClockHistory;
use crate::commands::Commands;
use crate::engine::postgres::{Postgres, PostgresUrl};
use crate::engine::sqlite::Sqlite;
use crate::idempotency::IdempotencyKeys;
use crate::journal::Journals;
use crate::ledger::Ledger;
use crate::notices::Notices;
use crate::readings::history::History;
use crate::readings::write::ReadingStore;
use crate::registry::Registry;
use crate::registry::lifecycle::Lifecycle;
use crate::rejections::Rejections;
use crate::rollups::Summaries;
use crate::uplinks::Uplinks;

/// All that a store can do.
pub trait Store:
    ReadingStore
    + History
    + Rejections
    + Ledger
    + Alerting
    + ClockHistory
    + AnnouncementStore
    + AttributeStore
    + AccessStore
    + Registry
    + Lifecycle
    + Notices
    + IdempotencyKeys
    + Commands
    + Summaries
    + Uplinks
    + Journals
    + OwnReaders
{
}

impl<T> Store for T where
    T: ReadingStore
        + History
        + Rejections
        + Ledger
        + Alerting
        + ClockHistory
        + AnnouncementStore
        + AttributeStore
        + AccessStore
        + Registry
        + Lifecycle
        + Notices
        + IdempotencyKeys
        + Commands
        + Summaries
        + Uplinks
        + Journals
        + OwnReaders
{
}

/// Keeps long reads apart from short ones.
pub trait OwnReaders: Send + Sync {
    /// The same store for long reads: they have a few connections of their own, so that no other call waits for them.
    fn with_own_readers(&self) -> Arc<dyn Store>;
}

impl OwnReaders for Sqlite {
    fn with_own_readers(&self) -> Arc<dyn Store> {
        Arc::new(self.own_readers())
    }
}

impl OwnReaders for Postgres {
    fn with_own_readers(&self) -> Arc<dyn Store> {
        Arc::new(self.own_readers())
    }
}

/// Which database is used.
#[derive(Debug, Clone)]
pub enum Location {
    /// An SQLite file, which is made where there is none.
    File(PathBuf),
    /// A PostgreSQL database, with or without TimescaleDB.
    Postgres(PostgresUrl),
}

/// Opens the store, which goes by this clock where it has none of its own.
///
/// # Errors
/// The file cannot be opened; one line names it and what is wrong. A PostgreSQL database that is down is no error here:
/// each call connects where needed, and says why it cannot.
pub async fn open(location: &Location, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match location {
        Location::File(path) => {
            let path = path.clone();
            Arc::new(tokio::task::spawn_blocking(move || Sqlite::open_by(&path, clock)).await??)
        }
        Location::Postgres(url) => Arc::new(Postgres::new(url.clone()).with_clock(clock)),
    })
}
