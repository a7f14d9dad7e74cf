//! Notices in memory.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use store::{MAX_NOTICES, Notice, Notices, Result};

use super::MemoryStore;

/// A notice and what became of it.
pub(super) struct Kept {
    notice: Notice,
    again_at: Timestamp,
    is_sent: bool,
}

#[async_trait]
impl Notices for MemoryStore {
    async fn add_notice(&self, notice: &Notice) -> Result<bool> {
        let mut data = self.call("add_notice")?;
        let too_old = notice.made_at - SignedDuration::from_hours(400 * 24);
        data.notices.retain(|kept| kept.notice.made_at >= too_old);
        let is_known = data.notices.iter().any(|kept| kept.notice.name == notice.name);
        if is_known || data.notices.len() >= MAX_NOTICES {
            return Ok(false);
        }
        data.notices.push(Kept { notice: notice.clone(), again_at: notice.made_at, is_sent: false });
        Ok(true)
    }

    async fn unsent_notices(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>> {
        let data = self.call("unsent_notices")?;
        let due = data.notices.iter().filter(|kept| !kept.is_sent && kept.again_at <= now);
        let mut due: Vec<_> = due.map(|kept| kept.notice.clone()).collect();
        due.sort_by(|a, b| (a.made_at, &a.name).cmp(&(b.made_at, &b.name)));
        due.truncate(limit);
        Ok(due)
    }

    async fn mark_notice_sent(&self, name: &str, _: Timestamp) -> Result<()> {
        self.with_notice("mark_notice_sent", name, |kept| kept.is_sent = true)
    }

    async fn note_unsent(&self, name: &str, again_at: Timestamp) -> Result<()> {
        self.with_notice("note_unsent", name, |kept| kept.again_at = again_at)
    }
}

impl MemoryStore {
    fn with_notice(&self, method: &'static str, name: &str, note: impl Fn(&mut Kept)) -> Result<()> {
        let mut data = self.call(method)?;
        if let Some(kept) = data.notices.iter_mut().find(|kept| kept.notice.name == name) {
            kept.notice.tries += 1;
            note(kept);
        }
        Ok(())
    }
}
