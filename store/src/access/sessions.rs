//! Sessions of people who have logged in.

use jiff::Timestamp;

use super::users::{self, User};
use crate::engine::row::Row;
use crate::engine::statement::Statement;

/// Sessions of one user, at most: the oldest makes room.
pub const MAX_SESSIONS: usize = 50;

/// A session: what a person who has logged in is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names it, and gives no access.
    pub id: String,
    /// The SHA-256 of the token that gives access, in hexadecimal.
    pub token_hash: String,
    /// Whose session it is.
    pub user: String,
    /// From where it began.
    pub address: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

const COLUMNS: &str =
    "s.id, s.token_hash, s.user_name, s.address, s.created_at, s.last_used_at, s.expires_at";

/// How many columns that are.
const WIDTH: usize = 7;

pub(super) fn select(user: &str) -> Statement {
    let sql =
        format!("SELECT {COLUMNS} FROM sessions s WHERE s.user_name = $1 ORDER BY s.created_at DESC, s.id");
    Statement::new("read sessions", sql, [user.into()])
}

pub(super) fn select_with_user(token_hash: &str) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM sessions s JOIN users u ON u.name = s.user_name WHERE s.token_hash = $1",
        users::COLUMNS
    );
    Statement::new("read a session", sql, [token_hash.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        token_hash: row.get(1)?,
        user: row.get(2)?,
        address: row.get(3)?,
        created_at: row.time(4)?,
        last_used_at: row.time(5)?,
        expires_at: row.time(6)?,
    })
}

pub(super) fn read_with_user(row: &Row<'_>) -> anyhow::Result<(Session, User)> {
    Ok((read(row)?, users::read_at(row, WIDTH)?))
}

pub(super) fn insert(session: &Session) -> Statement {
    const INSERT: &str = "
        INSERT INTO sessions (id, token_hash, user_name, address, created_at, last_used_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = [
        (&session.id).into(),
        (&session.token_hash).into(),
        (&session.user).into(),
        session.address.as_ref().into(),
        session.created_at.into(),
        session.last_used_at.into(),
        session.expires_at.into(),
    ];
    Statement::new("begin a session", INSERT, params)
}

/// Forgets sessions of a user that are over, and the oldest beyond what is kept.
pub(super) fn prune(user: &str, at: Timestamp) -> Statement {
    let sql = format!(
        "DELETE FROM sessions WHERE user_name = $1 AND (expires_at <= $2 OR id NOT IN (
             SELECT id FROM sessions WHERE user_name = $1 ORDER BY created_at DESC, id LIMIT {MAX_SESSIONS}))"
    );
    Statement::new("forget sessions", sql, [user.into(), at.into()])
}

pub(super) fn end(id: &str) -> Statement {
    Statement::new("end a session", "DELETE FROM sessions WHERE id = $1", [id.into()]).required()
}

/// Ends all sessions of a user, but for one.
pub(super) fn end_all(user: &str, but: Option<&str>) -> Statement {
    const DELETE: &str = "DELETE FROM sessions WHERE user_name = $1 AND id <> $2";
    Statement::new("end sessions", DELETE, [user.into(), but.unwrap_or_default().into()])
}

pub(super) fn touch(id: &str, at: Timestamp) -> Statement {
    const UPDATE: &str = "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2";
    Statement::new("note the use of a session", UPDATE, [id.into(), at.into()])
}
