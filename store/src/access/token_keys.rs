//! Keys that sign tokens.

use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::Statement;

/// A key that signs tokens. All processes sign with the newest, and accept what any of them has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// Names it, in each token that it signs.
    pub id: String,
    /// The private key, as PKCS #8 in hexadecimal.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
}

pub(super) fn select() -> Statement {
    const SELECT: &str = "SELECT id, secret, created_at FROM token_keys ORDER BY created_at DESC, id";
    Statement::new("read the keys for tokens", SELECT, [])
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<TokenKey> {
    Ok(TokenKey { id: row.get(0)?, secret: row.get(1)?, created_at: row.time(2)? })
}

pub(super) fn insert(key: &TokenKey) -> Statement {
    const INSERT: &str = "
        INSERT INTO token_keys (id, secret, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    let params = [(&key.id).into(), (&key.secret).into(), key.created_at.into()];
    Statement::new("add a key for tokens", INSERT, params)
}

pub(super) fn delete(older_than: Timestamp) -> Statement {
    Statement::new(
        "forget keys for tokens",
        "DELETE FROM token_keys WHERE created_at < $1",
        [older_than.into()],
    )
}
