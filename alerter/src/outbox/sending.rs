//! What becomes of a message that was tried.

use std::time::Duration;

use jiff::Timestamp;
use store::{Attempt, OutgoingMessage};
use telemetry::time::saturating_add;
use tracing::{error, info, warn};

use super::retry::Destination;
use super::{AlertingOutbox, backoff};
use crate::notifier::SendError;

/// When to try again what was refused for good: somebody may have set the recipient or the server right.
const REFUSED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// How long a message is tried.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A try that has come to its end.
pub(super) struct Finished {
    pub(super) destination: Destination,
    pub(super) message: OutgoingMessage,
    pub(super) outcome: Result<Option<String>, SendError>,
}

impl AlertingOutbox {
    /// Keeps and counts what became of a try.
    pub(super) async fn finish(&mut self, ended: Finished, now: Timestamp) {
        let Finished { destination, message, outcome } = ended;
        let attempt = match outcome {
            Ok(problem) => self.accepted(&destination, &message, problem, now),
            Err(reason) => self.not_accepted(&destination, &message, reason, now),
        };
        self.mark(&message.message_id, &attempt).await;
        self.busy.remove(&destination);
    }

    fn accepted(
        &mut self,
        destination: &Destination,
        message: &OutgoingMessage,
        problem: Option<String>,
        now: Timestamp,
    ) -> Attempt {
        self.retries.answered(destination, message);
        self.counters.messages_sent.inc();
        if self.unsure.remove(&message.message_id) {
            self.counters.messages_repeated.inc();
        }
        info!(message_id = message.message_id, notifications = message.notifications.len(), "message sent");
        if let Some(problem) = &problem {
            self.counters.messages_refused.inc();
            error!(message_id = message.message_id, "some recipients were refused: {problem}");
        }
        Attempt::Sent { at: now, problem }
    }

    fn not_accepted(
        &mut self,
        destination: &Destination,
        message: &OutgoingMessage,
        reason: SendError,
        now: Timestamp,
    ) -> Attempt {
        let id = &message.message_id;
        if reason.is_unsure() {
            self.unsure.insert(id.clone());
        }
        let refused = matches!(reason, SendError::Permanent(_));
        let problem = format!("{:#}", reason.reason());
        let again_at = if refused {
            self.counters.messages_refused.inc();
            self.retries.answered(destination, message);
            saturating_add(now, REFUSED_AGAIN)
        } else {
            self.counters.message_failures.inc();
            self.retries.unavailable(destination, message, now)
        };
        if saturating_add(message.made_at, GIVEN_UP_AFTER) <= now {
            self.counters.messages_given_up.inc();
            self.unsure.remove(id);
            error!(message_id = id, "message given up after {GIVEN_UP_AFTER:?}: {problem}");
            return Attempt::GivenUp { at: now, problem };
        }
        if refused {
            error!(message_id = id, retry_in = ?REFUSED_AGAIN, "the message was refused: {problem}");
        } else {
            warn!(message_id = id, %again_at, "message not sent, will be retried: {problem}");
        }
        Attempt::Failed { again_at, problem }
    }

    /// However often it takes: until it is marked, the message would be sent again.
    async fn mark(&self, message_id: &str, attempt: &Attempt) {
        let mut backoff = backoff();
        while let Err(e) = self.store.record_attempt(message_id, attempt).await {
            let wait = backoff.after(Duration::ZERO);
            self.counters.store_failures.inc();
            warn!(message_id, retry_in = ?wait, "cannot record the attempt: {e}");
            tokio::time::sleep(wait).await;
        }
    }
}
