//! Publishes resent readings to the broker that the dashboard listens to.

use api::ReadingPublisher;
use async_trait::async_trait;
use broker::{BrokerUrl, OutboxConfig};
use bytes::Bytes;
use telemetry::Series;
use tokio::sync::Semaphore;

/// Connections at a time, so that resending many rows does not use up the broker's.
const MAX_CONNECTIONS: usize = 4;

/// Opens a connection for each resend, so that nothing is left in one while the broker is away.
pub(crate) struct MqttPublisher {
    url: BrokerUrl,
    permits: Semaphore,
}

impl MqttPublisher {
    pub(crate) fn new(url: BrokerUrl) -> Self {
        Self { url, permits: Semaphore::new(MAX_CONNECTIONS) }
    }
}

#[async_trait]
impl ReadingPublisher for MqttPublisher {
    async fn publish(&self, series: &Series, payloads: Vec<Bytes>) -> anyhow::Result<()> {
        let _permit = self.permits.acquire().await?;
        let outbox = OutboxConfig::new(self.url.clone(), "millrace-resend");
        let messages = payloads.into_iter().map(|payload| (series.to_string(), payload)).collect();
        Ok(outbox.publish_once(messages).await?)
    }
}
