//! The outbox as rows.

mod decisions;
mod messages;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
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
        self.readers.read("read queued messages", move |tables| messages::queued(tables, now, limit)).await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        self.readers.read("read postponed messages", move |tables| messages::postponed(tables, now)).await
    }

    async fn queued_count(&self) -> Result<u64> {
        self.readers.read("count owed messages", messages::queued_count).await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        let (message_id, attempt) = (message_id.to_owned(), attempt.clone());
        let mark = move |tables: &mut Tables<'_>| messages::tried(tables, &message_id, &attempt);
        self.writer.change("mark a message", 1, mark).await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        self.readers.read("read messages", move |tables| messages::since(tables, since)).await
    }
}
