//! Messages that come in over HTTP: where they go, and what their acknowledgement means.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use telemetry::{Decoded, Inputs, Message, uplink_edge};

/// What it means that a message is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// It is stored, synced and evaluated.
    Stored,
    /// The broker has it, in a cluster on a majority of nodes.
    Accepted,
}

/// A message that came in over HTTP.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The message as a device would publish it.
    pub message: Message,
    /// How it is to be read.
    pub reading: ReadAs,
}

/// How a message is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadAs {
    /// By the rules, as any message.
    AnyFormat,
    /// In Millrace's own format: what that does not allow is rejected.
    OwnFormat,
    /// Not at all: it is no reading, for this reason.
    Wrong(String),
}

/// Messages of one request.
pub struct Incoming<'a> {
    /// The messages, in the order of the request.
    pub messages: Vec<Offered>,
    /// Why the sender may not send readings of a device on a topic; None where it may.
    pub objection: &'a (dyn Fn(&str, &str) -> Option<String> + Sync),
    /// What they take of the limits, which is dropped once they are acknowledged, however long that takes.
    pub charge: Box<dyn Send + Sync>,
}

/// What became of a message, once it is acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many readings there are in it.
    pub readings: usize,
    /// Whether each of them bears a time of its own, so that sending them again changes nothing.
    pub is_timed: bool,
    /// What is rejected.
    pub rejected: Vec<RejectedPart>,
}

/// A part of a message that is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedPart {
    /// The topic under which it is kept as rejected; none where it is not kept.
    pub kept_as: Option<(String, Timestamp)>,
    /// Why it is rejected.
    pub reason: String,
}

/// Messages that were taken, and the acknowledgement of all of them.
pub struct Taken {
    /// What becomes of each message.
    pub outcomes: Vec<Outcome>,
    /// Ends when all are acknowledged; an error where they never will be. To stop waiting changes nothing.
    pub acknowledged: Pin<Box<dyn Future<Output = Result<(), String>> + Send>>,
}

/// Takes messages as if devices had published them.
pub trait Intake: Send + Sync {
    /// What it means that messages are acknowledged.
    fn promise(&self) -> Promise;

    /// The time for the first of so many messages; each further one is a microsecond later. No time is given twice.
    fn stamp(&self, count: usize) -> Timestamp;

    /// Takes the messages of a request, to be acknowledged together.
    fn take_in(&self, incoming: Incoming<'_>) -> Taken;
}

impl Offered {
    /// Whether edges forward on this topic. They do so over MQTT, where it is known who they are, and nobody does over HTTP.
    #[must_use]
    pub fn is_of_an_edge(&self) -> bool {
        uplink_edge(&self.message.topic).is_some()
    }

    /// Reads the message, which `decode` reads by the rules: None where no rule does. What is meant for Millrace's own
    /// format and is not in it is rejected with its reason.
    #[must_use]
    pub fn read(&self, inputs: &Inputs, decode: impl FnOnce(&Message) -> Option<Decoded>) -> Option<Decoded> {
        if self.is_of_an_edge() {
            return None;
        }
        if let ReadAs::Wrong(reason) = &self.reading {
            return Some(self.message.clone().rejected(reason.clone()));
        }
        let decoded = decode(&self.message);
        if decoded.is_some() || self.reading == ReadAs::AnyFormat {
            return decoded;
        }
        let mut own = self.message.decode();
        if !own.readings.is_empty() {
            let names: Vec<_> = inputs.metrics().names().collect();
            let reason = format!("the metric is not collected: the setting metrics has {}", names.join(", "));
            own = self.message.clone().rejected(reason);
        }
        Some(own)
    }
}

impl Outcome {
    /// The outcome of a message of which this was read.
    #[must_use]
    pub fn of(decoded: &Decoded) -> Self {
        let first = decoded.received_at;
        let last = first + Duration::from_micros(decoded.count() as u64);
        let is_stamped = |measured_at: Timestamp| (first..last).contains(&measured_at);
        let rejected = decoded.rejected.iter().map(|rejected| RejectedPart {
            kept_as: Some((rejected.topic.clone(), rejected.received_at)),
            reason: rejected.reason.clone(),
        });
        Self {
            readings: decoded.readings.len(),
            is_timed: !decoded.readings.iter().any(|reading| is_stamped(reading.measured_at)),
            rejected: rejected.collect(),
        }
    }

    /// The outcome of a message that no rule reads, or that a rule says to ignore.
    #[must_use]
    pub fn unread(topic: &str, may_hold_readings: bool) -> Self {
        let reason = if may_hold_readings {
            format!("no rule reads the topic {topic}, or one says to ignore it: see millrace mappings try")
        } else {
            format!("the topic {topic} is not for readings")
        };
        Self { rejected: vec![RejectedPart { kept_as: None, reason }], ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(topic: &str, payload: &str, reading: ReadAs) -> Offered {
        let payload = payload.as_bytes().to_vec().into();
        let received_at = Timestamp::from_microsecond(1_768_473_000_000_000).unwrap();
        Offered { message: Message { topic: topic.into(), payload, received_at }, reading }
    }

    fn outcome(offered: &Offered) -> Outcome {
        let inputs = Inputs::default();
        let read = offered.read(&inputs, |message| Some(message.decode()));
        read.map_or_else(Outcome::default, |decoded| Outcome::of(&decoded))
    }

    #[test]
    fn a_reading_without_a_time_is_not_timed() {
        let timed = |payload| outcome(&offered("temperature/lab", payload, ReadAs::AnyFormat)).is_timed;
        assert!(!timed("23.5"));
        assert!(!timed(r#"[{"value": 1, "measured_at": 1768473000000}, {"value": 2, "boot": 1, "seq": 2}]"#));
        assert!(timed(r#"{"value": 1, "measured_at": 1768472000000}"#));
    }

    #[test]
    fn what_is_meant_for_the_own_format_is_rejected_where_no_rule_reads_it() {
        let inputs = Inputs::default();
        let read = |reading| offered("cpu/lab", "high", reading).read(&inputs, |_| None);
        assert_eq!(read(ReadAs::AnyFormat), None);
        let rejected = read(ReadAs::OwnFormat).unwrap().rejected;
        assert!(rejected[0].reason.contains("not JSON"), "{rejected:?}");
        let wrong = read(ReadAs::Wrong("it names no device".into())).unwrap();
        assert_eq!(wrong.rejected[0].reason, "it names no device");
        let of_an_edge = offered("uplink/site-a", "1", ReadAs::OwnFormat);
        assert_eq!(of_an_edge.read(&inputs, |message| Some(message.decode())), None);
    }
}
