//! The one thread that writes: all changes that have arrived are committed as one group, with one fsync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use telemetry::Clock;
use tokio::sync::{mpsc, oneshot};

use super::columns::Micros;
use super::open;
use crate::series::sqlite::SeriesIds;
use crate::unavailable::{Damaged, Result, is_damaged};

/// Changes in one group, at most; as many again may wait in the channel.
const MAX_GROUP_CHANGES: usize = 1024;

/// Rows in one group; the change that reaches it is the group's last.
const MAX_GROUP_ROWS: usize = 50_000;

const STOPPED: &str = "the thread that writes has stopped";

/// Hands changes to the thread, which ends when the last handle is dropped. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    commands: mpsc::Sender<Command>,
}

/// What a change may touch, inside the group's transaction.
pub(crate) struct Tables<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) series: &'a mut SeriesIds,
    /// The same for the whole group.
    pub(crate) stored_at: Timestamp,
}

enum Command {
    Change(Box<dyn Change>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(crate) fn start(connection: Connection, path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let (commands, arriving) = mpsc::channel(MAX_GROUP_CHANGES);
        let thread = WriterThread {
            path: path.to_path_buf(),
            connection: Some(connection),
            series: SeriesIds::default(),
            clock,
            arriving,
            closers: Vec::new(),
        };
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(|| thread.run())
            .context("start the thread that writes to SQLite")?;
        Ok(Self { commands })
    }

    /// Makes a change; returns when it is on disk. If `work` fails, it alone is rolled back.
    ///
    /// A caller that goes away meanwhile does no harm; its change may have been made.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        doing: &'static str,
        rows: usize,
        work: impl FnOnce(&mut Tables<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let change = Pending { rows, work: Some(work), result: None, reply };
        let command = Command::Change(Box::new(change));
        self.commands.send(command).await.map_err(|_| anyhow!(STOPPED)).context(doing)?;
        Ok(answer.await.map_err(|_| anyhow!(STOPPED)).and_then(|result| result).context(doing)?)
    }

    /// Makes the changes that have arrived, refuses later ones, empties the log and ends the thread.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).await.is_ok() {
            // An error means that the thread has stopped before: that, too, is closed.
            let _ = closed.await;
        }
    }
}

/// What became of a group: all of it stands, or nothing and why.
type Outcome = std::result::Result<(), GroupError>;

/// Why no change of a group was committed; each of them gets this as its error.
struct GroupError {
    text: String,
    is_damaged: bool,
}

impl From<anyhow::Error> for GroupError {
    fn from(error: anyhow::Error) -> Self {
        Self { text: format!("{error:#}"), is_damaged: is_damaged(&error) }
    }
}

impl GroupError {
    fn to_error(&self) -> anyhow::Error {
        let text = self.text.clone();
        if self.is_damaged { Damaged(text).into() } else { anyhow!(text) }
    }
}

/// What one caller wants changed, and how the caller hears of it.
trait Change: Send {
    fn rows(&self) -> usize;

