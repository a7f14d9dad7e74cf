//! The one error of the store.

use rusqlite::ErrorCode;

/// What to do about a damaged database.
pub(crate) const RECOVER: &str = "stop Millrace, keep a copy of the folder, then restore a backup, or recover what can be \
     read: docs/backup.md says how";

/// The store did not answer, and why.
///
/// Keep what you have, back off and try again: the call changed nothing. A person is needed where the database is damaged.
#[derive(Debug, thiserror::Error)]
#[error("{}", said(.0))]
pub struct Unavailable(#[from] pub anyhow::Error);

impl Unavailable {
    /// Whether the database's file is damaged, so that trying again does not help.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        is_damaged(&self.0)
    }
}

/// The database's file is damaged: where and how that showed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damaged(pub(crate) String);

pub(crate) fn is_damaged(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let code = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        cause.is::<Damaged>() || matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    })
}

fn said(error: &anyhow::Error) -> String {
    if is_damaged(error) {
        return format!("the database is damaged ({error:#}): {RECOVER}");
    }
    format!("the store is not available: {error:#}")
}

/// What a call of the store returns.
pub type Result<T, E = Unavailable> = std::result::Result<T, E>;
