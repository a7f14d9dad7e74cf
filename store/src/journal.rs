//! The journal of an edge: the number of each reading that it stored, by which it forwards them, and how far it has come.
//!
//! It holds keys and no values: the readings themselves are what is forwarded, so that there is no second queue.

mod keys;
pub(crate) mod sqlite;

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use telemetry::{JournalRun, NumberSet, Reading};

use crate::engine::postgres::Postgres;
use crate::engine::sqlite::Sqlite;
use crate::unavailable::Result;

/// The readings of some numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journaled {
    /// Each with its number, lowest first.
    pub readings: Vec<(u64, Reading)>,
    /// The numbers whose readings are not stored any more.
    pub deleted: NumberSet,
}

/// How far the uplink has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalProgress {
    /// Numbers of which nothing is to be sent any more: `sent + gone`.
    pub done: NumberSet,
    /// Of these, numbers that will never arrive.
    pub gone: NumberSet,
}

/// Where readings get numbers, from 1 on without gaps, in the transaction that stores them.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Gives numbers to readings that are new from now on. Those that are stored already get none.
    async fn start_journal(&self) -> Result<JournalRun>;

    /// Gives no numbers from now on. Those that were given stay.
    async fn stop_journal(&self) -> Result<()>;

    /// The highest number that was given; 0 before the first.
    async fn last_number(&self) -> Result<u64>;

    /// The readings of these numbers, which were given: as they are stored now.
    async fn journaled(&self, numbers: RangeInclusive<u64>) -> Result<Journaled>;

    /// How far the uplink has come.
    async fn journal_progress(&self) -> Result<JournalProgress>;

    /// Replaces what is noted of how far the uplink has come.
    async fn set_journal_progress(&self, progress: JournalProgress) -> Result<()>;
}

/// Whether a store can number what it stores: a file does, which is an edge's own.
pub trait Journals {
    /// The journal of this store; none where it has none.
    fn journal(&self) -> Option<Arc<dyn Journal>>;
}

impl Journals for Sqlite {
    fn journal(&self) -> Option<Arc<dyn Journal>> {
        Some(Arc::new(self.clone()))
    }
}

impl Journals for Postgres {
    fn journal(&self) -> Option<Arc<dyn Journal>> {
        None
    }
}
