//! What could not be read, and what has become of it since.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, count};
use crate::unavailable::Result;

/// A payload, or one element of an array, that is no reading, kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedMessage {
    pub received_at: Timestamp,
    pub topic: String,
    pub reason: String,
    pub payload: Bytes,
}

/// A rejected message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// More than 0.
    pub id: i64,
    pub message: RejectedMessage,
    /// When what it was mended to had been published.
    pub resent_at: Option<Timestamp>,
}

/// Which rejections, newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectionQuery {
    pub id: Option<i64>,
    /// Only those that come after the one with this id; none where that one is gone, as they are, too.
    pub before: Option<i64>,
    /// Only those that were resent, or only those that were not.
    pub resent: Option<bool>,
    pub limit: usize,
}

/// Where rejections are kept.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Rejections: Send + Sync {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>>;

    /// How many rejections somebody is still to look after: those that were resent do not count.
    async fn rejected_count(&self) -> Result<u64>;

    /// Marks a rejection as resent; false where there is none with this id that is not.
    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool>;
}

async fn unresent(engine: &impl Engine) -> Result<u64> {
    count(engine, Statement::new("count rejections", "SELECT rejected FROM totals", [])).await
}

async fn mark_resent(engine: &impl Engine, id: i64, at: Timestamp) -> Result<bool> {
    const UPDATE: &str = "UPDATE rejected SET resent_at = $2 WHERE id = $1 AND resent_at IS NULL";
    let mark = Statement::new("mark a rejection", UPDATE, [id.into(), at.into()]);
    Ok(engine.execute(mark).await? == 1)
}

/// The columns that [`read`] reads, in its order.
const COLUMNS: &str = "id, received_at, topic, reason, payload, resent_at";

fn read(row: &Row<'_>) -> anyhow::Result<Rejection> {
    let message = RejectedMessage {
        received_at: row.time(1)?,
        topic: row.get(2)?,
        reason: row.get(3)?,
        payload: row.get::<Vec<u8>>(4)?.into(),
    };
    Ok(Rejection { id: row.get(0)?, message, resent_at: row.time_if_any(5)? })
}
