//! The calls of a watched store that it only passes on.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    AccessStore, Address, Alias, AnnouncementStore, ApiKey, Attempt, AttributeStore, AuditQuery, AuditRecord,
    Awaited, Batch, Boot, Change, ClockHistory, Command, CommandCounts, CommandJob, CommandQuery,
    CommandResult, Commands, Credential, Decisions, Device, DeviceType, DueNotifications, DueQuery,
    Forgotten, Head, IdempotencyKeys, Incident, JobCounts, Journal, Journals, KeptAnswer, KeyedRequest,
    Ledger, LedgerQuery, Lifecycle, LongestWaits, NewRecord, Notice, Notices, Notification, Notifications,
    OutgoingMessage, OwnReaders, Postponed, QueuedMessage, ReadingStore, Recorded, Registry, RegistryHead,
    Rejection, RejectionGroup, RejectionQuery, RejectionQuota, RejectionSelection, Rejections, Result,
    RetentionClock, RolledUp, Session, Silence, Silences, Store, Summaries, Summary, TimeRange, TokenKey,
    Twin, UplinkRun, Uplinks, User, Written,
};
use telemetry::{Announcement, Attribute, ClockRun, Series};

use super::Watched;

impl OwnReaders for Watched {
    fn with_own_readers(&self) -> Arc<dyn Store> {
        self.inner.with_own_readers()
    }
}

impl Journals for Watched {
    fn journal(&self) -> Option<Arc<dyn Journal>> {
        self.inner.journal()
    }
}

#[async_trait]
impl Summaries for Watched {
    async fn summaries(&self, series: &Series, times: &[Timestamp]) -> Result<Vec<Summary>> {
        self.inner.summaries(series, times).await
    }

    async fn values(&self, series: &Series, range: TimeRange, limit: usize) -> Result<Vec<(Timestamp, f64)>> {
        self.inner.values(series, range, limit).await
    }
}

