//! Publishes to the broker that the dashboard listens to.

use async_trait::async_trait;
use broker::{BrokerUrl, Outbox};
use bytes::Bytes;
use telemetry::Series;
use tokio::sync::Semaphore;

use crate::resend::Publisher;

/// Connections at a time: whoever resends many rows must not take the broker's.
const MAX_CONNECTIONS: usize = 4;

/// Un-acked publishes at a time.
const WINDOW: u16 = 100;

/// A connection for each resend: none is left behind, and nothing in it, when the broker is away.
pub(crate) struct OverMqtt {
    url: BrokerUrl,
    seats: Semaphore,
}

impl OverMqtt {
    pub(crate) fn new(url: BrokerUrl) -> Self {
        Self { url, seats: Semaphore::new(MAX_CONNECTIONS) }
    }
}

#[async_trait]
impl Publisher for OverMqtt {
    async fn publish(&self, series: &Series, payloads: Vec<Bytes>) -> anyhow::Result<()> {
        let _seat = self.seats.acquire().await?;
        let outbox = Outbox {
            url: self.url.clone(),
            client_id: "millrace-resend".into(),
            window: WINDOW,
            presence: None,
        };
        let messages = payloads.into_iter().map(|payload| (series.to_string(), payload)).collect();
        Ok(outbox.publish_all(messages).await?)
    }
}
