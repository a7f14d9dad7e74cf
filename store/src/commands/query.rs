//! Reads commands.

use jiff::Timestamp;

use super::state::{Command, CommandCounts, CommandJob, CommandState};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};
use crate::text_codec::TextCodec as _;

/// Which commands to read, newest first. What is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct CommandQuery {
    /// Only of this device.
    pub device: Option<String>,
    /// Only in this state.
    pub state: Option<CommandState>,
    /// Only of this group.
    pub job: Option<String>,
    /// Only commands before this one, by their serial numbers.
    pub before: Option<i64>,
    /// Commands, at most; 0 counts as 1.
    pub limit: usize,
}

const COLUMNS: &str = "
    c.serial, c.id, c.device, c.number, c.command, c.args, c.created_by, c.created_at, c.not_before, c.expires_at, c.state,
    c.sent_at, c.sent_count, c.accepted_at, c.ended_at, c.result, c.reason, c.job, c.next_at";

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Command> {
    Ok(Command {
        serial: row.get(0)?,
        id: row.get(1)?,
        device: row.get(2)?,
        number: row.get(3)?,
        command: row.get(4)?,
        args: row.get(5)?,
        created_by: row.get(6)?,
        created_at: row.time(7)?,
        not_before: row.time(8)?,
        expires_at: row.time(9)?,
        state: row.word(10)?,
        sent_at: row.time_if_any(11)?,
        sent_count: row.get(12)?,
        accepted_at: row.time_if_any(13)?,
        ended_at: row.time_if_any(14)?,
        result: row.get(15)?,
        reason: row.get(16)?,
        job: row.get(17)?,
        next_at: row.time(18)?,
    })
}

pub(super) fn select(query: &CommandQuery) -> Statement {
    let asked = [
        ("c.device =", query.device.as_ref().map(Value::from)),
        ("c.state =", query.state.map(|state| state.word().into())),
        ("c.job =", query.job.as_ref().map(Value::from)),
        ("c.serial <", query.before.map(Value::from)),
    ];
    let (mut conditions, mut params) = (String::from("true"), Vec::new());
    for (condition, value) in asked {
        let Some(value) = value else { continue };
        params.push(value);
        conditions += &format!(" AND {condition} ${}", params.len());
    }
    params.push(at_most(query.limit.max(1)).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM commands c WHERE {conditions} ORDER BY c.serial DESC LIMIT ${}",
        params.len()
    );
    Statement { params, ..Statement::new("read commands", sql, []) }
}

pub(super) fn select_one(id: &str) -> Statement {
    Statement::new("read a command", format!("SELECT {COLUMNS} FROM commands c WHERE c.id = $1"), [id.into()])
}

pub(super) fn select_open(after: i64, limit: i64) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS} FROM commands c WHERE c.ended_at IS NULL AND c.serial > $1 ORDER BY c.serial LIMIT $2"
    );
    Statement::new("read open commands", sql, [after.into(), limit.into()])
}

pub(super) fn select_first(device: &str) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS} FROM commands c WHERE c.device = $1 AND c.ended_at IS NULL ORDER BY c.number LIMIT 1"
    );
    Statement::new("read the next command of a device", sql, [device.into()])
}

pub(super) fn select_due(now: Timestamp, horizon: Timestamp, limit: i64) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS} FROM commands c
         WHERE c.ended_at IS NULL AND (c.not_before <= $1 OR c.not_before = c.created_at)
             AND (c.next_at <= $1 OR (c.next_at > $2 AND (c.next_at > c.not_before OR c.not_before = c.created_at)))
             AND NOT EXISTS (
                 SELECT 1 FROM commands e WHERE e.device = c.device AND e.ended_at IS NULL AND e.number < c.number)
         ORDER BY c.next_at, c.serial LIMIT $3"
    );
    Statement::new("read the commands that are due", sql, [now.into(), horizon.into(), limit.into()])
}

pub(super) fn select_counts() -> Statement {
    const SELECT: &str = "
        SELECT made, done, failed, expired, cancelled, (SELECT count(*) FROM commands WHERE ended_at IS NULL)
        FROM command_counts WHERE id = 1";
    Statement::new("count commands", SELECT, [])
}

pub(super) fn read_counts(row: &Row<'_>) -> anyhow::Result<CommandCounts> {
    Ok(CommandCounts {
        made: row.count(0)?,
        done: row.count(1)?,
        failed: row.count(2)?,
        expired: row.count(3)?,
        cancelled: row.count(4)?,
        open: row.count(5)?,
    })
}

pub(super) fn select_job(id: &str) -> Statement {
    const SELECT: &str = "
        SELECT id, devices, command, made, per_minute, stop_after, created_by, created_at, stopped_at
        FROM command_jobs WHERE id = $1";
    Statement::new("read a group of commands", SELECT, [id.into()])
}

pub(super) fn read_job(row: &Row<'_>) -> anyhow::Result<CommandJob> {
    Ok(CommandJob {
        id: row.get(0)?,
        devices: row.get(1)?,
        command: row.get(2)?,
        made: row.get(3)?,
        per_minute: row.get(4)?,
        stop_after: row.get(5)?,
        created_by: row.get(6)?,
        created_at: row.time(7)?,
        stopped_at: row.time_if_any(8)?,
    })
}

pub(super) fn select_states(job: &str) -> Statement {
    const SELECT: &str = "SELECT state, count(*) FROM commands WHERE job = $1 GROUP BY state";
    Statement::new("count the commands of a group", SELECT, [job.into()])
}

pub(super) fn read_state(row: &Row<'_>) -> anyhow::Result<(CommandState, u64)> {
    Ok((row.word(0)?, row.count(1)?))
}
