//! The calls of a watched store that it only passes on.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Address, AnnouncementStore, Attempt, Batch, Boot, ClockHistory, Decisions, DueNotifications, DueQuery,
    Incident, Ledger, LedgerQuery, LongestWaits, Notification, Notifications, OutgoingMessage, OwnReaders,
    Postponed, QueuedMessage, ReadingStore, Rejection, RejectionGroup, RejectionQuery, RejectionQuota,
    RejectionSelection, Rejections, Result, RetentionClock, Silence, Silences, Store, Written,
};
use telemetry::{Announcement, ClockRun};

use super::Watched;

impl OwnReaders for Watched {
    fn with_own_readers(&self) -> Arc<dyn Store> {
        self.inner.with_own_readers()
    }
}

#[async_trait]
impl ReadingStore for Watched {
    async fn write(&self, batch: &Arc<Batch>) -> Result<Written> {
        self.inner.write(batch).await
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        self.inner.purge(older_than).await
    }

    async fn keep_quota(&self, quota: RejectionQuota) -> Result<u64> {
        self.inner.keep_quota(quota).await
    }

    async fn retention_clock(&self) -> Result<Option<RetentionClock>> {
        self.inner.retention_clock().await
    }

    async fn set_retention_clock(&self, clock: RetentionClock) -> Result<()> {
        self.inner.set_retention_clock(clock).await
    }
}

#[async_trait]
impl Rejections for Watched {
    async fn rejected(&self, query: RejectionQuery) -> Result<Vec<Rejection>> {
        self.inner.rejected(query).await
    }

    async fn rejection(&self, id: i64) -> Result<Option<Rejection>> {
        self.inner.rejection(id).await
    }

    async fn rejection_groups(&self, selection: RejectionSelection) -> Result<Vec<RejectionGroup>> {
        self.inner.rejection_groups(selection).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.inner.rejected_count().await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        self.inner.mark_resent(id, at).await
    }

    async fn dismiss(&self, id: i64) -> Result<bool> {
        self.inner.dismiss(id).await
    }

    async fn dismiss_all(&self, selection: RejectionSelection) -> Result<u64> {
        self.inner.dismiss_all(selection).await
    }
}

#[async_trait]
impl Notifications for Watched {
    async fn notifications_due(&self, query: &DueQuery) -> Result<DueNotifications> {
        self.inner.notifications_due(query).await
    }

    async fn waiting_notifications(&self, numbers: &[i64]) -> Result<Vec<(Notification, Incident)>> {
        self.inner.waiting_notifications(numbers).await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        self.inner.decide(decisions).await
    }

    async fn queued_heads(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>> {
        self.inner.queued_heads(now, limit).await
    }

    async fn outgoing_message(&self, message_id: &str) -> Result<Option<OutgoingMessage>> {
        self.inner.outgoing_message(message_id).await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        self.inner.postponed_messages(now).await
    }

    async fn bring_forward(&self, now: Timestamp, waits: &LongestWaits) -> Result<()> {
        self.inner.bring_forward(now, waits).await
    }

    async fn queued_count(&self) -> Result<u64> {
        self.inner.queued_count().await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        self.inner.record_attempt(message_id, attempt).await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        self.inner.messages_since(since).await
    }
}

#[async_trait]
impl AnnouncementStore for Watched {
    async fn announcements(&self) -> Result<Vec<Announcement>> {
        self.inner.announcements().await
    }

    async fn announce(&self, announcements: &[Announcement]) -> Result<()> {
        self.inner.announce(announcements).await
    }
}

#[async_trait]
impl ClockHistory for Watched {
    async fn clock_runs(&self) -> Result<Vec<ClockRun>> {
        self.inner.clock_runs().await
    }

    async fn set_clock_runs(&self, runs: &[ClockRun]) -> Result<()> {
        self.inner.set_clock_runs(runs).await
    }

    async fn extend_clock_run(&self, to: Timestamp) -> Result<()> {
        self.inner.extend_clock_run(to).await
    }
}

#[async_trait]
impl Silences for Watched {
    async fn add_silences(&self, silences: &[Silence]) -> Result<()> {
        self.inner.add_silences(silences).await
    }

    async fn end_silence(&self, id: &str, at: Timestamp) -> Result<bool> {
        self.inner.end_silence(id, at).await
    }

    async fn silences(&self, after: Timestamp) -> Result<Vec<Silence>> {
        self.inner.silences(after).await
    }
}

#[async_trait]
impl Ledger for Watched {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.inner.completeness(query).await
    }
}
