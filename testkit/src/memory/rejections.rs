//! Rejections in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use store::{RejectedMessage, Rejection, RejectionQuery, Rejections, Result};

use super::{MemoryStore, whole_micros};

#[derive(Default)]
pub(super) struct Rejected {
    rows: Vec<Rejection>,
    last_id: i64,
}

impl Rejected {
    pub(super) fn add(&mut self, message: &RejectedMessage) {
        let message = RejectedMessage { received_at: whole_micros(message.received_at), ..message.clone() };
        if self.rows.iter().all(|row| row.message != message) {
            self.last_id += 1;
            self.rows.push(Rejection { id: self.last_id, message, resent_at: None });
        }
    }

    pub(super) fn purge(&mut self, older_than: Timestamp) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| row.message.received_at >= older_than);
        before - self.rows.len()
    }
}

#[async_trait]
impl Rejections for MemoryStore {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        let data = self.call("rejected")?;
        let RejectionQuery { id, before, resent, limit } = query;
        let age = |row: &Rejection| (row.message.received_at, row.id);
        let start = before.map(|id| data.rejected.rows.iter().find(|row| row.id == id).map(age));
        let wanted = |row: &&Rejection| {
            id.is_none_or(|id| id == row.id)
                && resent.is_none_or(|resent| resent == row.resent_at.is_some())
                && start.is_none_or(|start| start.is_some_and(|start| age(row) < start))
        };
        let mut found: Vec<_> = data.rejected.rows.iter().filter(wanted).cloned().collect();
        found.sort_by_key(|row| std::cmp::Reverse(age(row)));
        found.truncate(limit);
        Ok(found)
    }

    async fn rejected_count(&self) -> Result<u64> {
        let data = self.call("rejected_count")?;
        Ok(data.rejected.rows.iter().filter(|row| row.resent_at.is_none()).count() as u64)
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        let mut data = self.call("mark_resent")?;
        let row = data.rejected.rows.iter_mut().find(|row| row.id == id && row.resent_at.is_none());
        Ok(row.map(|row| row.resent_at = Some(at)).is_some())
    }
}
