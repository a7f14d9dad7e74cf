//! Making and cancelling commands, as parts of a change that is recorded.

use jiff::Timestamp;

use super::ends::{cancel, lock};
use super::state::{Command, CommandJob};
use super::twins::{self, NewDesired};
use super::{CHUNK_ROWS, MAX_OPEN_COMMANDS};
use crate::engine::statement::{Statement, Value};
use crate::text_codec::TextCodec as _;

/// The command that brings a device its desired state.
pub const DESIRED: &str = "desired";

/// Which commands are cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// This one.
    Command(String),
    /// All of this group that are open.
    Job(String),
    /// All of this device that are open.
    Device(String),
}

/// Makes a command; none where its id is taken, or its device has too many.
pub(crate) fn add_one(command: &Command) -> Vec<Statement> {
    vec![lock(), next_number(&command.device), insert(command).required(), made(1)]
}

/// Makes the commands of a group, but of devices that have too many; none where that is all of them.
pub(crate) fn add_group(job: &CommandJob, commands: &[Command]) -> Vec<Statement> {
    let each = commands.iter().flat_map(|command| [next_number(&command.device), insert(command)]);
    std::iter::once(lock()).chain([insert_job(job)]).chain(each).chain(made_of(&job.id)).collect()
}

/// Ends open commands; none where there are none.
pub(crate) fn cancel_all(which: &Cancelled, at: Timestamp) -> Vec<Statement> {
    let [locked, counted, ended] = cancel_any(which, "it was taken back", at);
    vec![locked, counted, ended.required()]
}

/// Ends open commands, if there are any.
pub(crate) fn cancel_any(which: &Cancelled, reason: &str, at: Timestamp) -> [Statement; 3] {
    let (condition, of) = match which {
        Cancelled::Command(id) => ("id = $3", id),
        Cancelled::Job(id) => ("job = $3", id),
        Cancelled::Device(device) => ("device = $3", device),
    };
    let [counted, ended] = cancel(condition, reason, at, of);
    [lock(), counted, ended]
}

/// Replaces the desired state of a device, and the command that was to bring it, unless the device has accepted that.
pub(crate) fn set_desired(new: &NewDesired) -> Vec<Statement> {
    const UNANSWERED: &str = "device = $3 AND command = 'desired' AND state IN ('queued', 'sent')";
    let replaced = cancel(UNANSWERED, "a newer version took its place", new.at, &new.device);
    let mut statements = vec![lock(), twins::set_desired(new)];
    statements.extend(replaced);
    if let Some(command) = &new.command {
        statements.extend([next_number(&command.device), insert(command).required(), made(1)]);
    }
    statements
}

fn next_number(device: &str) -> Statement {
    const UPSERT: &str = "
        INSERT INTO twins (device, last_number, version) VALUES ($1, 1, 0)
        ON CONFLICT (device) DO UPDATE SET last_number = twins.last_number + 1";
    Statement::new("number a command", UPSERT, [device.into()])
}

fn insert(command: &Command) -> Statement {
    let sql = format!(
        "INSERT INTO commands (id, device, number, command, args, created_by, created_at, not_before, expires_at, state,
             sent_count, job, next_at)
         SELECT $1, $2, t.last_number, $3, $4, $5, $6, $7, $8, $9, 0, $10, $7 FROM twins t
         WHERE t.device = $2
             AND (SELECT count(*) FROM commands o WHERE o.device = $2 AND o.ended_at IS NULL) < {MAX_OPEN_COMMANDS}
         ON CONFLICT (id) DO NOTHING"
    );
    let params: [Value; 10] = [
        (&command.id).into(),
        (&command.device).into(),
        (&command.command).into(),
        command.args.as_ref().into(),
        command.created_by.as_ref().into(),
        command.created_at.into(),
        command.not_before.into(),
        command.expires_at.into(),
        command.state.word().into(),
        command.job.as_ref().into(),
    ];
    Statement::new("make a command", sql, params)
}

fn made(count: i64) -> Statement {
    const UPDATE: &str = "UPDATE command_counts SET made = made + $1 WHERE id = 1";
    Statement::new("count commands", UPDATE, [count.into()])
}

fn insert_job(job: &CommandJob) -> Statement {
    const INSERT: &str = "
        INSERT INTO command_jobs (id, devices, command, made, per_minute, stop_after, created_by, created_at)
        VALUES ($1, $2, $3, 0, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    let params = [
        (&job.id).into(),
        (&job.devices).into(),
        (&job.command).into(),
        job.per_minute.into(),
        job.stop_after.into(),
        job.created_by.as_ref().into(),
        job.created_at.into(),
    ];
    Statement::new("make a group of commands", INSERT, params).required()
}

fn made_of(job: &str) -> [Statement; 2] {
    const COUNT: &str = "
        UPDATE command_counts SET made = made + (SELECT count(*) FROM commands WHERE job = $1) WHERE id = 1";
    const NOTE: &str = "
        UPDATE command_jobs SET made = (SELECT count(*) FROM commands WHERE job = $1)
        WHERE id = $1 AND EXISTS (SELECT 1 FROM commands WHERE job = $1)";
    [
        Statement::new("count commands", COUNT, [job.into()]),
        Statement::new("count a group of commands", NOTE, [job.into()]).changing(CHUNK_ROWS).required(),
    ]
}
