//! Notices: what Millrace has to tell about itself, such as that a certificate ends soon. Each is sent once.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::unavailable::Result;

/// Notices that are stored, at most: further ones are not taken.
pub const MAX_NOTICES: usize = 1_000;

/// How long a notice is kept, so that none of its name is made again.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// What Millrace has to tell about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Says what it is about, and when: of one name there is one notice.
    pub name: String,
    /// What it is, in one line.
    pub subject: String,
    /// All that there is to say, as plain text.
    pub text: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Attempts to send it so far.
    pub tries: i64,
}

/// Where notices are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Adds a notice, unless there is one of its name, or there are too many; returns whether it was added.
    async fn add_notice(&self, notice: &Notice) -> Result<bool>;

    /// Notices that are to be sent and of which an attempt is due, the oldest first.
    async fn unsent_notices(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>>;

    /// Notes that a notice was sent.
    async fn mark_notice_sent(&self, name: &str, at: Timestamp) -> Result<()>;

    /// Notes that an attempt failed, and when the next one is due.
    async fn note_unsent(&self, name: &str, again_at: Timestamp) -> Result<()>;
}

#[async_trait]
impl<E: Engine> Notices for E {
    async fn add_notice(&self, notice: &Notice) -> Result<bool> {
        let insert = format!(
            "INSERT INTO notices (name, subject, text, made_at, tries, again_at)
             SELECT $1, $2, $3, $4, 0, $4 WHERE (SELECT count(*) FROM notices) < {MAX_NOTICES}
             ON CONFLICT (name) DO NOTHING"
        );
        let Notice { name, subject, text, made_at, .. } = notice;
        self.execute(forget(*made_at)).await?;
        let params = [name.into(), subject.into(), text.into(), (*made_at).into()];
        Ok(self.execute(Statement::new("add a notice", insert, params)).await? > 0)
    }

    async fn unsent_notices(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>> {
        const SELECT: &str = "
            SELECT name, subject, text, made_at, tries FROM notices
            WHERE sent_at IS NULL AND again_at <= $1 ORDER BY made_at, name LIMIT $2";
        self.query(Statement::new("read notices", SELECT, [now.into(), at_most(limit).into()]), read).await
    }

    async fn mark_notice_sent(&self, name: &str, at: Timestamp) -> Result<()> {
        const UPDATE: &str = "UPDATE notices SET sent_at = $2, tries = tries + 1 WHERE name = $1";
        self.execute(Statement::new("note a sent notice", UPDATE, [name.into(), at.into()])).await.map(drop)
    }

    async fn note_unsent(&self, name: &str, again_at: Timestamp) -> Result<()> {
        const UPDATE: &str = "UPDATE notices SET again_at = $2, tries = tries + 1 WHERE name = $1";
        self.execute(Statement::new("put a notice off", UPDATE, [name.into(), again_at.into()]))
            .await
            .map(drop)
    }
}

/// Removes what is too old.
fn forget(now: Timestamp) -> Statement {
    const DELETE: &str = "DELETE FROM notices WHERE made_at < $1";
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    Statement::new("forget old notices", DELETE, [before.into()]).changing(MAX_NOTICES)
}

fn read(row: &Row<'_>) -> anyhow::Result<Notice> {
    Ok(Notice {
        name: row.get(0)?,
        subject: row.get(1)?,
        text: row.get(2)?,
        made_at: row.time(3)?,
        tries: row.get(4)?,
    })
}