#[async_trait]
impl Uplinks for Watched {
    async fn uplink_runs(&self) -> Result<Vec<UplinkRun>> {
        self.inner.uplink_runs().await
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

    async fn roll_up(&self, now: Timestamp) -> Result<RolledUp> {
        self.inner.roll_up(now).await
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

    async fn rejected_topics(&self, limit: usize) -> Result<Vec<(i64, String)>> {
        self.inner.rejected_topics(limit).await
    }

    async fn rejected_count(&self) -> Result<u64> {
        self.inner.rejected_count().await
    }

    async fn mark_resent(&self, id: i64, at: Timestamp) -> Result<bool> {
        self.inner.mark_resent(id, at).await
    }

    async fn awaited(&self, limit: usize) -> Result<Vec<Awaited>> {
        self.inner.awaited(limit).await
    }

    async fn await_more(&self, awaited: &Awaited) -> Result<()> {
        self.inner.await_more(awaited).await
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
impl AttributeStore for Watched {
    async fn attributes(&self) -> Result<Vec<Attribute>> {
        self.inner.attributes().await
    }

    async fn attributes_of(&self, device: &str) -> Result<Vec<Attribute>> {
        self.inner.attributes_of(device).await
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

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        self.inner.counted_from(device, readings).await
    }
}

#[async_trait]
impl AccessStore for Watched {
    async fn has_users(&self) -> Result<bool> {
        self.inner.has_users().await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.inner.users().await
    }

    async fn user(&self, name: &str) -> Result<Option<User>> {
        self.inner.user(name).await
    }

    async fn user_of_subject(&self, subject: &str) -> Result<Option<User>> {
        self.inner.user_of_subject(subject).await
    }

    async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>> {
        self.inner.session(token_hash).await
    }

    async fn sessions(&self, user: &str) -> Result<Vec<Session>> {
        self.inner.sessions(user).await
    }

    async fn touch_session(&self, id: &str, at: Timestamp) -> Result<()> {
        self.inner.touch_session(id, at).await
    }

    async fn key(&self, id: &str) -> Result<Option<(ApiKey, User)>> {
        self.inner.key(id).await
    }

    async fn keys(&self, owner: Option<&str>) -> Result<Vec<ApiKey>> {
        self.inner.keys(owner).await
    }

    async fn touch_key(&self, id: &str, at: Timestamp) -> Result<()> {
        self.inner.touch_key(id, at).await
    }

    async fn token_keys(&self) -> Result<Vec<TokenKey>> {
        self.inner.token_keys().await
    }

    async fn add_token_key(&self, key: &TokenKey, older_than: Timestamp) -> Result<()> {
        self.inner.add_token_key(key, older_than).await
    }

    async fn change(&self, change: &Change, record: &NewRecord) -> Result<Option<u64>> {
        self.inner.change(change, record).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>> {
        self.inner.audit(query).await
    }

    async fn audit_head(&self) -> Result<Head> {
        self.inner.audit_head().await
    }
}

#[async_trait]
impl Registry for Watched {
    async fn devices(&self, after: &str, limit: usize) -> Result<Vec<Device>> {
        self.inner.devices(after, limit).await
    }

    async fn device(&self, name: &str) -> Result<Option<Device>> {
        self.inner.device(name).await
    }

    async fn device_types(&self) -> Result<Vec<DeviceType>> {
        self.inner.device_types().await
    }

    async fn device_type(&self, name: &str) -> Result<Option<DeviceType>> {
        self.inner.device_type(name).await
    }

    async fn credentials(&self, device: Option<&str>) -> Result<Vec<Credential>> {
        self.inner.credentials(device).await
    }

    async fn registry_head(&self) -> Result<RegistryHead> {
        self.inner.registry_head().await
    }

    async fn note_applied(&self, revision: i64) -> Result<()> {
        self.inner.note_applied(revision).await
    }
}

#[async_trait]
impl Lifecycle for Watched {
    async fn forgotten_devices(&self) -> Result<Vec<Forgotten>> {
        self.inner.forgotten_devices().await
    }

    async fn erase(&self, device: &str, to: Timestamp) -> Result<u64> {
        self.inner.erase(device, to).await
    }

    async fn note_erased(&self, device: &str, to: Timestamp) -> Result<()> {
        self.inner.note_erased(device, to).await
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.inner.aliases().await
    }

    async fn aliases_of(&self, device: &str) -> Result<Vec<Alias>> {
        self.inner.aliases_of(device).await
    }

    async fn renamed(&self, name: &str) -> Result<Option<String>> {
        self.inner.renamed(name).await
    }

    async fn move_history(&self, alias: &Alias) -> Result<u64> {
        self.inner.move_history(alias).await
    }
}

#[async_trait]
impl Notices for Watched {
    async fn add_notice(&self, notice: &Notice) -> Result<bool> {
        self.inner.add_notice(notice).await
    }

    async fn unsent_notices(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>> {
        self.inner.unsent_notices(now, limit).await
    }

    async fn mark_notice_sent(&self, name: &str, at: Timestamp) -> Result<()> {
        self.inner.mark_notice_sent(name, at).await
    }

    async fn note_unsent(&self, name: &str, again_at: Timestamp) -> Result<()> {
        self.inner.note_unsent(name, again_at).await
    }
}

#[async_trait]
impl IdempotencyKeys for Watched {
    async fn note_request(
        &self,
        request: &KeyedRequest,
        after: Timestamp,
    ) -> Result<(KeyedRequest, Option<KeptAnswer>)> {
        self.inner.note_request(request, after).await
    }

    async fn note_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()> {
        self.inner.note_answer(request, answer).await
    }

    async fn forget_keys(&self, before: Timestamp) -> Result<u64> {
        self.inner.forget_keys(before).await
    }

    async fn key_count(&self) -> Result<u64> {
        self.inner.key_count().await
    }
}

#[async_trait]
impl Commands for Watched {
    async fn commands(&self, query: &CommandQuery) -> Result<Vec<Command>> {
        self.inner.commands(query).await
    }

    async fn command(&self, id: &str) -> Result<Option<Command>> {
        self.inner.command(id).await
    }

    async fn open_commands(&self, after: i64, limit: usize) -> Result<Vec<Command>> {
        self.inner.open_commands(after, limit).await
    }

    async fn open_command(&self, device: &str) -> Result<Option<Command>> {
        self.inner.open_command(device).await
    }

    async fn due_commands(&self, now: Timestamp, horizon: Timestamp, limit: usize) -> Result<Vec<Command>> {
        self.inner.due_commands(now, horizon, limit).await
    }

    async fn note_sent(&self, id: &str, at: Timestamp, next_at: Timestamp) -> Result<bool> {
        self.inner.note_sent(id, at, next_at).await
    }

    async fn postpone_command(&self, id: &str, next_at: Timestamp) -> Result<()> {
        self.inner.postpone_command(id, next_at).await
    }

    async fn expire_commands(&self, ids: &[String], at: Timestamp) -> Result<u64> {
        self.inner.expire_commands(ids, at).await
    }

    async fn record_result(&self, result: &CommandResult) -> Result<Recorded> {
        self.inner.record_result(result).await
    }

    async fn command_counts(&self) -> Result<CommandCounts> {
        self.inner.command_counts().await
    }

    async fn command_job(&self, id: &str) -> Result<Option<(CommandJob, JobCounts)>> {
        self.inner.command_job(id).await
    }

    async fn forget_commands(&self, older_than: Timestamp) -> Result<u64> {
        self.inner.forget_commands(older_than).await
    }

    async fn twin(&self, device: &str) -> Result<Option<Twin>> {
        self.inner.twin(device).await
    }

    async fn report_state(
        &self,
        device: &str,
        version: Option<i64>,
        state: &str,
        at: Timestamp,
    ) -> Result<bool> {
        self.inner.report_state(device, version, state, at).await
    }
}
