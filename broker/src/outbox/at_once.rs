//! A few publishes over a connection of their own.

use bytes::Bytes;

use super::{Outbox, PublishError};

impl Outbox {
    /// Publishes all of these in order, returns after the last PUBACK and leaves nothing open.
    ///
    /// Waits for a broker that is away: bound it by a timeout. The client id gets a random end, so that several may do
    /// so at once.
    ///
    /// # Errors
    /// One of them is not taken and never will be; those before it are acked.
    pub async fn publish_all(mut self, messages: Vec<(String, Bytes)>) -> Result<(), PublishError> {
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