    /// Makes the change; returns whether it is to stand.
    fn apply(&mut self, tables: &mut Tables<'_>) -> bool;

    /// Sends the caller the result, once the group is committed or has failed.
    fn answer(self: Box<Self>, group: &Outcome);
}

struct Pending<T, F> {
    rows: usize,
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<anyhow::Result<T>>,
}

impl<T, F> Change for Pending<T, F>
where
    T: Send,
    F: FnOnce(&mut Tables<'_>) -> rusqlite::Result<T> + Send,
{
    fn rows(&self) -> usize {
        self.rows
    }

    fn apply(&mut self, tables: &mut Tables<'_>) -> bool {
        self.result = self.work.take().map(|work| work(tables));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, group: &Outcome) {
        let answer = match (self.result, group) {
            (Some(Err(error)), _) => Err(error.into()),
            (Some(Ok(result)), Ok(())) => Ok(result),
            (_, Err(error)) => Err(error.to_error()),
            (None, Ok(())) => Err(anyhow!("the change was left out of its group")),
        };
        // A caller that has gone away does not want to know.
        let _ = self.reply.send(answer);
    }
}

struct WriterThread {
    path: PathBuf,
    /// None after a group has failed: that connection is not trusted again.
    connection: Option<Connection>,
    series: SeriesIds,
    clock: Arc<dyn Clock>,
    arriving: mpsc::Receiver<Command>,
    closers: Vec<oneshot::Sender<()>>,
}

impl WriterThread {
    /// Ends when all handles are gone, or one has asked for it, and all that had arrived is answered.
    fn run(mut self) {
        while let Some(mut group) = self.next_group() {
            let outcome = self.commit(&mut group).map_err(GroupError::from);
            for change in group {
                change.answer(&outcome);
            }
        }
        self.close();
    }

    /// Waits for a change and takes those that have arrived with it.
    fn next_group(&mut self) -> Option<Vec<Box<dyn Change>>> {
        let mut group = Vec::new();
        let mut rows = 0;
        let mut command = self.arriving.blocking_recv()?;
        loop {
            match command {
                Command::Change(change) => {
                    rows += change.rows();
                    group.push(change);
                }
                Command::Close(closer) => {
                    self.arriving.close();
                    self.closers.push(closer);
                }
            }
            if group.len() >= MAX_GROUP_CHANGES || rows >= MAX_GROUP_ROWS {
                return Some(group);
            }
            match self.arriving.try_recv() {
                Ok(next) => command = next,
                Err(_) => return Some(group),
            }
        }
    }

    /// All of the group, but for changes that fail by themselves, or nothing.
    fn commit(&mut self, group: &mut [Box<dyn Change>]) -> anyhow::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open::reopen(&self.path)?,
        };
        let outcome = transact(&mut connection, &mut self.series, self.clock.wall(), group);
        match outcome {
            Ok(()) => self.connection = Some(connection),
            Err(_) => self.series.forget(),
        }
        outcome
    }

    /// Dropped without this, SQLite does the same if no reader is left; a log that stays is read at the next start.
    fn close(mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.closers.is_empty()
            && let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the SQLite log was left for the next start");
        }
        drop(connection);
        for closer in self.closers {
            // The caller may have stopped waiting.
            let _ = closer.send(());
        }
    }
}

fn transact(
    connection: &mut Connection,
    series: &mut SeriesIds,
    now: Timestamp,
    group: &mut [Box<dyn Change>],
) -> anyhow::Result<()> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .context("begin a transaction")?;
    let stored_at = stored_at(&transaction, now).context("read the retention's clock")?;
    let mut tables = Tables { connection: &transaction, series, stored_at };
    if let [alone] = group {
        // Its savepoint would be the transaction itself, and cost a copy of each page that it touches.
        if !alone.apply(&mut tables) {
            tables.series.forget();
            return transaction.rollback().context("roll back");
        }
    } else {
        for change in group {
            apply(&transaction, &mut tables, change.as_mut())?;
        }
    }
    transaction.commit().context("commit")
}

/// Now, or where retention's clock stands, if ours is behind it: what is stored now is not older than what was deleted.
fn stored_at(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Timestamp> {
    const SELECT: &str = "SELECT max(at) FROM retention";
    let at: Option<Micros> = transaction.prepare_cached(SELECT)?.query_row([], |row| row.get(0))?;
    Ok(at.map_or(now, |at| at.0.max(now)))
}

/// Makes one of several changes in a savepoint of its own.
fn apply(
    transaction: &Transaction<'_>,
    tables: &mut Tables<'_>,
    change: &mut dyn Change,
) -> anyhow::Result<()> {
    let run = |sql| transaction.prepare_cached(sql)?.execute([]);
    run("SAVEPOINT change").context("set a savepoint")?;
    if !change.apply(tables) {
        tables.series.forget();
        // Without a transaction, what comes next would be committed statement by statement.
        anyhow::ensure!(
            !transaction.is_autocommit(),
            "SQLite rolled back the whole group: a change failed badly"
        );
        run("ROLLBACK TO change").context("roll back to the savepoint")?;
    }
    run("RELEASE change").context("release the savepoint")?;
    Ok(())
}

#[cfg(test)]
mod tests;
