//! The outbox as rows.

mod decisions;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
use crate::alerting::outbox::messages;
use crate::alerting::outbox::{Attempt, Decisions, Notifications, OutgoingMessage, Postponed};
use crate::engine::postgres::Postgres;
use crate::unavailable::Result;

#[async_trait]
impl Notifications for Postgres {
    async fn due_notifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(Notification, Incident)>, Option<Timestamp>)> {
        self.pool
            .call("read due notifications", async |s| notifications::due(&mut s.client, now, limit).await)
            .await
    }

    async fn decide(&self, decisions: &Decisions) -> Result<()> {
        self.pool
            .call("decide on notifications", async |s| decisions::decide(&mut s.client, decisions).await)
            .await
    }

    async fn queued_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<OutgoingMessage>> {
        self.pool
            .call("read queued messages", async |s| notifications::queued(&mut s.client, now, limit).await)
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
