//! What devices announced about their later messages: Sparkplug's births, and units.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use async_trait::async_trait;
use telemetry::{Announcement, MAX_VERSIONS};

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Where announcements are stored. Of each subject the newest [`MAX_VERSIONS`] are.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait AnnouncementStore: Send + Sync {
    /// All that are stored, newest first. Such as cannot be read, because a later Millrace stored them, are left out.
    async fn announcements(&self) -> Result<Vec<Announcement>>;

    /// Stores announcements in one transaction. Such as are stored already stay as they are.
    async fn announce(&self, announcements: &[Announcement]) -> Result<()>;
}

pub(crate) const INSERT: &str = "
    INSERT INTO announcements (subject, received_at, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/// Deletes what is older than the newest versions of a subject.
pub(crate) fn delete() -> String {
    let last = MAX_VERSIONS - 1;
    format!(
        "DELETE FROM announcements WHERE subject = $1 AND received_at < (
             SELECT received_at FROM announcements WHERE subject = $1
             ORDER BY received_at DESC LIMIT 1 OFFSET {last}
         )"
    )
}

/// In the order in which every transaction stores them, so that two do not wait for each other.
pub(crate) fn in_order(announcements: &[Announcement]) -> Vec<&Announcement> {
    let mut announcements: Vec<_> = announcements.iter().collect();
    announcements.sort_by_key(|announcement| (&announcement.subject, announcement.received_at));
    announcements
}

#[async_trait]
impl<E: Engine> AnnouncementStore for E {
    async fn announcements(&self) -> Result<Vec<Announcement>> {
        const SELECT: &str =
            "SELECT subject, received_at, content FROM announcements ORDER BY received_at DESC, subject";
        let rows = self.query(Statement::new("read announcements", SELECT, []), read).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn announce(&self, announcements: &[Announcement]) -> Result<()> {
        if announcements.is_empty() {
            return Ok(());
        }
        let statements = in_order(announcements).into_iter().flat_map(|announcement| {
            let (subject, content) = (&announcement.subject, announcement.content.to_string());
            let params = [subject.into(), announcement.received_at.into(), (&content).into()];
            let insert = Statement::new("store an announcement", INSERT, params);
            [insert, Statement::new("forget an announcement", delete(), [subject.into()])]
        });
        self.execute_all("store announcements", statements.collect()).await.map(drop)
    }
}

fn read(row: &Row<'_>) -> anyhow::Result<Option<Announcement>> {
    let (subject, received_at, content) = (row.get(0)?, row.time(1)?, row.get::<String>(2)?);
    let content = content.parse().ok();
    Ok(content.map(|content| Announcement { subject, received_at, content }))
}
