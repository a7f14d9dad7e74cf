//! What is taken of all that is published, and by which rules it is read: the door of both shapes.

use jiff::Timestamp;

use crate::limits::MAX_PAYLOAD_BYTES;
use crate::mapping::{Births, Mapped, Mappings, Publisher, is_well_known, word_of};
use crate::message::Message;
use crate::series::{CollectedMetrics, Series};

/// First levels of topics that carry no readings: commands and answers of devices, alerts, and what edges forward.
pub const RESERVED: [&str; 5] = ["commands", "results", "state", "uplink", "alerts"];

/// Decides for each message whether it holds readings, and reads them.
///
/// A user's rule comes first, then Millrace's own format on a metric that is collected, then the presets, and at last
/// the own format on any metric. What is left is unmapped.
#[derive(Debug, Default)]
pub struct Inputs {
    metrics: CollectedMetrics,
    mappings: Mappings,
    /// What Sparkplug devices announced, by which their later messages are read.
    births: Births,
}

impl Inputs {
    /// Takes these metrics in Millrace's own format, and what the mappings read.
    #[must_use]
    pub fn new(metrics: CollectedMetrics, mappings: Mappings) -> Self {
        Self { metrics, mappings, births: Births::default() }
    }

    /// Reads a message. What Millrace's own format does not allow on a metric that is collected is rejected with its
    /// reason.
    #[must_use]
    pub fn decode(&self, message: &Message, publisher: Publisher<'_>) -> Mapped {
        self.decode_at(message, publisher, message.received_at)
    }

    /// As [`decode`](Self::decode), by a clock that shows another time than when the message was received.
    #[must_use]
    pub fn decode_at(&self, message: &Message, publisher: Publisher<'_>, now: Timestamp) -> Mapped {
        match self.way(&message.topic) {
            Way::Own => Mapped::Read(message.decode_at(now)),
            Way::Ignored => Mapped::Ignored,
            Way::Rules => match self.mappings.decode(message, publisher, &self.births, now) {
                Mapped::Unmapped if self.metrics.are_all() => own_format(message, now),
                mapped => mapped,
            },
        }
    }

    /// Whether messages on this topic may hold readings. Others need not be looked at.
    #[must_use]
    pub fn may_hold_readings(&self, topic: &str) -> bool {
        match self.way(topic) {
            Way::Own => true,
            Way::Ignored => false,
            // What no rule reads is looked at, too: it may be in the own format, and a person wants to see it.
            Way::Rules => !topic.starts_with('$') || self.mappings.rule(topic).is_some(),
        }
    }

    fn way(&self, topic: &str) -> Way {
        if self.mappings.has_own_rules() && matches!(self.mappings.rule(topic), Some((None, _))) {
            return Way::Rules;
        }
        let first = topic.split('/').next().unwrap_or_default();
        if self.is_collected(topic, first) {
            return Way::Own;
        }
        if RESERVED.contains(&first) { Way::Ignored } else { Way::Rules }
    }

    /// Whether a topic is surely meant for Millrace's own format.
    fn is_collected(&self, topic: &str, first: &str) -> bool {
        if self.metrics.are_all() { is_well_known(first) } else { self.metrics.collect(topic) }
    }

    /// The metrics that are read in Millrace's own format.
    #[must_use]
    pub fn metrics(&self) -> &CollectedMetrics {
        &self.metrics
    }

    /// The rules beside Millrace's own format.
    #[must_use]
    pub fn mappings(&self) -> &Mappings {
        &self.mappings
    }
}

/// How a message is read.
enum Way {
    /// In Millrace's own format, and no other.
    Own,
    /// By the rules, and if there is none perhaps in Millrace's own format.
    Rules,
    Ignored,
}

/// A metric that is not known well: only good readings say that it is one. `Temp/lab` is the `temperature` of `lab`.
fn own_format(message: &Message, now: Timestamp) -> Mapped {
    if message.payload.len() > MAX_PAYLOAD_BYTES || Series::parse(&message.topic).is_err() {
        return Mapped::Unmapped;
    }
    let canonical = message.topic.split_once('/').and_then(|(metric, device)| {
        word_of(metric).map(|word| Message { topic: format!("{}/{device}", word.metric), ..message.clone() })
    });
    let decoded = canonical.as_ref().unwrap_or(message).decode_at(now);
    if decoded.readings.is_empty() { Mapped::Unmapped } else { Mapped::Read(decoded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(metrics: &[&str], rules: &str, topic: &str, payload: &str) -> String {
        let metrics: Vec<_> = metrics.iter().map(|&name| name.to_owned()).collect();
        let inputs = Inputs::new(metrics.try_into().unwrap(), Mappings::read(rules).unwrap());
        let message = Message {
            topic: topic.into(),
            payload: payload.to_owned().into(),
            received_at: "2026-11-29T12:00:00Z".parse().unwrap(),
        };
        match inputs.decode(&message, Publisher::default()) {
            Mapped::Ignored => "ignored".into(),
            Mapped::Unmapped => "unmapped".into(),
            Mapped::Read(decoded) => match (decoded.readings.first(), decoded.rejected.first()) {
                (Some(reading), _) => format!("{}={}", reading.series, reading.value),
                (None, Some(_)) => "rejected".into(),
                (None, None) => "nothing".into(),
            },
        }
    }

    #[test]
    fn every_metric_is_taken_unless_there_is_a_list() {
        for (topic, payload, all, listed) in [
            ("temperature/lab", "21", "temperature/lab=21", "temperature/lab=21"),
            ("temperature/lab", "warm", "rejected", "rejected"),
            ("humidity2/lab", "{\"value\":4}", "humidity2/lab=4", "unmapped"),
            ("humidity2/lab", "{\"temp\":4}", "unmapped", "unmapped"),
            ("lab/temperature", "21", "temperature/lab=21", "temperature/lab=21"),
            ("alerts/hot/lab", "{\"value\":1}", "ignored", "ignored"),
            ("commands/lab", "1", "ignored", "ignored"),
            ("tele/lab/LWT", "Online", "online/lab=1", "online/lab=1"),
            ("$SYS/broker/uptime", "5", "unmapped", "unmapped"),
            ("single", "5", "unmapped", "unmapped"),
            ("Temp/lab", "21", "temperature/lab=21", "unmapped"),
            ("co2/office/desk", "415", "co2/office/desk=415", "unmapped"),
        ] {
            assert_eq!(decode(&[], "", topic, payload), all, "{topic} {payload}");
            assert_eq!(
                decode(&["temperature"], "", topic, payload),
                listed,
                "{topic} {payload}, with a list"
            );
        }
    }

    #[test]
    fn a_rule_of_the_user_comes_before_everything() {
        let rules = "[[rule]]\ntopic = \"temperature/raw\"\nformat = \"text\"\ndevice = \"attic\"\nmetric = \"heat\"\n[[rule]]\ntopic = \"state/{d}\"\nformat=\"text\"\ndevice=\"{d}\"\nmetric=\"on\"";
        assert_eq!(decode(&["temperature"], rules, "temperature/raw", "5 C"), "heat/attic=5");
        assert_eq!(decode(&[], rules, "state/lamp", "ON"), "on/lamp=1");
        assert_eq!(decode(&[], rules, "temperature/lab", "5"), "temperature/lab=5");
    }
}
