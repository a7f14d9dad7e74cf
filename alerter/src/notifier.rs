//! Notification channels: each hands one message over, once.

pub(crate) mod mail;
pub(crate) mod mqtt;
pub(crate) mod webhook;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use store::{Channel, OutgoingMessage};

use crate::rules::Rules;

/// Hands a message over, once; the alerting outbox decides when to try again.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Returns once the message was accepted, with the replies for recipients that were refused, if some were.
    ///
    /// # Errors
    /// The message was not accepted, or that is unknown: try again later.
    async fn send(&self, message: &OutgoingMessage, rules: &Rules) -> Result<Option<String>, SendError>;
}

/// Why a message was not accepted. Neither prints addresses, passwords or the addresses of webhooks.
#[derive(Debug)]
pub enum SendError {
    /// This message was refused for good; others may be accepted.
    Permanent(anyhow::Error),
    /// The destination cannot be reached for now, for this message or any other.
    Transient(anyhow::Error),
}

impl SendError {
    /// What went wrong.
    #[must_use]
    pub fn reason(self) -> anyhow::Error {
        match self {
            Self::Permanent(reason) | Self::Transient(reason) => reason,
        }
    }

    /// Whether the message may have been accepted all the same.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        matches!(self, Self::Transient(reason) if reason.is::<PerhapsAccepted>())
    }
}

/// Part of the reason where the whole message had been handed over and no answer came.
#[derive(Debug, thiserror::Error)]
#[error("no answer to the whole message")]
pub(crate) struct PerhapsAccepted;

/// The channels that are set up.
#[derive(Clone, Default)]
pub struct Notifiers(HashMap<Channel, Arc<dyn Notifier>>);

impl Notifiers {
    /// These channels and one more; it takes the place of another notifier of the same channel.
    #[must_use]
    pub fn with(mut self, channel: Channel, notifier: Arc<dyn Notifier>) -> Self {
        self.0.insert(channel, notifier);
        self
    }

    /// The notifier of a channel; one that is not set up refuses every message.
    pub(crate) fn of(&self, channel: Channel) -> Arc<dyn Notifier> {
        self.0.get(&channel).cloned().unwrap_or_else(|| Arc::new(NotSetUp(channel)))
    }
}

struct NotSetUp(Channel);

#[async_trait]
impl Notifier for NotSetUp {
    async fn send(&self, _: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        Err(SendError::Permanent(anyhow::anyhow!(match self.0 {
            Channel::Mail => "mail is not set up: set smtp.url and smtp.from",
            Channel::Webhook => "webhooks are not set up in this process",
            Channel::Mqtt => "MQTT is not set up: set mqtt.url to the broker that alerts are published to",
        })))
    }
}
