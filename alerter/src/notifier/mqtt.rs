//! Publishes alerts to `alerts/<rule>/<device>` at QoS 1, not retained.
//!
//! One publish a notification: `{"id", "status": "firing" | "still" | "resolved", "rule", "severity", "device", "metric",
//! "condition", "threshold", "value", "value_word", "unit", "began_at", "opened_at", "judged_at", "peak", "peak_word", "peak_at",
//! "resolved_at", "resolved_value", "resolved_value_word"}`. A `…_word` is the word for the number before it, such as "open".
//! Times are RFC 3339 in UTC; what is not known is null. A repeated publish has the same `id` and
//! `status`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use broker::BrokerUrl;
use bytes::Bytes;
use serde_json::{Value, json};
use store::{Incident, Notification, NotificationKind, OutgoingMessage};
use telemetry::{Inputs, Words};
use tokio::sync::watch;

use super::{Notifier, PerhapsAccepted, SendError};

use crate::message::words;
use crate::rules::Rules;

/// How long the broker may take for all of a message; what it has not acked by then is published again.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A connection for every message: none is left behind, and nothing in it, when the broker is away.
pub struct Mqtt {
    /// The broker to publish to.
    pub url: BrokerUrl,
    /// Different for everyone who publishes to this broker.
    pub client_id: String,
    /// The rules that have words for values.
    pub inputs: watch::Receiver<Arc<Inputs>>,
}

#[async_trait]
impl Notifier for Mqtt {
    async fn send(&self, message: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        let outbox = broker::OutboxConfig::new(self.url.clone(), &self.client_id);
        let words = self.inputs.borrow().mappings().words();
        let all = message.notifications.iter().map(|(notification, incident)| {
            let topic = format!("alerts/{}/{}", incident.rule, incident.device);
            (topic, Bytes::from(payload(notification, incident, &words).to_string()))
        });
        match tokio::time::timeout(TIMEOUT, outbox.publish_once(all.collect())).await {
            Ok(published) => {
                published.map(|()| None).context("publish an alert").map_err(SendError::Permanent)
            }
            Err(_) => Err(SendError::Transient(
                anyhow!("no PUBACK from the broker within {TIMEOUT:?}").context(PerhapsAccepted),
            )),
        }
    }
}

fn payload(notification: &Notification, incident: &Incident, words: &Words) -> Value {
    let status = match notification.kind {
        NotificationKind::Opened => "firing",
        NotificationKind::Reminder => "still",
        NotificationKind::Resolved => "resolved",
    };
    let word = |value: Option<f64>| value.and_then(|value| words::word(value, incident, words));
    json!({
        "id": incident.id,
        "status": status,
        "rule": incident.rule,
        "severity": words::severity(incident.severity),
        "device": incident.device,
        "metric": incident.metric,
        "condition": incident.condition.text,
        "threshold": incident.condition.threshold,
        "value": incident.value,
        "value_word": word(incident.value),
        "unit": incident.unit,
        "began_at": incident.began_at,
        "opened_at": incident.opened_at,
        "judged_at": incident.judged_at,
        "peak": incident.peak,
        "peak_word": word(incident.peak),
        "peak_at": incident.peak_at,
        "resolved_at": incident.resolved_at,
        "resolved_value": incident.resolved_value,
        "resolved_value_word": word(incident.resolved_value),
    })
}
