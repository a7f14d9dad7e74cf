//! A few connections that read, beside the one that writes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::open;
use crate::unavailable::Result;

/// Reads at once, at most; further ones wait for their turn.
const MAX_READERS: usize = 4;

/// Reads at once, at most, of those that have turns of their own.
const MAX_OWN_READERS: usize = 2;

/// A query looks this often whether its caller still waits, in steps of SQLite's virtual machine.
const STEPS: i32 = 1_000;

/// Reads that never wait for the writer, nor it for them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    pool: Arc<Pool>,
    turns: Arc<Semaphore>,
}

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        let pool = Pool { path: path.to_path_buf(), idle: Mutex::default() };
        Self { pool: Arc::new(pool), turns: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// The same readers with turns of their own: however many reads wait for these, none of the others waits.
    pub(crate) fn with_own_turns(&self) -> Self {
        Self { pool: self.pool.clone(), turns: Arc::new(Semaphore::new(MAX_OWN_READERS)) }
    }

    /// Runs `query` on one unchanging state of the tables. A caller that goes away interrupts it.
    pub(crate) async fn read<T, E>(
        &self,
        doing: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Into<anyhow::Error> + Send + 'static,
    {
        let turn = self.turns.clone().acquire_owned().await.context("the readers are closed")?;
        let (pool, caller) = (self.pool.clone(), Caller::default());
        let gone = caller.0.clone();
        let answer = spawn_blocking(move || {
            let _turn = turn;
            pool.read(gone, query)
        });
        let answer = answer.await.context(doing)?;
        drop(caller);
        Ok(answer.map_err(Into::into).context(doing)?)
    }

    /// Closes the idle connections; a later read opens a new one.
    pub(crate) fn close_idle(&self) {
        self.pool.idle().clear();
    }
}

impl Pool {
    fn read<T, E: From<rusqlite::Error>>(
        &self,
        gone: Arc<AtomicBool>,
        query: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open::read_only(&self.path)?,
        };
        // Not by an interrupt, which is lost on a statement that has not begun.
        connection.progress_handler(STEPS, Some(move || gone.load(Ordering::Relaxed)))?;
        let answer = connection.transaction().map_err(E::from).and_then(|transaction| query(&transaction));
        // Before anybody else gets the connection.
        connection.progress_handler(0, None::<fn() -> bool>)?;
        let answer = answer?;
        // Only here: a connection that failed is not used again.
        self.idle().push(connection);
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that waits for an answer. Dropped, it shows that the caller is gone.
#[derive(Default)]
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.pool.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
