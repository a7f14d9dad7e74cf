//! Rejections that lacked an announcement, which may have come since, or a device that somebody may have registered.

use jiff::Timestamp;

use super::RejectedMessage;
use crate::engine::columns::at_most;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// A rejection that lacked something which has been announced, or registered, since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    /// The rejection's.
    pub id: i64,
    /// When the broker received what was announced last of its subject, or when the device was registered.
    pub announced_at: Timestamp,
}

/// The subject of what a message lacked. The database finds a row by it, so it is no longer than that of an
/// announcement.
pub(super) fn subject(message: &RejectedMessage) -> Option<String> {
    telemetry::awaited_subject(&message.reason).filter(|subject| telemetry::is_subject(subject))
}

pub(super) async fn awaited(engine: &impl Engine, limit: usize) -> Result<Vec<Awaited>> {
    const SELECT: &str = "
        SELECT id, announced_at FROM rejected JOIN (
            SELECT subject, max(received_at) AS announced_at FROM announcements
            WHERE subject IN (SELECT awaits FROM rejected WHERE awaits IS NOT NULL AND resent_at IS NULL)
            GROUP BY subject
            UNION ALL
            SELECT subject, created_at FROM devices
            WHERE subject IN (SELECT awaits FROM rejected WHERE awaits IS NOT NULL AND resent_at IS NULL)
        ) AS announced ON awaits = subject
        WHERE resent_at IS NULL AND (awaits_after IS NULL OR awaits_after < announced_at)
        ORDER BY awaits, rejected.received_at, id LIMIT $1";
    let select = Statement::new("read awaited rejections", SELECT, [at_most(limit).into()]);
    engine.query(select, |row| Ok(Awaited { id: row.get(0)?, announced_at: row.time(1)? })).await
}

pub(super) async fn await_more(engine: &impl Engine, awaited: &Awaited) -> Result<()> {
    const UPDATE: &str = "UPDATE rejected SET awaits_after = $2 WHERE id = $1";
    let params = [awaited.id.into(), awaited.announced_at.into()];
    engine.execute(Statement::new("let a rejection wait", UPDATE, params)).await.map(drop)
}
