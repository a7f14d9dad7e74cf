//! The outbox as rows.

mod decisions;
mod messages;
mod notifications;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alerting::incidents::Incident;
use crate::alerting::notifications::{Address, Notification};
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
            .call("read queued messages", async |s| messages::queued(&mut s.client, now, limit).await)
            .await
    }

    async fn postponed_messages(&self, now: Timestamp) -> Result<Vec<Postponed>> {
        self.pool.call("read postponed messages", async |s| messages::postponed(&s.client, now).await).await
    }

    async fn queued_count(&self) -> Result<u64> {
        self.pool.call("count owed messages", async |s| messages::queued_count(&s.client).await).await
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> Result<()> {
        self.pool
            .call("mark a message", async |s| messages::tried(&s.client, message_id, attempt).await)
            .await
    }

    async fn messages_since(&self, since: Timestamp) -> Result<Vec<(Address, Timestamp)>> {
        self.pool.call("read messages", async |s| messages::since(&s.client, since).await).await
    }
}
