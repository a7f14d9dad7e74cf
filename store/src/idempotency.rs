//! What requests with an `Idempotency-Key` were answered, so that the same request gets the same answer.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, count};
use crate::unavailable::Result;

/// Keys that one call of [`IdempotencyKeys::forget_keys`] forgets, at most.
pub const MAX_FORGOTTEN_KEYS: usize = 10_000;

/// A request that bears a key, and when it was first received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sent it: the keys of two callers are apart.
    pub caller: String,
    /// The key.
    pub key: String,
    /// The SHA-256 of what was asked.
    pub body: String,
    /// When it was first received.
    pub received_at: Timestamp,
}

/// What a request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Where requests with a key are stored, with their answers.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait IdempotencyKeys: Send + Sync {
    /// Notes a request, unless its caller has used the key since `after`. Returns the request that the key belongs to, which
    /// is the new one or an earlier one, and what that was answered.
    async fn note_request(
        &self,
        request: &KeyedRequest,
        after: Timestamp,
    ) -> Result<(KeyedRequest, Option<KeptAnswer>)>;

    /// Notes what a request was answered. Nothing changes where it was answered before, or is forgotten.
    async fn note_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()>;

    /// Forgets keys that were last received before this time, at most [`MAX_FORGOTTEN_KEYS`]; returns how many.
    async fn forget_keys(&self, before: Timestamp) -> Result<u64>;

    /// How many keys are stored.
    async fn key_count(&self) -> Result<u64>;
}

#[async_trait]
impl<E: Engine> IdempotencyKeys for E {
    async fn note_request(
        &self,
        request: &KeyedRequest,
        after: Timestamp,
    ) -> Result<(KeyedRequest, Option<KeptAnswer>)> {
        let statements = vec![forget_one(request, after), insert(request)];
        if self.execute_all("note a request with a key", statements).await?.is_some_and(|rows| rows > 0) {
            return Ok((request.clone(), None));
        }
        let mut found = self.query(select(request), read).await?;
        // What was forgotten in between is new to whoever asks again.
        found.pop().ok_or_else(|| anyhow::anyhow!("the key was forgotten meanwhile: ask again").into())
    }

    async fn note_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()> {
        const UPDATE: &str = "UPDATE idempotency_keys SET status = $4, answer = $5
            WHERE caller = $1 AND key = $2 AND body = $3 AND status IS NULL";
        let params = [
            (&request.caller).into(),
            (&request.key).into(),
            (&request.body).into(),
            i64::from(answer.status).into(),
            (&answer.body).into(),
        ];
        self.execute(Statement::new("note an answer", UPDATE, params)).await.map(drop)
    }

    async fn forget_keys(&self, before: Timestamp) -> Result<u64> {
        let sql = format!(
            "DELETE FROM idempotency_keys WHERE (caller, key) IN (
                 SELECT caller, key FROM idempotency_keys WHERE received_at < $1 LIMIT {MAX_FORGOTTEN_KEYS})"
        );
        let delete = Statement::new("forget keys of requests", sql, [before.into()]);
        self.execute(delete.changing(MAX_FORGOTTEN_KEYS)).await
    }

    async fn key_count(&self) -> Result<u64> {
        const SELECT: &str = "SELECT count(*) FROM idempotency_keys";
        count(self, Statement::new("count the keys of requests", SELECT, [])).await
    }
}

fn forget_one(request: &KeyedRequest, after: Timestamp) -> Statement {
    const DELETE: &str = "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND received_at < $3";
    let params = [(&request.caller).into(), (&request.key).into(), after.into()];
    Statement::new("forget the key of a request", DELETE, params)
}

fn insert(request: &KeyedRequest) -> Statement {
    const INSERT: &str =
        "INSERT INTO idempotency_keys (caller, key, body, received_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (caller, key) DO NOTHING";
    let KeyedRequest { caller, key, body, received_at } = request;
    let params = [caller.into(), key.into(), body.into(), (*received_at).into()];
    Statement::new("note a request with a key", INSERT, params)
}

fn select(request: &KeyedRequest) -> Statement {
    const SELECT: &str = "SELECT caller, key, body, received_at, status, answer FROM idempotency_keys
        WHERE caller = $1 AND key = $2";
    Statement::new("read the key of a request", SELECT, [(&request.caller).into(), (&request.key).into()])
}

fn read(row: &Row<'_>) -> anyhow::Result<(KeyedRequest, Option<KeptAnswer>)> {
    let request =
        KeyedRequest { caller: row.get(0)?, key: row.get(1)?, body: row.get(2)?, received_at: row.time(3)? };
    let (status, answer): (Option<i64>, Option<String>) = (row.get(4)?, row.get(5)?);
    let status = status.map(u16::try_from).transpose()?;
    Ok((request, status.zip(answer).map(|(status, body)| KeptAnswer { status, body })))
}
