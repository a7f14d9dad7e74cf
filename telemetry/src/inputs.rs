//! What is taken of all that is published, and by which rules it is read: the door of both shapes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::announcements::Announcements;
use crate::filter::covers;
use crate::hash::fnv1a_64_of_parts;
use crate::limits::MAX_PAYLOAD_BYTES;
use crate::mapping::{Mapped, Mappings, Publisher, begins_with_a_word, word_of};
use crate::message::Message;
use crate::series::{CollectedMetrics, Series};
use crate::uplink::{self, UPLINK, uplink_edge};

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
    /// What devices announced, by which their later messages are read.
    announcements: Arc<Announcements>,
}

impl Inputs {
    /// Takes these metrics in Millrace's own format, and what the mappings read.
    #[must_use]
    pub fn new(metrics: CollectedMetrics, mappings: Mappings) -> Self {
        Self { metrics, mappings, announcements: Arc::default() }
    }

    /// The same inputs, which know what is announced here, too.
    #[must_use]
    pub fn with_announcements(self, announcements: Arc<Announcements>) -> Self {
        Self { announcements, ..self }
    }

    /// The same inputs with other rules. What devices announced is still known.
    #[must_use]
    pub fn with_mappings(&self, mappings: Mappings) -> Self {
        Self { metrics: self.metrics.clone(), mappings, announcements: Arc::clone(&self.announcements) }
    }

    /// A number that differs where messages may be read differently.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let rules = self.mappings.hash().to_be_bytes();
        fnv1a_64_of_parts(self.metrics.names().map(str::as_bytes).chain([rules.as_slice()]))
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
            Way::Forwarded(edge) => Mapped::Read(uplink::decode(message, edge)),
            Way::Own => Mapped::Read(message.decode_at(now)),
            Way::Ignored => Mapped::Ignored(None),
            Way::Rules => match self.mappings.decode(message, publisher, &self.announcements, now) {
                Mapped::Unmapped if self.metrics.are_all() => own_format(message, now),
                mapped => mapped,
            },
        }
    }

    /// Whether messages on this topic may hold readings. Others need not be looked at.
    #[must_use]
    pub fn may_hold_readings(&self, topic: &str) -> bool {
        match self.way(topic) {
            Way::Own | Way::Forwarded(_) => true,
            Way::Ignored => false,
            // What no rule reads is looked at, too: it may be in the own format, and a person wants to see it.
            Way::Rules => !topic.starts_with('$') || self.mappings.rule(topic).is_some(),
        }
    }

    fn way<'a>(&self, topic: &'a str) -> Way<'a> {
        if self.mappings.has_own_rule(topic) {
            return Way::Rules;
        }
        if self.is_collected(topic) {
            return Way::Own;
        }
        let first = topic.split('/').next().unwrap_or_default();
        match uplink_edge(topic) {
            Some(edge) => Way::Forwarded(edge),
            None if RESERVED.contains(&first) => Way::Ignored,
            None => Way::Rules,
        }
    }

    /// Whether a topic is surely meant for Millrace's own format.
    fn is_collected(&self, topic: &str) -> bool {
        if self.metrics.are_all() { begins_with_a_word(topic) } else { self.metrics.collect(topic) }
    }

    /// MQTT filters for all that may hold readings: everything, unless there is a list of metrics.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        let forwarded = std::iter::once(format!("{UPLINK}/#"));
        let mut filters: Vec<String> =
            self.metrics.filters().chain(self.mappings.filters()).chain(forwarded).collect();
        filters.sort();
        filters.dedup();
        let all = filters.clone();
        filters.retain(|filter| !all.iter().any(|other| other != filter && covers(other, filter)));
        filters
    }

    /// The metrics that are read in Millrace's own format.
    #[must_use]
    pub fn metrics(&self) -> &CollectedMetrics {
        &self.metrics
    }

    /// What devices announced.
    #[must_use]
    pub fn announcements(&self) -> &Announcements {
        &self.announcements
    }

    /// The rules beside Millrace's own format.
    #[must_use]
    pub fn mappings(&self) -> &Mappings {
        &self.mappings
    }
}

/// How a message is read.
enum Way<'a> {
    /// As what this edge forwards.
    Forwarded(&'a str),
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
            Mapped::Ignored(_) => "ignored".into(),
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
    fn filters_are_for_all_that_is_read_and_for_nothing_twice() {
        assert_eq!(Inputs::default().filters(), ["#"]);
        let filters = |rules: &str| {
            let metrics = vec!["temperature".to_owned(), "co2".to_owned()].try_into().unwrap();
            Inputs::new(metrics, Mappings::read(rules).unwrap()).filters()
        };
        let rules = "use = []\n[[rule]]\ntopic = \"a/{d}/x\"\ndevice = \"{d}\"\n[[rule]]\ntopic = \"a/{d...}\"\ndevice = \"{d}\"\n[[rule]]\ntopic = \"b/#\"\nignore = true";
        assert_eq!(filters(rules), ["a/#", "co2/#", "temperature/#", "uplink/#"]);
        let all = filters("");
        for expected in ["+/sensor/+/state", "tele/+/SENSOR", "zigbee2mqtt/#", "spBv1.0/+/+/#"] {
            assert!(all.iter().any(|filter| filter == expected), "{expected}: {all:?}");
        }
        assert!(all.len() < 100 && !all.iter().any(|filter| filter == "#"), "{all:?}");
    }

    #[test]
    fn a_filter_covers_what_is_narrower() {
        for (wide, narrow, expected) in [
            ("#", "a/b", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "a/#", true),
            ("a/+", "a/#", false),
            ("+/b", "a/b", true),
            ("a/b", "+/b", false),
            ("a/b", "a", false),
            ("a", "a/b", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn the_hash_differs_where_messages_are_read_differently() {
        let hash = |metrics: &[&str], rules| {
            let metrics: Vec<_> = metrics.iter().map(|&name| name.to_owned()).collect();
            Inputs::new(metrics.try_into().unwrap(), Mappings::read(rules).unwrap()).hash()
        };
        assert_eq!(hash(&[], ""), Inputs::default().hash());
        assert_ne!(hash(&["co2"], ""), hash(&[], ""));
        assert_ne!(hash(&[], "use = []"), hash(&[], ""));
        let other = Inputs::default().with_mappings(Mappings::read("use = []").unwrap());
        assert_eq!(hash(&[], "use = []"), other.hash());
    }

    #[test]
    fn a_rule_of_the_user_comes_before_everything() {
        let rules = "[[rule]]\ntopic = \"temperature/raw\"\nformat = \"text\"\ndevice = \"attic\"\nmetric = \"heat\"\n[[rule]]\ntopic = \"state/{d}\"\nformat=\"text\"\ndevice=\"{d}\"\nmetric=\"on\"";
        assert_eq!(decode(&["temperature"], rules, "temperature/raw", "5 C"), "heat/attic=5");
        assert_eq!(decode(&[], rules, "state/lamp", "ON"), "on/lamp=1");
        assert_eq!(decode(&[], rules, "temperature/lab", "5"), "temperature/lab=5");
    }
}
