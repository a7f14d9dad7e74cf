//! Rejections: messages that are no readings, and whether they were fixed and resent.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, count};
use crate::unavailable::Result;

/// A payload, or one element of an array, that is no reading, stored as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedMessage {
    /// When the broker received it.
    pub received_at: Timestamp,
    /// The MQTT topic.
    pub topic: String,
    /// Why it is no reading.
    pub reason: String,
    /// As it arrived.
    pub payload: Bytes,
}

/// A rejected message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// More than 0.
    pub id: i64,
    /// What was rejected.
    pub message: RejectedMessage,
    /// When a fixed version of it was published. None until then.
    pub resent_at: Option<Timestamp>,
}

/// Which rejections to read, newest first. What is `None` is not asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectionQuery {
    /// Only the row with this id.
    pub id: Option<i64>,
    /// Only rows older than this id. Empty if that row was purged: older rows went with it.
    pub before: Option<i64>,
    /// Only those that were resent, or only those that were not.
    pub resent: Option<bool>,
    /// Rows, at most.
    pub limit: usize,
}

/// Where rejections are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Rejections: Send + Sync {
    /// Reads rejections, newest first.
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>>;

    /// How many rejections were not resent.
    async fn rejected_count(&self) -> Result<u64>;

    /// Marks a rejection as resent; false where there is none with this id, or it was resent before.
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
