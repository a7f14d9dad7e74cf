//! Corrected payloads are published as if by a device.

use std::sync::Arc;

use anyhow::Context as _;
use api::ReadingPublisher;
use async_trait::async_trait;
use bytes::Bytes;
use telemetry::Series;

use crate::hub::Hub;

/// Hands readings to the hub, past the broker: MQTT subscribers must not take an old reading for a new one.
pub(crate) struct ToHub(pub(crate) Arc<Hub>);

#[async_trait]
impl ReadingPublisher for ToHub {
    async fn publish(&self, series: &Series, payloads: Vec<Bytes>) -> anyhow::Result<()> {
        let (hub, topic) = (self.0.clone(), series.clone());
        // In a task of its own: a caller that stops waiting must not cancel it.
        let handed = tokio::spawn(async move { hub.publish(topic.as_str(), payloads).await });
        handed.await.context("hand it to the hub")
    }
}
