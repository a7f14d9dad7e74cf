//! Deletes what is older than it has to be, of all domains.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use jiff::Timestamp;

use crate::attributes::{self, ATTRIBUTE_SEEN_EVERY};
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::micros::rounded_up;
use crate::unavailable::Result;

/// Rows deleted in one transaction, at most: live writes go on in between.
const CHUNK_ROWS: usize = 10_000;

const REJECTED: &str = "
    DELETE FROM rejected WHERE id IN (SELECT id FROM rejected WHERE stored_at < $1 LIMIT $2)";

/// Deletes incidents that are resolved and have no notification to be sent, with their notifications.
const INCIDENTS: &str = "
    DELETE FROM incidents WHERE number IN (
        SELECT i.number FROM incidents i WHERE i.resolved_at IS NOT NULL AND i.stored_at < $1
        AND NOT EXISTS (
            SELECT 1 FROM notifications n LEFT JOIN messages m ON m.number = n.message
            WHERE n.incident = i.number AND n.dropped IS NULL AND m.sent_at IS NULL AND m.given_up_at IS NULL)
        LIMIT $2
    )";

/// Deletes messages whose notifications went with their incidents.
const MESSAGES: &str = "
    DELETE FROM messages WHERE number IN (
        SELECT number FROM messages m WHERE made_at < $1
        AND NOT EXISTS (SELECT 1 FROM notifications WHERE message = m.number)
        LIMIT $2
    )";

/// Deletes the alert states of series that have been normal for long.
const ALERT_STATES: &str = "
    DELETE FROM alert_states WHERE phase = 'normal' AND written_at < $1 AND (rule, device, metric) IN (
        SELECT rule, device, metric FROM alert_states WHERE phase = 'normal' AND written_at < $1 LIMIT $2
    )";

const SILENCES: &str = "
    DELETE FROM silences WHERE number IN (SELECT number FROM silences WHERE ends_at < $1 LIMIT $2)";

/// How far retention has come: what was stored a retention before this time is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionClock {
    /// The time, by a clock that follows no jump of the machine's.
    pub at: Timestamp,
    /// Where it stood when the machine's clock jumped ahead of it, until that is confirmed or no longer matters.
    pub held_since: Option<Timestamp>,
}

pub(crate) async fn clock(engine: &impl Engine) -> Result<Option<RetentionClock>> {
    const SELECT: &str = "SELECT at, held_since FROM retention";
    let read = |row: &Row<'_>| Ok(RetentionClock { at: row.time(0)?, held_since: row.time_if_any(1)? });
    Ok(engine.query(Statement::new("read the retention's clock", SELECT, []), read).await?.pop())
}

pub(crate) async fn set_clock(engine: &impl Engine, clock: RetentionClock) -> Result<()> {
    const SET: &str = "
        INSERT INTO retention (id, at, held_since) VALUES (1, $1, $2)
        ON CONFLICT (id) DO UPDATE SET at = excluded.at, held_since = excluded.held_since";
    let params = [clock.at.into(), clock.held_since.into()];
    engine.execute(Statement::new("set the retention's clock", SET, params)).await.map(drop)
}

/// Deletes old rows of all tables but `readings`; returns how many of them were rejections and incidents.
async fn purge_rows(engine: &impl Engine, older_than: Timestamp) -> Result<u64> {
    let mut removed = 0;
    for delete in [REJECTED, INCIDENTS] {
        removed += purge_table(engine, delete, older_than).await?;
    }
    for delete in [MESSAGES, ALERT_STATES, SILENCES] {
        purge_table(engine, delete, older_than).await?;
    }
    purge_table(engine, attributes::PURGE, seen_before(older_than)).await?;
    Ok(removed)
}

/// When an attribute was last seen is noted now and then: one that is still said may look older than it is.
fn seen_before(older_than: Timestamp) -> Timestamp {
    older_than.checked_sub(2 * ATTRIBUTE_SEEN_EVERY).unwrap_or(Timestamp::MIN)
}

async fn purge_table(engine: &impl Engine, delete: &'static str, older_than: Timestamp) -> Result<u64> {
    let mut removed = 0;
    loop {
        let params = [rounded_up(older_than).into(), (CHUNK_ROWS as i64).into()];
        let chunk = Statement::new("purge", delete, params).changing(CHUNK_ROWS);
        let count = engine.execute(chunk).await?;
        removed += count;
        if count < CHUNK_ROWS as u64 {
            return Ok(removed);
        }
    }
}
