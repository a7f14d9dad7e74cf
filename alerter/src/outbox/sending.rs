//! What becomes of a message that was tried.

use std::time::Duration;

use jiff::Timestamp;
use store::{Attempt, OutgoingMessage};
use tracing::{error, info, warn};

use super::patience::Line;
use super::{Outbox, backoff};
use crate::notifier::NotTaken;
use crate::plan::later;

/// When to try again what was refused for good: somebody may have set the recipient or the server right.
const REFUSED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// How long a message is tried.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A try that has come to its end.
pub(super) struct Ended {
    pub(super) line: Line,
    pub(super) message: OutgoingMessage,
    pub(super) outcome: Result<Option<String>, NotTaken>,
}

impl Outbox {
    /// Keeps and counts what became of a try.
    pub(super) async fn note(&mut self, ended: Ended, now: Timestamp) {
        let Ended { line, message, outcome } = ended;
        let attempt = match outcome {
            Ok(problem) => self.taken(&line, &message, problem, now),
            Err(reason) => self.not_taken(&line, &message, reason, now),
        };
        self.mark(&message.message_id, &attempt).await;
        self.busy.remove(&line);
    }

    fn taken(
        &mut self,
        line: &Line,
        message: &OutgoingMessage,
        problem: Option<String>,
        now: Timestamp,
    ) -> Attempt {
        self.patience.heard(line, message);
        self.counters.messages_sent.inc();
        if self.unsure.remove(&message.message_id) {
            self.counters.messages_repeated.inc();
        }
        info!(message = message.message_id, notifications = message.notifications.len(), "message sent");
        if let Some(problem) = &problem {
            self.counters.messages_refused.inc();
            error!(message = message.message_id, "some of its recipients missed it: {problem}");
        }
        Attempt::Sent { at: now, problem }
    }

    fn not_taken(
        &mut self,
        line: &Line,
        message: &OutgoingMessage,
        reason: NotTaken,
        now: Timestamp,
    ) -> Attempt {
        let id = &message.message_id;
        if reason.is_unsure() {
            self.unsure.insert(id.clone());
        }
        let refused = matches!(reason, NotTaken::Refused(_));
        let problem = format!("{:#}", reason.reason());
        let again_at = if refused {
            self.counters.messages_refused.inc();
            self.patience.heard(line, message);
            later(now, REFUSED_AGAIN)
        } else {
            self.counters.message_failures.inc();
            self.patience.away(line, message, now)
        };
        if later(message.made_at, GIVEN_UP_AFTER) <= now {
            self.counters.messages_given_up.inc();
            self.unsure.remove(id);
            error!(message = id, "nobody took the message for {GIVEN_UP_AFTER:?}, it is given up: {problem}");
            return Attempt::GivenUp { at: now, problem };
        }
        if refused {
            error!(message = id, retry_in = ?REFUSED_AGAIN, "the message was refused: {problem}");
        } else {
            warn!(message = id, %again_at, "the message waits: {problem}");
        }
        Attempt::Failed { again_at, problem }
    }

    /// However often it takes: until it is marked, the message would be sent again.
    async fn mark(&self, message_id: &str, attempt: &Attempt) {
        let mut backoff = backoff();
        while let Err(e) = self.store.record_attempt(message_id, attempt).await {
            let wait = backoff.after(Duration::ZERO);
            self.counters.store_failures.inc();
            warn!(message = message_id, retry_in = ?wait, "tried, and cannot be marked as such: {e}");
            tokio::time::sleep(wait).await;
        }
    }
}
