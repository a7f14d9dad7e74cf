//! From what RabbitMQ delivers to a message.

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};
use lapin::types::{AMQPValue, FieldTable};
use telemetry::Message;
use tracing::warn;

use super::stamps::Stamps;

/// When the broker took it, in milliseconds since 1970; no device can forge it.
const RECEIVED_AT: &str = "timestamp_in_ms";

/// How often a quorum queue gave it to a consumer before.
const ACQUISITIONS: &str = "x-acquired-count";

/// Reads the messages of one connection.
#[derive(Debug, Default)]
pub(super) struct Reader {
    stamps: Stamps,
    warned: bool,
}

impl Reader {
    pub(super) fn read(
        &mut self,
        routing_key: &str,
        headers: Option<&FieldTable>,
        payload: Vec<u8>,
    ) -> Message {
        let topic = topic(routing_key);
        let ms =
            number(headers, RECEIVED_AT).and_then(|ms| Some((ms, Timestamp::from_millisecond(ms).ok()?)));
        let received_at = match ms {
            Some((ms, received_at)) => {
                let acquisitions = number(headers, ACQUISITIONS).unwrap_or_default();
                let micros = self.stamps.offset_micros(&topic, &payload, ms, acquisitions);
                received_at.saturating_add(i64::from(micros).microseconds()).unwrap_or(received_at)
            }
            None => self.now(),
        };
        Message { topic, payload: Bytes::from(payload), received_at }
    }

    fn now(&mut self) -> Timestamp {
        if !self.warned {
            self.warned = true;
            warn!(
                "messages bear no time of the broker, so a reading that comes again may be stored twice: set \
                 message_interceptors.incoming.set_header_timestamp.overwrite = true in rabbitmq.conf"
            );
        }
        Timestamp::now()
    }
}

/// The MQTT topic, as RabbitMQ's MQTT plugin translates it but for `*`: that one would become `+`, which no device can
/// publish to. A dot in a topic cannot be told from a slash any more.
fn topic(routing_key: &str) -> String {
    let mut topic = String::with_capacity(routing_key.len());
    topic.extend(routing_key.chars().map(|c| if c == '.' { '/' } else { c }));
    topic
}

fn number(headers: Option<&FieldTable>, name: &str) -> Option<i64> {
    match headers?.inner().get(name)? {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::LongInt(number) => Some((*number).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::{Topic, TopicError};

    fn stamped(ms: i64) -> FieldTable {
        let mut headers = FieldTable::default();
        headers.insert(RECEIVED_AT.into(), AMQPValue::LongLongInt(ms));
        headers
    }

    #[test]
    fn a_routing_key_reads_as_the_topic_it_was_published_to() {
        for (key, topic, error) in [
            ("temperature.site-a.rack_1", "temperature/site-a/rack_1", None),
            ("temperature", "temperature", Some(TopicError::NoDevice)),
            ("", "", Some(TopicError::EmptyLevel)),
            (".lab", "/lab", Some(TopicError::EmptyLevel)),
            ("temperature..lab", "temperature//lab", Some(TopicError::EmptyLevel)),
            ("temperature.a*b", "temperature/a*b", Some(TopicError::Character('*'))),
            ("temperature.lab 1", "temperature/lab 1", Some(TopicError::Character(' '))),
            ("temperature.grün", "temperature/grün", Some(TopicError::Character('ü'))),
        ] {
            let message = Reader::default().read(key, Some(&stamped(0)), vec![]);
            assert_eq!(message.topic, topic);
            assert_eq!(Topic::parse(topic).err(), error, "{key}");
        }
    }

    #[test]
    fn the_time_is_the_brokers_and_equal_messages_are_told_apart() {
        let mut reader = Reader::default();
        let headers = stamped(1_700_000_000_123);
        let mut read =
            |payload: &str| reader.read("t.a", Some(&headers), payload.into()).received_at.as_microsecond();
        assert_eq!(
            [read("1"), read("1"), read("2")],
            [1_700_000_000_123_000, 1_700_000_000_123_001, 1_700_000_000_123_000]
        );
    }

    #[test]
    fn without_a_usable_time_it_is_now() {
        let before = Timestamp::now();
        let mut reader = Reader::default();
        for headers in [None, Some(FieldTable::default()), Some(stamped(i64::MAX))] {
            assert!(reader.read("t.a", headers.as_ref(), vec![]).received_at >= before);
        }
        assert!(reader.warned);
    }
}
