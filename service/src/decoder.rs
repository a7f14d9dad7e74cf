//! Turns messages into readings: the one place where a payload is decoded, at the edge and in the cluster.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use telemetry::{Decoded, Inputs, Mapped, Message, Publisher, Unmapped, UnmappedGroup};
use tracing::info;

use crate::{Metrics, SettingError, Settings};

/// Decodes messages by the settings `metrics` and `inputs.mappings`.
#[derive(Debug, Clone)]
pub struct Decoder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    inputs: Arc<Inputs>,
    unmapped: Mutex<Unmapped>,
    ignored_count: Counter,
    unmapped_count: Counter,
}

impl Decoder {
    /// Decodes as the settings say, and counts what holds no readings.
    ///
    /// # Errors
    /// A setting is wrong, or the file of mappings is invalid.
    pub fn from_settings(settings: &Settings, metrics: &Metrics) -> Result<Self, SettingError> {
        Ok(Self::new(crate::inputs(settings)?, metrics))
    }

    /// Decodes by these inputs.
    #[must_use]
    pub fn new(inputs: Inputs, metrics: &Metrics) -> Self {
        let metrics = metrics.of("inputs");
        Self(Arc::new(Inner {
            inputs: Arc::new(inputs),
            unmapped: Mutex::default(),
            ignored_count: metrics.register("ignored", "Messages that a rule says to ignore"),
            unmapped_count: metrics.register("unmapped", "Messages that no rule reads"),
        }))
    }

    /// Whether messages on this topic may hold readings. Others need not be decoded.
    #[must_use]
    pub fn may_hold_readings(&self, topic: &str) -> bool {
        self.0.inputs.may_hold_readings(topic)
    }

    /// The readings and rejections in a message. There are none in a message that is ignored, nor in one that no rule
    /// reads, of which a sample is kept.
    #[must_use]
    pub fn decode(&self, message: &Message, publisher: Publisher<'_>) -> Decoded {
        match self.0.inputs.decode(message, publisher) {
            Mapped::Read(decoded) => return decoded,
            Mapped::Ignored => {
                self.0.ignored_count.inc();
            }
            Mapped::Unmapped => self.keep_sample(message),
        }
        Decoded {
            received_at: message.received_at,
            payload_bytes: message.payload.len(),
            readings: Vec::new(),
            rejected: Vec::new(),
        }
    }

    fn keep_sample(&self, message: &Message) {
        self.0.unmapped_count.inc();
        let Message { topic, payload, received_at } = message;
        if self.samples().add(topic, payload, *received_at) {
            info!(topic = cut(topic), "no rule reads this topic: millrace mappings suggest may find one");
        }
    }

    /// What no rule reads, by the first two levels of its topics, and how many messages are in none of these groups.
    #[must_use]
    pub fn unmapped(&self) -> (Vec<UnmappedGroup>, u64) {
        let samples = self.samples();
        (samples.groups(), samples.others())
    }

    /// How many groups of topics no rule reads.
    #[must_use]
    pub fn unmapped_groups(&self) -> usize {
        self.samples().len()
    }

    /// The rules in force.
    #[must_use]
    pub fn inputs(&self) -> &Arc<Inputs> {
        &self.0.inputs
    }

    fn samples(&self) -> MutexGuard<'_, Unmapped> {
        self.0.unmapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A topic may have 65,535 bytes, which is too much for a line.
fn cut(topic: &str) -> &str {
    &topic[..topic.floor_char_boundary(128)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_rule_reads_is_counted_and_sampled() {
        let decoder = Decoder::new(Inputs::default(), &Metrics::default());
        let decode = |topic: &str, payload: &'static [u8]| {
            let received_at = jiff::Timestamp::UNIX_EPOCH;
            let message = Message { topic: topic.into(), payload: payload.into(), received_at };
            decoder.decode(&message, Publisher::default()).count()
        };
        assert_eq!(decode("temperature/lab", b"21"), 1);
        assert_eq!(decode("house/mood/now", b"happy"), 0);
        assert_eq!(decode("house/mood/then", b"sad"), 0);
        assert_eq!(decode("tele/lab/INFO1", b"{}"), 0);
        let (groups, others) = decoder.unmapped();
        assert_eq!(
            (groups.len(), groups[0].count, groups[0].topic.as_str(), others),
            (1, 2, "house/mood/then", 0)
        );
        assert_eq!(decoder.unmapped_groups(), 1);
        assert_eq!((decoder.0.unmapped_count.get(), decoder.0.ignored_count.get()), (2, 1));
        assert!(decoder.may_hold_readings("house/mood") && !decoder.may_hold_readings("commands/lab"));
    }
}
