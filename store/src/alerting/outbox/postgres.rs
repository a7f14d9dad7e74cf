//! The outbox as rows.

mod decisions;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
use crate::alerting::outbox::{
    Attempt, Decisions, DueNotifications, DueQuery, LongestWaits, Notifications, OutgoingMessage, Postponed,
    QueuedMessage,
};
use crate::alerting::outbox::{messages, waits};
use crate::engine::postgres::Postgres;
use crate::unavailable::Result;

#[async_trait]
impl Notifications for Postgres {
    async fn notifications_due(&self, query: &DueQuery) -> Result<DueNotifications> {
        self.pool
            .call("read due notifications", async |s| notifications::due(&mut s.client, query).await)
            .await
    }

    async fn waiting_notifications(&self, numbers: &[i64]) -> Result<Vec<(Notification, Incident)>> {
        self.pool
            .call("read waiting notifications", async |s| {
                notifications::waiting(&mut s.client, numbers).await
            })
            .await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        self.pool
            .call("decide on notifications", async |s| decisions::decide(&mut s.client, decisions).await)
            .await
    }

    async fn queued_heads(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>> {
        messages::heads(self, now, limit).await
    }

    async fn outgoing_message(&self, message_id: &str) -> Result<Option<OutgoingMessage>> {
        self.pool
            .call("read a queued message", async |s| notifications::message(&mut s.client, message_id).await)
            .await
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
