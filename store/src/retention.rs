//! Deletes what is older than it has to be, of all domains.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use jiff::Timestamp;

use crate::engine::statement::{Engine, Statement};
use crate::micros::rounded_up;
use crate::unavailable::Result;

/// Rows deleted in one transaction, at most: live writes go on in between.
const CHUNK_ROWS: usize = 10_000;

/// Deletes rejections by `received_at`.
const REJECTED: &str = "
    DELETE FROM rejected WHERE id IN (SELECT id FROM rejected WHERE received_at < $1 LIMIT $2)";

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

/// Deletes old rows of all tables but `readings`; returns how many of them were rejections and incidents.
async fn purge_rows(engine: &impl Engine, older_than: Timestamp) -> Result<u64> {
    let mut removed = 0;
    for delete in [REJECTED, INCIDENTS] {
        removed += purge_table(engine, delete, older_than).await?;
    }
    for delete in [MESSAGES, ALERT_STATES, SILENCES] {
        purge_table(engine, delete, older_than).await?;
    }
    Ok(removed)
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
