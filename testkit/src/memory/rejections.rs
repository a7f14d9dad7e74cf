//! Rejections in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    ANY_TEXT, Awaited, PREVIEW_BYTES, RejectedMessage, Rejection, RejectionGroup, RejectionQuery,
    RejectionQuota, RejectionSelection, Rejections, Result, group_rejections,
};

use super::{MemoryStore, whole_micros};

#[derive(Default)]
pub(super) struct Rejected {
    rows: Vec<Rejection>,
    /// When the row with an id was stored.
    stored_at: HashMap<i64, Timestamp>,
    last_id: i64,
    /// Up to which announcement the row with an id could not be read.
    awaits_after: HashMap<i64, Timestamp>,
}

impl Rejected {
    pub(super) fn add(&mut self, message: &RejectedMessage, now: Timestamp) {
        let payload_bytes = message.payload.len() as u64;
        let payload = message.payload.slice(..message.stored_payload().len());
        let received_at = whole_micros(message.received_at);
        let message = RejectedMessage { received_at, payload, ..message.clone() };
        if self.rows.iter().all(|row| row.message != message) {
            self.last_id += 1;
            self.stored_at.insert(self.last_id, now);
            self.rows.push(Rejection { id: self.last_id, message, payload_bytes, resent_at: None });
        }
    }

    pub(super) fn purge(&mut self, older_than: Timestamp) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| self.stored_at[&row.id] >= older_than);
        before - self.rows.len()
    }

    /// Deletes those of a device that were received up to a time.
    pub(super) fn erase(&mut self, device: &str, to: Timestamp) -> usize {
        let before = self.rows.len();
        let awaited = telemetry::device_subject(device);
        self.rows.retain(|row| {
            let RejectedMessage { topic, reason, received_at, .. } = &row.message;
            let is_own = topic.split_once('/').is_some_and(|(_, name)| name == device)
                || telemetry::awaited_subject(reason).as_ref() == Some(&awaited);
            !is_own || *received_at > to
        });
        before - self.rows.len()
    }

    /// Deletes the oldest where there are more than the quota allows.
    pub(super) fn keep_quota(&mut self, quota: RejectionQuota) -> usize {
        let before = self.rows.len();
        if !self.fits(quota) {
            self.rows.sort_by_key(|row| (row.message.received_at, row.id));
            let most = RejectionQuota { rows: quota.rows / 10 * 9, bytes: quota.bytes / 10 * 9 };
            while !self.fits(most) {
                self.rows.remove(0);
            }
        }
        before - self.rows.len()
    }

    fn fits(&self, quota: RejectionQuota) -> bool {
        let size = |row: &Rejection| {
            let RejectedMessage { topic, reason, payload, .. } = &row.message;
            (payload.len() + topic.len() + reason.len()) as u64
        };
        self.rows.len() as u64 <= quota.rows && self.rows.iter().map(size).sum::<u64>() <= quota.bytes
    }
}

