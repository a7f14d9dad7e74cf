//! Commands to devices, and what devices should be and say that they are.
//!
//! Commands are made and cancelled, and desired states set, by [`AccessStore::change`](crate::AccessStore::change), with a
//! record in the audit. What devices answer changes them here.

pub(crate) mod change;
pub(crate) mod ends;
pub(crate) mod query;
pub(crate) mod state;
pub(crate) mod twins;

use async_trait::async_trait;
use jiff::Timestamp;

use self::ends::{CommandResult, Recorded};
use self::query::CommandQuery;
use self::state::{Command, CommandCounts, CommandJob, JobCounts};
use self::twins::Twin;
use crate::engine::columns::at_most;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Open commands of one device, at most.
pub const MAX_OPEN_COMMANDS: usize = 100;

/// Devices whose state is stored, at most.
pub const MAX_TWINS: usize = 100_000;

/// Rows that are deleted in one transaction, at most.
const CHUNK_ROWS: usize = 10_000;

/// Where commands and the states of devices are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Commands, newest first.
    async fn commands(&self, query: &CommandQuery) -> Result<Vec<Command>>;

    /// One command.
    async fn command(&self, id: &str) -> Result<Option<Command>>;

    /// Open commands that were made after this one, in the order in which they were made.
    async fn open_commands(&self, after: i64, limit: usize) -> Result<Vec<Command>>;

    /// The open command of a device that comes first.
    async fn open_command(&self, device: &str) -> Result<Option<Command>>;

    /// The first open command of each device, where it is due at a time: those that wait longest first. One that is
    /// to be sent again only after `horizon` is due, too: the clock was set back.
    async fn due_commands(&self, now: Timestamp, horizon: Timestamp, limit: usize) -> Result<Vec<Command>>;

    /// Notes that an open command was sent at a time, and when it is to be sent again; false if it is not open.
    async fn note_sent(&self, id: &str, at: Timestamp, next_at: Timestamp) -> Result<bool>;

    /// Notes when an open command is to be sent again.
    async fn postpone_command(&self, id: &str, next_at: Timestamp) -> Result<()>;

    /// Ends those of these commands that are open: their time is over. Returns how many that were.
    async fn expire_commands(&self, ids: &[String], at: Timestamp) -> Result<u64>;

    /// Records what a device says of a command. Where a command of a group has failed and the group is to stop, those
    /// of it that were never sent are cancelled.
    async fn record_result(&self, result: &CommandResult) -> Result<Recorded>;

    /// How many commands were made, and how they ended.
    async fn command_counts(&self) -> Result<CommandCounts>;

    /// A group of commands, with how many of them are in which state.
    async fn command_job(&self, id: &str) -> Result<Option<(CommandJob, JobCounts)>>;

    /// Deletes commands that ended before a time, and groups without commands; returns how many commands those were.
    async fn forget_commands(&self, older_than: Timestamp) -> Result<u64>;

    /// What a device should be, and what it says that it is.
    async fn twin(&self, device: &str) -> Result<Option<Twin>>;

    /// Stores what a device says that it is; false if there are [`MAX_TWINS`] others already.
    async fn report_state(
        &self,
        device: &str,
        version: Option<i64>,
        state: &str,
        at: Timestamp,
    ) -> Result<bool>;
}

#[async_trait]
impl<E: Engine> Commands for E {
    async fn commands(&self, query: &CommandQuery) -> Result<Vec<Command>> {
        self.query(query::select(query), query::read).await
    }

    async fn command(&self, id: &str) -> Result<Option<Command>> {
        Ok(self.query(query::select_one(id), query::read).await?.pop())
    }

    async fn open_commands(&self, after: i64, limit: usize) -> Result<Vec<Command>> {
        self.query(query::select_open(after, at_most(limit)), query::read).await
    }

    async fn open_command(&self, device: &str) -> Result<Option<Command>> {
        Ok(self.query(query::select_first(device), query::read).await?.pop())
    }

    async fn due_commands(&self, now: Timestamp, horizon: Timestamp, limit: usize) -> Result<Vec<Command>> {
        self.query(query::select_due(now, horizon, at_most(limit)), query::read).await
    }

    async fn note_sent(&self, id: &str, at: Timestamp, next_at: Timestamp) -> Result<bool> {
        const UPDATE: &str = "
            UPDATE commands SET sent_at = $2, sent_count = sent_count + 1, next_at = $3,
                state = CASE WHEN state = 'queued' THEN 'sent' ELSE state END
            WHERE id = $1 AND ended_at IS NULL";
        let note =
            Statement::new("note that a command was sent", UPDATE, [id.into(), at.into(), next_at.into()]);
        Ok(self.execute(note).await? == 1)
    }

    async fn postpone_command(&self, id: &str, next_at: Timestamp) -> Result<()> {
        const UPDATE: &str = "UPDATE commands SET next_at = $2 WHERE id = $1 AND ended_at IS NULL";
        self.execute(Statement::new("postpone a command", UPDATE, [id.into(), next_at.into()]))
            .await
            .map(drop)
    }

    async fn expire_commands(&self, ids: &[String], at: Timestamp) -> Result<u64> {
        let mut expired = 0;
        for id in ids {
            let ended = self.execute_all("expire a command", ends::expire(id, at)).await?;
            expired += u64::from(ended.is_some());
        }
        Ok(expired)
    }

    async fn record_result(&self, result: &CommandResult) -> Result<Recorded> {
        let changed = self.execute_all("record the result of a command", ends::statements(result)).await?;
        if changed.is_some() {
            return Ok(Recorded::New);
        }
        let command = self.command(&result.id).await?;
        Ok(Recorded::of(command.filter(|command| command.device == result.device).as_ref(), result))
    }

    async fn command_counts(&self) -> Result<CommandCounts> {
        let counts = self.query(query::select_counts(), query::read_counts).await?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    async fn command_job(&self, id: &str) -> Result<Option<(CommandJob, JobCounts)>> {
        let Some(job) = self.query(query::select_job(id), query::read_job).await?.pop() else {
            return Ok(None);
        };
        let states = self.query(query::select_states(id), query::read_state).await?;
        Ok(Some((job, states.into_iter().collect())))
    }

    async fn forget_commands(&self, older_than: Timestamp) -> Result<u64> {
        const DELETE: &str = "
            DELETE FROM commands WHERE serial IN (SELECT serial FROM commands WHERE ended_at < $1 LIMIT $2)";
        const JOBS: &str = "
            DELETE FROM command_jobs WHERE created_at < $1
            AND NOT EXISTS (SELECT 1 FROM commands WHERE job = command_jobs.id)";
        let mut removed = 0;
        loop {
            let params = [older_than.into(), at_most(CHUNK_ROWS).into()];
            let chunk = Statement::new("forget commands", DELETE, params).changing(CHUNK_ROWS);
            let count = self.execute(chunk).await?;
            removed += count;
            if count < CHUNK_ROWS as u64 {
                break;
            }
        }
        let jobs = Statement::new("forget groups of commands", JOBS, [older_than.into()]);
        self.execute(jobs.changing(CHUNK_ROWS)).await?;
        Ok(removed)
    }

    async fn twin(&self, device: &str) -> Result<Option<Twin>> {
        Ok(self.query(twins::select(device), twins::read).await?.pop())
    }

    async fn report_state(
        &self,
        device: &str,
        version: Option<i64>,
        state: &str,
        at: Timestamp,
    ) -> Result<bool> {
        Ok(self.execute(twins::report(device, version, state, at)).await? > 0)
    }
}
