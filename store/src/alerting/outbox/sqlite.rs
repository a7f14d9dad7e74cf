//! The outbox as rows.

mod decisions;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
use crate::alerting::outbox::{
    Attempt, Decisions, DueNotifications, DueQuery, LongestWaits, Notifications, OutgoingMessage, Postponed,
    QueuedMessage,
};
use crate::alerting::outbox::{messages, waits};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::writer::Tables;
use crate::unavailable::Result;

#[async_trait]
impl Notifications for Sqlite {
    async fn notifications_due(&self, query: &DueQuery) -> Result<DueNotifications> {
        let query = *query;
        self.readers.read("read due notifications", move |tables| notifications::due(tables, &query)).await
    }

    async fn waiting_notifications(&self, numbers: &[i64]) -> Result<Vec<(Notification, Incident)>> {
        let numbers = numbers.to_vec();
        let read = move |tables: &Connection| notifications::waiting(tables, numbers);
        self.readers.read("read waiting notifications", read).await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        let decisions = decisions.clone();
        let rows = decisions.messages.iter().map(|message| message.notifications.len()).sum();
        let decide = move |tables: &mut Tables<'_>| decisions::decide(tables, &decisions);
        self.writer.change("decide on notifications", rows, decide).await
    }

    async fn queued_heads(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>> {
        messages::heads(self, now, limit).await
    }

    async fn outgoing_message(&self, message_id: &str) -> Result<Option<OutgoingMessage>> {
        let id = message_id.to_owned();
        self.readers.read("read a queued message", move |tables| notifications::message(tables, &id)).await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        messages::postponed(self, now).await
    }

    async fn bring_forward(&self, now: Timestamp, waits: &LongestWaits) -> Result<()> {
        waits::bring_forward(self, now, waits).await
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
