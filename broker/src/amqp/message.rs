//! From what RabbitMQ delivers to a message.

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};
use telemetry::Message;
use tracing::warn;

use super::dedup::TimestampDeduplicator;
use super::fields::{Fields, Value};
use crate::published::Published;

/// The header with the time when the broker received the message, in milliseconds since 1970; no device can forge it.
const RECEIVED_AT: &[u8] = b"timestamp_in_ms";

/// The header with the number of earlier deliveries from a quorum queue.
const ACQUISITIONS: &[u8] = b"x-acquired-count";

/// The header with the MQTT client id of the publisher.
const CLIENT_ID: &[u8] = b"x-opt-mqtt-client-id";

/// Bytes of a client id that is kept, at most.
const MAX_CLIENT_ID_BYTES: usize = 256;

/// The flags of the properties before a message's headers, and of the headers: content type, its encoding, the headers.
const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;

/// The properties of a message that we use.
#[derive(Debug, Default, Clone)]
pub(super) struct Header {
    received_ms: Option<i64>,
    acquisitions: i64,
    client_id: Option<Box<str>>,
}

impl Header {
    /// Reads properties as AMQP lists them, from their flags on.
    pub(super) fn read(mut properties: Fields<'_>) -> Option<Self> {
        let flags = properties.u16()?;
        for before in [CONTENT_TYPE, CONTENT_ENCODING] {
            if flags & before != 0 {
                properties.short_string()?;
            }
        }
        let mut header = Self::default();
        if flags & HEADERS != 0 {
            let mut headers = properties.table()?;
            while !headers.is_empty() {
                match headers.entry()? {
                    (RECEIVED_AT, Value::Number(number)) => header.received_ms = Some(number),
                    (ACQUISITIONS, Value::Number(number)) => header.acquisitions = number,
                    (CLIENT_ID, Value::Text(text)) if text.len() <= MAX_CLIENT_ID_BYTES => {
                        header.client_id = std::str::from_utf8(text).ok().map(Box::from);
                    }
                    _ => {}
                }
            }
        }
        Some(header)
    }
}

/// Reads the messages of one connection.
#[derive(Debug, Default)]
pub(super) struct Reader {
    dedup: TimestampDeduplicator,
    warned: bool,
}

impl Reader {
    pub(super) fn read(&mut self, topic: String, header: Header, payload: Bytes) -> Published {
        let Header { received_ms, acquisitions, client_id } = header;
        let ms = received_ms.and_then(|ms| Some((ms, Timestamp::from_millisecond(ms).ok()?)));
        let received_at = match ms {
            Some((ms, received_at)) => {
                let micros = self.dedup.offset_micros(&topic, &payload, ms, acquisitions);
                received_at.saturating_add(i64::from(micros).microseconds()).unwrap_or(received_at)
            }
            None => self.now(),
        };
        Published { message: Message { topic, payload, received_at }, client_id }
    }

    #[allow(clippy::disallowed_methods, reason = "a stopgap for a broker that is not set up: it says so")]
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
/// publish to. A dot in a topic can no longer be distinguished from a slash.
pub(super) fn topic(routing_key: &[u8]) -> String {
    let levels = routing_key.iter().map(|byte| if *byte == b'.' { b'/' } else { *byte }).collect();
    // Over MQTT it is UTF-8; whatever else published it gets a topic that is rejected.
    String::from_utf8(levels).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::{Series, TopicError};

    fn stamped(ms: i64) -> Header {
        Header { received_ms: Some(ms), ..Header::default() }
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
            assert_eq!(super::topic(key.as_bytes()), topic);
            assert_eq!(Series::parse(topic).err(), error, "{key}");
        }
    }

    #[test]
    fn the_time_is_the_brokers_and_equal_messages_get_different_times() {
        let mut reader = Reader::default();
        let mut read = |payload: &'static str| {
            let message = reader.read("t/a".to_owned(), stamped(1_700_000_000_123), payload.into());
            message.received_at.as_microsecond()
        };
        assert_eq!(
            [read("1"), read("1"), read("2")],
            [1_700_000_000_123_000, 1_700_000_000_123_001, 1_700_000_000_123_000]
        );
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the reader takes the machine's own clock here")]
    fn without_a_usable_time_it_is_now() {
        let before = Timestamp::now();
        let mut reader = Reader::default();
        for header in [Header::default(), stamped(i64::MAX)] {
            assert!(reader.read("t/a".to_owned(), header, Bytes::new()).received_at >= before);
        }
        assert!(reader.warned);
    }
}
