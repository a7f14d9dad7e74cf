//! Sends what is queued, and records what became of each attempt.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use service::Retry;
use store::{Attempt, OutgoingMessage};
use telemetry::time::{age, saturating_add};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::AlertingOutbox;
use super::retry::Destination;
use crate::notifier::SendError;

/// Messages looked at in one go; more where none of these can be sent now.
const MESSAGES: [usize; 4] = [20, 200, 2_000, 20_000];

/// The time after which a refused message is tried again: the recipient or the server may have been corrected.
pub(super) const REFUSED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// The time after which a message is given up, at the earliest.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// So many attempts precede it: a clock that jumps ahead gives up nothing.
const GIVEN_UP_TRIES: u32 = 20;

/// An attempt that has ended.
pub(super) struct Finished {
    pub(super) destination: Destination,
    pub(super) message: OutgoingMessage,
    pub(super) outcome: Result<Option<String>, SendError>,
}

impl AlertingOutbox {
    /// Begins to send the oldest message of every destination that is free.
    pub(super) async fn begin(&mut self, now: Timestamp, end: &CancellationToken) -> store::Result<()> {
        for size in MESSAGES {
            let queued = self.store.queued_heads(now, size).await?;
            let (all, mut begun) = (queued.len() < size, false);
            for head in queued {
                let destination = Destination::of(&head.address);
                if end.is_cancelled() {
                    return Ok(());
                }
                if !self.busy.contains_key(&destination)
                    && self.retries.may_try(&destination, &head, now)
                    && let Some(message) = self.store.outgoing_message(&head.message_id).await?
                {
                    self.send(destination, message);
                    begun = true;
                }
            }
            if all || begun {
                break;
            }
        }
        Ok(())
    }

    fn send(&mut self, destination: Destination, message: OutgoingMessage) {
        let notifier = self.notifiers.of(message.address.channel);
        let rules = Arc::clone(&self.rules.borrow());
        let sent_on = destination.clone();
        let task = self.in_flight.spawn(async move {
            let outcome = notifier.send(&message, &rules).await;
            Finished { destination: sent_on, message, outcome }
        });
        self.busy.insert(destination, task.id());
    }

    /// Records and counts what became of an attempt.
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
        for (notification, _) in &message.notifications {
            self.counters.notification_latency.observe(age(now, notification.due_at));
        }
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
        if message.tries >= GIVEN_UP_TRIES && saturating_add(message.made_at, GIVEN_UP_AFTER) <= now {
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

    /// Repeats until the attempt is recorded: before that, the message would be sent again.
    async fn mark(&self, message_id: &str, attempt: &Attempt) {
        let retry = Retry::new(self.counters.store_failures.clone());
        retry.call(|| self.store.record_attempt(message_id, attempt)).await;
    }
}
