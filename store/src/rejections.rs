//! Rejections: messages that are no readings, and whether they were fixed and resent.

mod awaits;
mod cursor;
mod groups;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, Value, count};
use crate::unavailable::Result;

pub use awaits::Awaited;
pub use cursor::RejectionCursor;
pub use groups::{ANY_TEXT, MAX_GROUPS, RejectionGroup, group_rejections};

/// Bytes of a rejected payload that are stored, at most: more can never be resent.
pub const MAX_STORED_PAYLOAD: usize = telemetry::MAX_PAYLOAD_BYTES;

/// Bytes of a payload in a [`Preview`](Rejections::rejected), at most.
pub const PREVIEW_BYTES: usize = 4 * 1024;

/// A payload, or one element of an array, that is no reading, stored as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedMessage {
    /// When the broker received it.
    pub received_at: Timestamp,
    /// The MQTT topic.
    pub topic: String,
    /// Why it is no reading.
    pub reason: String,
    /// As it arrived. Only the first [`MAX_STORED_PAYLOAD`] bytes are stored.
    pub payload: Bytes,
}

impl RejectedMessage {
    /// The part of the payload that is stored.
    #[must_use]
    pub fn stored_payload(&self) -> &[u8] {
        &self.payload[..self.payload.len().min(MAX_STORED_PAYLOAD)]
    }
}

/// A rejected message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// More than 0.
    pub id: i64,
    /// What was rejected. The payload is what is stored of it, or the beginning of that in a preview.
    pub message: RejectedMessage,
    /// Bytes of the payload as it arrived.
    pub payload_bytes: u64,
    /// When a fixed version of it was published. None until then.
    pub resent_at: Option<Timestamp>,
}

impl Rejection {
    /// Bytes of the payload that are stored.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.payload_bytes.min(MAX_STORED_PAYLOAD as u64)
    }
}

/// Some of all rejections. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectionSelection {
    /// Only on this topic.
    pub topic: Option<String>,
    /// Only for this reason, in which [`ANY_TEXT`] stands for any text.
    pub reason: Option<String>,
    /// Only those that the broker received at this time or later.
    pub since: Option<Timestamp>,
    /// Only those that were resent, or only those that were not.
    pub resent: Option<bool>,
}

/// Which rejections to read, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectionQuery {
    /// Only these.
    pub selection: RejectionSelection,
    /// Only what comes after this cursor.
    pub after: Option<RejectionCursor>,
    /// Rows, at most.
    pub limit: usize,
}

/// How much of all rejections is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectionQuota {
    /// Rejections, at most.
    pub rows: u64,
    /// Bytes of their payloads, topics and reasons, at most.
    pub bytes: u64,
}

/// Where rejections are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Rejections: Send + Sync {
    /// Reads rejections, newest first, with no more than [`PREVIEW_BYTES`] of each payload.
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>>;

    /// Reads one rejection with all that is stored of its payload.
    async fn rejection(&self, id: i64) -> Result<Option<Rejection>>;

    /// Reads rejections by topic and reason, the group with the newest first.
    async fn rejection_groups(&self, selection: RejectionSelection) -> Result<Vec<RejectionGroup>>;

    /// Topics and ids of rejections that were not resent, newest first.
    async fn rejected_topics(&self, limit: usize) -> Result<Vec<(i64, String)>>;

    /// How many rejections were not resent.
    async fn rejected_count(&self) -> Result<u64>;

    /// Marks a rejection as resent; false where there is none with this id, or it was resent before.
    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool>;

    /// Reads which rejections lacked something that has been announced since, oldest first for each subject.
    async fn awaited(&self, limit: usize) -> Result<Vec<Awaited>>;

    /// Notes that a rejection could not be read with what is announced: it waits for what is announced later.
    async fn await_more(&self, awaited: &Awaited) -> Result<()>;

    /// Deletes a rejection; false where there is none with this id.
    async fn dismiss(&self, id: i64) -> Result<bool>;

    /// Deletes rejections, at most [`MAX_DISMISSED`] in one call, and returns how many.
    async fn dismiss_all(&self, selection: RejectionSelection) -> Result<u64>;
}

/// Rejections that one call of [`Rejections::dismiss_all`] deletes, at most.
pub const MAX_DISMISSED: usize = 10_000;

/// The columns that [`read`] reads, in its order, but for the payload: that one comes last.
const COLUMNS: &str = "id, received_at, topic, reason, coalesce(payload_bytes, length(payload)), resent_at";

