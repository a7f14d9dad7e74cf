//! How commands end, each once.
//!
//! Whoever makes or ends commands locks the row of counts first, so that the counts add up whoever else does.

use jiff::Timestamp;

use super::state::{Command, CommandState};
use crate::engine::statement::{Statement, Value};
use crate::text_codec::TextCodec as _;

/// What a device says of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandResult {
    /// The command.
    pub id: String,
    /// The device that says so.
    pub device: String,
    /// [`CommandState::Accepted`], [`CommandState::Done`] or [`CommandState::Failed`].
    pub state: CommandState,
    /// What came of it, as JSON.
    pub result: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// When the device said so.
    pub at: Timestamp,
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is recorded.
    New,
    /// The device said the same before.
    Again,
    /// The command had ended otherwise: it stays as it is.
    TooLate,
    /// The device has no such command.
    Unknown,
}

impl Recorded {
    /// What became of a result that changed nothing, by the device's command.
    #[must_use]
    pub fn of(command: Option<&Command>, result: &CommandResult) -> Self {
        match command {
            None => Self::Unknown,
            Some(command) if command.state == result.state => Self::Again,
            // That it was accepted was said by being done.
            Some(_) if result.state == CommandState::Accepted => Self::Again,
            Some(_) => Self::TooLate,
        }
    }
}

/// Lets nobody else make or end commands until the transaction is over.
pub(super) fn lock() -> Statement {
    Statement::new("lock the counts of commands", "UPDATE command_counts SET made = made WHERE id = 1", [])
}

/// Counts one end more.
fn count(state: CommandState) -> Statement {
    let word = state.word();
    let sql = format!("UPDATE command_counts SET {word} = {word} + 1 WHERE id = 1");
    Statement::new("count a command", sql, [])
}

/// Ends open commands that meet a condition, as cancelled at `$1` for the reason `$2`; `$3` is the condition's.
pub(super) fn cancel(condition: &str, reason: &str, at: Timestamp, of: &str) -> [Statement; 2] {
    let params: [Value; 3] = [at.into(), reason.into(), of.into()];
    let counted = format!(
        "UPDATE command_counts SET cancelled = cancelled
             + (SELECT count(*) FROM commands WHERE ended_at IS NULL AND {})
         WHERE id = 1",
        condition.replace("$3", "$1")
    );
    let ended = format!(
        "UPDATE commands SET state = 'cancelled', ended_at = $1, reason = $2 WHERE ended_at IS NULL AND {condition}"
    );
    [
        Statement::new("count commands", counted, [of.into()]),
        Statement::new("cancel commands", ended, params).changing(super::CHUNK_ROWS),
    ]
}

/// The time of an open command is over.
pub(super) fn expire(id: &str, at: Timestamp) -> Vec<Statement> {
    const UPDATE: &str =
        "UPDATE commands SET state = 'expired', ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    let ended = Statement::new("expire a command", UPDATE, [id.into(), at.into()]).required();
    vec![lock(), ended, count(CommandState::Expired)]
}

pub(super) fn statements(result: &CommandResult) -> Vec<Statement> {
    if result.state == CommandState::Accepted { vec![accept(result)] } else { end(result) }
}

fn accept(result: &CommandResult) -> Statement {
    const UPDATE: &str = "
        UPDATE commands SET state = 'accepted', accepted_at = $3
        WHERE id = $1 AND device = $2 AND state IN ('queued', 'sent')";
    let params = [(&result.id).into(), (&result.device).into(), result.at.into()];
    Statement::new("accept a command", UPDATE, params).required()
}

fn end(result: &CommandResult) -> Vec<Statement> {
    const UPDATE: &str = "
        UPDATE commands SET state = $4, ended_at = $3, result = $5, reason = $6
        WHERE id = $1 AND device = $2 AND ended_at IS NULL";
    let params = [
        (&result.id).into(),
        (&result.device).into(),
        result.at.into(),
        result.state.word().into(),
        result.result.as_ref().into(),
        result.reason.as_ref().into(),
    ];
    let ended = Statement::new("end a command", UPDATE, params).required();
    let mut statements = vec![lock(), ended, count(result.state)];
    if result.state == CommandState::Failed {
        statements.extend(stop_group(result));
    }
    statements
}

/// Cancels what was never sent of a group that has failed too often.
fn stop_group(result: &CommandResult) -> Vec<Statement> {
    const FAILED_TOO_OFTEN: &str = "
        job = (SELECT job FROM commands WHERE id = $3) AND state = 'queued'
        AND (SELECT count(*) FROM commands f WHERE f.job = commands.job AND f.state = 'failed')
            >= (SELECT j.stop_after FROM command_jobs j WHERE j.id = commands.job)";
    const STOPPED: &str = "
        UPDATE command_jobs SET stopped_at = $2
        WHERE id = (SELECT job FROM commands WHERE id = $1) AND stopped_at IS NULL
        AND (SELECT count(*) FROM commands f WHERE f.job = command_jobs.id AND f.state = 'failed') >= stop_after";
    let reason = "too many commands of its group have failed";
    let stopped = Statement::new("stop a group", STOPPED, [(&result.id).into(), result.at.into()]);
    cancel(FAILED_TOO_OFTEN, reason, result.at, &result.id).into_iter().chain([stopped]).collect()
}
