//! People who log in.

use jiff::Timestamp;
use telemetry::{Filter, Scope};

use super::Role;
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};
use crate::text_codec::TextCodec as _;

/// A person who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// Where mails reach the person.
    pub email: Option<String>,
    /// What the user may do ...
    pub role: Role,
    /// ... and with which devices.
    pub scope: Scope,
    /// The hash of the password, in PHC form; empty where the user has none, so that no password is right.
    pub password_hash: String,
    /// Who that is at the identity provider: the issuer and its name for the person, apart by a blank. Such a user logs in
    /// there. None for a user of our own, who has a password.
    pub subject: Option<String>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// When the user logged in last.
    pub last_login_at: Option<Timestamp>,
    /// Counts the changes of the user.
    pub revision: i64,
}

/// The columns that [`read_at`] reads, in its order.
pub(super) const COLUMNS: &str = "
    u.name, u.email, u.role, u.filters, u.password_hash, u.subject, u.created_at, u.last_login_at, u.revision";

/// Whether the user is no admin of all devices with a password, or another one is there: who logs in elsewhere does not
/// count, as the identity provider may be away or say another role.
const IS_SPARED: &str = "
    (role <> 'admin' OR filters <> '' OR subject IS NOT NULL
     OR (SELECT count(*) FROM users
         WHERE role = 'admin' AND filters = '' AND subject IS NULL AND name <> $1) > 0)";

pub(super) fn select(name: Option<&str>) -> Statement {
    let (condition, params): (_, Vec<Value>) = match name {
        Some(name) => ("WHERE u.name = $1", vec![name.into()]),
        None => ("", vec![]),
    };
    let sql = format!("SELECT {COLUMNS} FROM users u {condition} ORDER BY u.name");
    Statement { params, ..Statement::new("read users", sql, []) }
}

pub(super) fn select_by_subject(subject: &str) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.subject = $1");
    Statement::new("read a user", sql, [subject.into()])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<User> {
    read_at(row, 0)
}

/// Reads a user from the columns that begin with this one.
pub(super) fn read_at(row: &Row<'_>, first: usize) -> anyhow::Result<User> {
    Ok(User {
        name: row.get(first)?,
        email: row.get(first + 1)?,
        role: row.word(first + 2)?,
        scope: read_scope(&row.get::<String>(first + 3)?)?,
        password_hash: row.get(first + 4)?,
        subject: row.get(first + 5)?,
        created_at: row.time(first + 6)?,
        last_login_at: row.time_if_any(first + 7)?,
        revision: row.get(first + 8)?,
    })
}

pub(super) fn insert(user: &User) -> Statement {
    const INSERT: &str = "
        INSERT INTO users (name, email, role, filters, password_hash, subject, created_at, last_login_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, 0) ON CONFLICT DO NOTHING";
    let params = [
        (&user.name).into(),
        user.email.as_ref().into(),
        user.role.word().into(),
        (&scope_text(&user.scope)).into(),
        (&user.password_hash).into(),
        user.subject.as_ref().into(),
        user.created_at.into(),
    ];
    Statement::new("add a user", INSERT, params).required()
}

/// The last admin of all devices stays one.
pub(super) fn update(user: &User) -> Statement {
    let sql = format!(
        "UPDATE users SET email = $2, role = $3, filters = $4, password_hash = $5, revision = revision + 1
         WHERE name = $1 AND revision = $6 AND (($3 = 'admin' AND $4 = '') OR {IS_SPARED})"
    );
    let params = [
        (&user.name).into(),
        user.email.as_ref().into(),
        user.role.word().into(),
        (&scope_text(&user.scope)).into(),
        (&user.password_hash).into(),
        user.revision.into(),
    ];
    Statement::new("change a user", sql, params).required()
}

/// Sessions and keys go with the user; the last admin stays.
pub(super) fn delete(name: &str) -> Statement {
    let sql = format!("DELETE FROM users WHERE name = $1 AND {IS_SPARED}");
    Statement::new("remove a user", sql, [name.into()]).required()
}

pub(super) fn logged_in(name: &str, at: Timestamp) -> Statement {
    const UPDATE: &str = "UPDATE users SET last_login_at = $2 WHERE name = $1";
    Statement::new("note a login", UPDATE, [name.into(), at.into()]).required()
}

/// The filters, each followed by a blank, which no filter has.
pub(super) fn scope_text(scope: &Scope) -> String {
    let filters: Vec<_> = scope.filters().iter().map(Filter::as_str).collect();
    filters.join(" ")
}

pub(super) fn read_scope(text: &str) -> anyhow::Result<Scope> {
    Ok(Scope::read(text.split_whitespace())?)
}
