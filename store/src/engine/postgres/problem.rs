//! Why the database did not answer, in one line.

use std::error::Error as _;

use anyhow::anyhow;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Puts what an operator can act on before what the database said; without values, which may be anyone's.
pub(crate) fn explain(error: anyhow::Error) -> anyhow::Error {
    let found = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let Some(problem) = found.map(in_one_line) else { return error };
    match error.downcast::<Error>() {
        Ok(_) => anyhow!(problem),
        // The contexts around it say what we were doing.
        Err(error) => anyhow!("{error}: {problem}"),
    }
}

fn in_one_line(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        let said = error.message();
        return match advice(error) {
            Some(advice) => format!("{advice} ({said})"),
            None => format!("{said} (SQLSTATE {})", error.code().code()),
        };
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn advice(error: &DbError) -> Option<&'static str> {
    Some(match *error.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the user or the password is refused"
        }
        SqlState::INVALID_CATALOG_NAME => "there is no such database",
        SqlState::DISK_FULL => "the database's disk is full",
        SqlState::INSUFFICIENT_PRIVILEGE => "the role may not do this",
        SqlState::READ_ONLY_SQL_TRANSACTION => "the server takes no writes now: another one is the primary",
        SqlState::QUERY_CANCELED => "it took too long",
        SqlState::LOCK_NOT_AVAILABLE => "a lock was held for too long",
        SqlState::TOO_MANY_CONNECTIONS => "the server has no connection left",
        SqlState::CANNOT_CONNECT_NOW => "the server is starting or stopping",
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => "the server ended the connection",
        _ => return None,
    })
}

/// Whether the rows themselves are the reason: trying again does not help.
pub(crate) fn refuses_data(error: &Error) -> bool {
    let class = error.code().map_or("", |code| &code.code()[..2]);
    ["22", "23", "54"].contains(&class) && !is_passing(error)
}

/// Whether to try again at once: another writer met this one, or retention dropped the partition just now.
pub(crate) fn is_passing(error: &Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match *error.code() {
        SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => true,
        // A row without a partition breaks a rule without a name.
        SqlState::CHECK_VIOLATION => error.constraint().is_none(),
        _ => false,
    }
}