/// Which rows a selection means: its four parameters come first in a statement.
const SELECTED: &str = r"($1 IS NULL OR topic = $1)
    AND ($2 IS NULL OR reason LIKE $2 ESCAPE '\')
    AND ($3 IS NULL OR received_at >= $3)
    AND ($4 IS NULL OR (resent_at IS NOT NULL) = ($4 = 1))";

impl RejectionSelection {
    /// The parameters of [`SELECTED`].
    fn params(&self) -> [Value; 4] {
        [
            self.topic.as_ref().into(),
            self.reason.as_deref().map(groups::like).as_ref().into(),
            self.since.into(),
            self.resent.map(i64::from).into(),
        ]
    }
}

async fn page(engine: &impl Engine, query: &RejectionQuery) -> Result<Vec<Rejection>> {
    // The first of the two on $5 finds the place in the index.
    let sql = format!(
        "SELECT {COLUMNS}, substr(payload, 1, {PREVIEW_BYTES}) FROM rejected
         WHERE received_at <= $5 AND (received_at, id) < ($5, $6) AND {SELECTED}
         ORDER BY received_at DESC, id DESC LIMIT $7"
    );
    let [topic, reason, since, resent] = query.selection.params();
    let RejectionCursor { received_at, id } = query.after.unwrap_or(RejectionCursor::START);
    let params = [topic, reason, since, resent, received_at.into(), id.into(), at_most(query.limit).into()];
    engine.query(Statement::new("read rejections", sql, params), read).await
}

async fn one(engine: &impl Engine, id: i64) -> Result<Option<Rejection>> {
    let sql = format!("SELECT {COLUMNS}, payload FROM rejected WHERE id = $1");
    let rows = engine.query(Statement::new("read a rejection", sql, [id.into()]), read).await?;
    Ok(rows.into_iter().next())
}

/// Read from an index alone.
async fn topics(engine: &impl Engine, limit: usize) -> Result<Vec<(i64, String)>> {
    const SELECT: &str = "
        SELECT id, topic FROM rejected WHERE resent_at IS NULL ORDER BY received_at DESC, id DESC LIMIT $1";
    let select = Statement::new("read topics of rejections", SELECT, [at_most(limit).into()]);
    engine.query(select, |row| Ok((row.get(0)?, row.get(1)?))).await
}

async fn unresent(engine: &impl Engine) -> Result<u64> {
    count(engine, Statement::new("count rejections", "SELECT rejected FROM totals", [])).await
}

async fn mark_resent(engine: &impl Engine, id: i64, at: Timestamp) -> Result<bool> {
    const UPDATE: &str = "UPDATE rejected SET resent_at = $2 WHERE id = $1 AND resent_at IS NULL";
    let mark = Statement::new("mark a rejection", UPDATE, [id.into(), at.into()]);
    Ok(engine.execute(mark).await? == 1)
}

async fn dismiss(engine: &impl Engine, id: i64) -> Result<bool> {
    let delete = Statement::new("dismiss a rejection", "DELETE FROM rejected WHERE id = $1", [id.into()]);
    Ok(engine.execute(delete).await? == 1)
}

async fn dismiss_all(engine: &impl Engine, selection: &RejectionSelection) -> Result<u64> {
    let sql = format!(
        "DELETE FROM rejected WHERE id IN (SELECT id FROM rejected WHERE {SELECTED} LIMIT {MAX_DISMISSED})"
    );
    let delete = Statement::new("dismiss rejections", sql, selection.params()).changing(MAX_DISMISSED);
    engine.execute(delete).await
}

pub(crate) async fn keep_quota(engine: &impl Engine, quota: RejectionQuota) -> Result<u64> {
    const TOTALS: &str = "SELECT rejected_rows, rejected_bytes FROM totals";
    let totals = engine.query(Statement::new("count rejections", TOTALS, []), |row| {
        Ok(RejectionQuota { rows: row.count(0)?, bytes: row.count(1)? })
    });
    if totals.await?.iter().all(|totals| totals.rows <= quota.rows && totals.bytes <= quota.bytes) {
        return Ok(0);
    }
    // Newest first, each row with how many there are and how large all of them are up to it.
    let sql = format!(
        "DELETE FROM rejected WHERE id IN (
             SELECT id FROM (
                 SELECT id, received_at, row_number() OVER newest AS place,
                     sum(length(payload) + length(topic) + length(reason)) OVER newest AS bytes
                 FROM rejected WINDOW newest AS (ORDER BY received_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
             ) AS counted
             WHERE place > $1 OR bytes > $2 ORDER BY received_at, id LIMIT {MAX_DISMISSED}
         )"
    );
    let most = |limit: u64| Value::from(i64::try_from(limit / 10 * 9).unwrap_or(i64::MAX));
    let params = [most(quota.rows), most(quota.bytes)];
    engine.execute(Statement::new("keep the quota of rejections", sql, params).changing(MAX_DISMISSED)).await
}

/// The size of a payload that is not stored whole.
fn cut_from(message: &RejectedMessage) -> Option<i64> {
    (message.payload.len() > MAX_STORED_PAYLOAD).then(|| at_most(message.payload.len()))
}

fn read(row: &Row<'_>) -> anyhow::Result<Rejection> {
    let message = RejectedMessage {
        received_at: row.time(1)?,
        topic: row.get(2)?,
        reason: row.get(3)?,
        // SQLite's part of an empty payload is NULL.
        payload: row.get::<Option<Vec<u8>>>(6)?.unwrap_or_default().into(),
    };
    Ok(Rejection { id: row.get(0)?, message, payload_bytes: row.count(4)?, resent_at: row.time_if_any(5)? })
}
