//! The outbox as rows.

mod decisions;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
use crate::alerting::outbox::messages;
use crate::alerting::outbox::{Attempt, Decisions, Notifications, OutgoingMessage, Postponed};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::writer::Tables;
use crate::unavailable::Result;

#[async_trait]
impl Notifications for Sqlite {
    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)> {
        self.readers
            .read("read due notifications", move |tables| notifications::due(tables, now, limit))
            .await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        let decisions = decisions.clone();
        let rows = decisions.messages.iter().map(|message| message.notifications.len()).sum();
        let decide = move |tables: &mut Tables<'_>| decisions::decide(tables, &decisions);
        self.writer.change("decide on notifications", rows, decide).await
    }

    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>> {
        self.readers
            .read("read queued messages", move |tables| notifications::queued(tables, now, limit))
            .await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        messages::postponed(self, now).await
    }

    async fn queued_count(&self) -> Result<u64> {
        messages::queued_count(self).await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        messages::record_attempt(self, message_id, attempt).await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        messages::since(self, since).await
    }
}
