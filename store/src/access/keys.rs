//! Keys of programs.

use jiff::Timestamp;
use telemetry::Scope;

use super::Role;
use super::users::{self, User};
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};
use crate::text_codec::TextCodec as _;

/// A key, which a program is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it, and gives no access.
    pub id: String,
    /// What it is for, in the words of its owner.
    pub name: String,
    /// The user who answers for it: it ends with the user.
    pub owner: String,
    /// What it may do, if its owner still may ...
    pub role: Role,
    /// ... and with which devices.
    pub scope: Scope,
    /// The SHA-256 of the secret that gives access, in hexadecimal.
    pub secret_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

const COLUMNS: &str = "
    k.id, k.name, k.owner, k.role, k.filters, k.secret_hash, k.created_at, k.expires_at, k.last_used_at";

/// How many columns that are.
const WIDTH: usize = 9;

pub(super) fn select(owner: Option<&str>) -> Statement {
    let (condition, params): (_, Vec<Value>) = match owner {
        Some(owner) => ("WHERE k.owner = $1", vec![owner.into()]),
        None => ("", vec![]),
    };
    let sql = format!("SELECT {COLUMNS} FROM api_keys k {condition} ORDER BY k.created_at DESC, k.id");
    Statement { params, ..Statement::new("read keys", sql, []) }
}

pub(super) fn select_with_owner(id: &str) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM api_keys k JOIN users u ON u.name = k.owner WHERE k.id = $1",
        users::COLUMNS
    );
    Statement::new("read a key", sql, [id.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        owner: row.get(2)?,
        role: row.word(3)?,
        scope: users::read_scope(&row.get::<String>(4)?)?,
        secret_hash: row.get(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        last_used_at: row.time_if_any(8)?,
    })
}

pub(super) fn read_with_owner(row: &Row<'_>) -> anyhow::Result<(ApiKey, User)> {
    Ok((read(row)?, users::read_at(row, WIDTH)?))
}

pub(super) fn insert(key: &ApiKey) -> Statement {
    const INSERT: &str = "
        INSERT INTO api_keys (id, name, owner, role, filters, secret_hash, created_at, expires_at)
        SELECT $1, $2, name, $4, $5, $6, $7, $8 FROM users WHERE name = $3";
    let params = [
        (&key.id).into(),
        (&key.name).into(),
        (&key.owner).into(),
        key.role.word().into(),
        (&users::scope_text(&key.scope)).into(),
        (&key.secret_hash).into(),
        key.created_at.into(),
        key.expires_at.into(),
    ];
    Statement::new("add a key", INSERT, params).required()
}

/// Forgets keys of an owner that are over.
pub(super) fn prune(owner: &str, at: Timestamp) -> Statement {
    const DELETE: &str = "DELETE FROM api_keys WHERE owner = $1 AND expires_at <= $2";
    Statement::new("forget keys", DELETE, [owner.into(), at.into()])
}

pub(super) fn revoke(id: &str) -> Statement {
    Statement::new("revoke a key", "DELETE FROM api_keys WHERE id = $1", [id.into()]).required()
}

pub(super) fn touch(id: &str, at: Timestamp) -> Statement {
    const UPDATE: &str = "
        UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    Statement::new("note the use of a key", UPDATE, [id.into(), at.into()])
}
