//! SQLite: one file, one thread that writes, a few connections that read.

pub(crate) mod columns;
mod open;
pub(crate) mod readers;
mod statement;
pub(crate) mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use telemetry::{Clock, SystemClock};

use self::readers::Readers;
use self::writer::Writer;

/// A store in one file. Cheap to clone: clones share the writer.
///
/// Writes that arrive while others are being committed are committed together: the more there are, the less each costs.
#[derive(Clone, Debug)]
pub struct Sqlite {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its schema up to date. Its folder must exist.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it; nothing was changed.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Self::open_by(path, Arc::new(SystemClock::default()))
    }

    /// As [`open`](Self::open), with a clock for `stored_at`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_by(path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::over(open::create(path)?, path, clock)
    }

    /// Opens a file that is not needed once the machine has crashed, such as that of a dry run: no write is synced.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_unsynced(path: &Path) -> anyhow::Result<Self> {
        let connection = open::create(path)?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        Self::over(connection, path, Arc::new(SystemClock::default()))
    }

    fn over(connection: Connection, path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let writer = Writer::start(connection, path, clock.clone())?;
        Ok(Self { writer, readers: Readers::new(path), clock })
    }

    /// Finishes the writes that have been asked for and leaves one tidy file; other clones can write no more.
    ///
    /// Nothing is lost if this is not called.
    pub async fn close(self) {
        self.readers.close_idle();
        self.writer.close().await;
    }
}

impl Sqlite {
    /// The same store with readers of its own.
    pub(crate) fn own_readers(&self) -> Self {
        Self { readers: self.readers.with_own_turns(), ..self.clone() }
    }
}