#[async_trait]
impl Rejections for MemoryStore {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        let data = self.call("rejected")?;
        let RejectionQuery { selection, after, limit } = query;
        let age = |row: &Rejection| (row.message.received_at, row.id);
        let wanted =
            |row: &&Rejection| is_selected(row, &selection) && after.is_none_or(|after| after.is_before(row));
        let mut found: Vec<_> = data.rejected.rows.iter().filter(wanted).cloned().collect();
        found.sort_by_key(|row| std::cmp::Reverse(age(row)));
        found.truncate(limit);
        found.iter_mut().for_each(|row| row.message.payload.truncate(PREVIEW_BYTES));
        Ok(found)
    }

    async fn rejection(&self, id: i64) -> Result<Option<Rejection>> {
        let data = self.call("rejection")?;
        Ok(data.rejected.rows.iter().find(|row| row.id == id).cloned())
    }

    async fn rejection_groups(&self, selection: RejectionSelection) -> Result<Vec<RejectionGroup>> {
        let data = self.call("rejection_groups")?;
        let mut rows: Vec<_> = data.rejected.rows.iter().filter(|row| is_selected(row, &selection)).collect();
        rows.sort_by_key(|row| (&row.message.topic, &row.message.reason));
        let same = |a: &&Rejection, b: &&Rejection| {
            (&a.message.topic, &a.message.reason) == (&b.message.topic, &b.message.reason)
        };
        Ok(group_rejections(rows.chunk_by(|a, b| same(a, b)).filter_map(group).collect()))
    }

    async fn rejected_topics(&self, limit: usize) -> Result<Vec<(i64, String)>> {
        let data = self.call("rejected_topics")?;
        let mut rows: Vec<_> = data.rejected.rows.iter().filter(|row| row.resent_at.is_none()).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.message.received_at, row.id)));
        Ok(rows.into_iter().take(limit).map(|row| (row.id, row.message.topic.clone())).collect())
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

    async fn awaited(&self, limit: usize) -> Result<Vec<Awaited>> {
        let data = self.call("awaited")?;
        let announced_at = |subject: &str| {
            let announced = data.announcements.iter().filter(|announcement| announcement.subject == subject);
            let registered = data.registry.created_at(subject);
            announced.map(|announcement| announcement.received_at).chain(registered).max()
        };
        let awaited = |row: &Rejection| {
            let subject = telemetry::awaited_subject(&row.message.reason)?;
            let announced_at = announced_at(&subject).filter(|_| row.resent_at.is_none())?;
            let is_new = data.rejected.awaits_after.get(&row.id).is_none_or(|after| *after < announced_at);
            is_new.then_some((subject, row.message.received_at, Awaited { id: row.id, announced_at }))
        };
        let mut found: Vec<_> = data.rejected.rows.iter().filter_map(awaited).collect();
        found.sort_by(|a, b| (&a.0, a.1, a.2.id).cmp(&(&b.0, b.1, b.2.id)));
        Ok(found.into_iter().map(|(.., awaited)| awaited).take(limit).collect())
    }

    async fn await_more(&self, awaited: &Awaited) -> Result<()> {
        self.call("await_more")?.rejected.awaits_after.insert(awaited.id, awaited.announced_at);
        Ok(())
    }

    async fn dismiss(&self, id: i64) -> Result<bool> {
        let mut data = self.call("dismiss")?;
        let before = data.rejected.rows.len();
        data.rejected.rows.retain(|row| row.id != id);
        Ok(data.rejected.rows.len() < before)
    }

    async fn dismiss_all(&self, selection: RejectionSelection) -> Result<u64> {
        let mut data = self.call("dismiss_all")?;
        let before = data.rejected.rows.len();
        data.rejected.rows.retain(|row| !is_selected(row, &selection));
        Ok((before - data.rejected.rows.len()) as u64)
    }
}

fn is_selected(row: &Rejection, selection: &RejectionSelection) -> bool {
    let RejectionSelection { topic, reason, since, resent } = selection;
    topic.as_ref().is_none_or(|topic| *topic == row.message.topic)
        && reason.as_ref().is_none_or(|reason| is_like(&row.message.reason, reason))
        && since.is_none_or(|since| row.message.received_at >= since)
        && resent.is_none_or(|resent| resent == row.resent_at.is_some())
}

/// Whether a text is a pattern in which [`ANY_TEXT`] stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once(ANY_TEXT) {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| is_like(&text[at..], rest))
        }),
    }
}

fn group(rows: &[&Rejection]) -> Option<RejectionGroup> {
    let times = || rows.iter().map(|row| row.message.received_at);
    let message = &rows.first()?.message;
    let (topic, reason) = (message.topic.clone(), message.reason.clone());
    Some(RejectionGroup {
        topic,
        reason,
        count: rows.len() as u64,
        oldest: times().min()?,
        newest: times().max()?,
    })
}
