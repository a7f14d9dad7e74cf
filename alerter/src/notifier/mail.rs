//! Mails: composed of words and a picture, and handed to a mail server or a folder.

mod compose;
mod folder;
mod mailer;
mod notice;
mod smtp;

pub(crate) use lettre::message::Mailboxes;
pub use mailer::Mailer;
pub(crate) use notice::{compose_notice, notice_id};

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{History, OutgoingMessage};
use telemetry::{Clock, Inputs};
use tokio::sync::watch;

use super::{Notifier, SendError};
use crate::message::{Chart, MessageContext, Templates};
use crate::rules::Rules;

/// How long a mail waits for the values of its picture; it goes out without one rather than late.
const TIMEOUT: Duration = Duration::from_secs(2);

/// One mail a message, in the words of the templates.
pub struct Mail {
    /// Hands mails over.
    pub mailer: Mailer,
    /// How mails are laid out.
    pub templates: Templates,
    /// Where the values of the picture come from.
    pub history: Arc<dyn History>,
    /// Where people see the chart, without a trailing slash.
    pub page: String,
    /// The rules that have words for values.
    pub inputs: watch::Receiver<Arc<Inputs>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Notifier for Mail {
    async fn send(&self, message: &OutgoingMessage, rules: &Rules) -> Result<Option<String>, SendError> {
        if message.notifications.is_empty() {
            return Err(SendError::Permanent(anyhow::anyhow!("the message has nothing to say")));
        }
        let sent_at = self.clock.wall();
        let words = self.inputs.borrow().mappings().words();
        let content = MessageContext::in_words(message, rules, &self.page, &words, sent_at);
        let chart = self.chart(message, sent_at).await;
        let mail =
            compose::mail(message, &content, chart.as_ref(), &self.templates, self.mailer.from.clone())
                .map_err(SendError::Permanent)?;
        let missed = self.mailer.send(&message.message_id, &mail).await?;
        Ok((!missed.is_empty()).then(|| missed.join("; ")))
    }
}

impl Mail {
    async fn chart(&self, message: &OutgoingMessage, sent_at: Timestamp) -> Option<Chart> {
        let mut incidents = message.notifications.iter().map(|(_, incident)| incident);
        let first = incidents.next()?;
        // The first of the most severe.
        let incident =
            incidents.fold(first, |worst, it| if it.severity > worst.severity { it } else { worst });
        let drawn = Chart::of(incident, sent_at, self.history.as_ref());
        tokio::time::timeout(TIMEOUT, drawn).await.ok().flatten()
    }
}
