//! Publishing a few messages over a connection of their own.

use bytes::Bytes;

use super::{OutboxConfig, PublishError};
use crate::url::BrokerUrl;

/// Un-acked publishes at a time.
const WINDOW: u16 = 100;

impl OutboxConfig {
    /// An outbox for a few messages: no presence, a small window.
    #[must_use]
    pub fn new(url: BrokerUrl, client_id: impl Into<String>) -> Self {
        Self { url, client_id: client_id.into(), window: WINDOW, presence: None }
    }

    /// Publishes all `(topic, payload)` in order over a new connection, returns after the last PUBACK and disconnects:
    /// nothing is left behind, at the broker or here, if the broker is unavailable.
    ///
    /// Waits for an unavailable broker without a limit: the caller sets a time-out. The client id gets a random suffix, so that several
    /// may publish at once.
    ///
    /// # Errors
    /// One of the messages can never be published; those before it are acked.
    pub async fn publish_once(mut self, messages: Vec<(String, Bytes)>) -> Result<(), PublishError> {
        self.client_id += &format!("-{:08x}", rand::random::<u32>());
        let (publisher, connection) = self.open();
        let all = async {
            let mut published = Ok(());
            for (topic, payload) in messages {
                published = publisher.publish(&topic, payload).await.map(drop);
                if published.is_err() {
                    break;
                }
            }
            publisher.close().await;
            published
        };
        tokio::join!(all, connection).0
    }
}
