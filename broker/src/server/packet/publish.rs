//! PUBLISH.

use bytes::Bytes;

use super::properties::{self, Value, id};
use super::reader::Reader;
use super::{Fault, Frame, Qos, Reason, Version};
use crate::server::topic;

/// A message that a client publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) duplicate: bool,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// Empty where the alias stands for it.
    pub(crate) topic: String,
    /// 0 without acknowledgement.
    pub(crate) packet_id: u16,
    pub(crate) alias: Option<u16>,
    pub(crate) payload: Bytes,
    /// The size of the packet: what it may take of memory.
    pub(crate) bytes: usize,
    pub(crate) forwarded: Forwarded,
    /// Whether the payload is said to be text, and is not.
    pub(crate) not_the_text_it_says: bool,
}

/// What goes to subscribers beside topic and payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// Seconds after which the message is of no use.
    pub(crate) expiry: Option<u32>,
    /// The other properties as they came.
    pub(crate) properties: Bytes,
    pub(crate) is_text: bool,
}

impl Forwarded {
    /// Where the receiver answers, and by what the answer is known.
    pub(crate) fn request(response_topic: &str, correlation: &[u8], expiry: u32) -> Self {
        let mut properties = Vec::new();
        for (id, value) in
            [(id::RESPONSE_TOPIC, response_topic.as_bytes()), (id::CORRELATION_DATA, correlation)]
        {
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
            properties.push(id);
            properties.extend_from_slice(&length.to_be_bytes());
            properties.extend_from_slice(&value[..length.into()]);
        }
        Self { expiry: Some(expiry), properties: properties.into(), is_text: false }
    }
}

const PROPERTIES: [u8; 9] = [
    id::PAYLOAD_FORMAT,
    id::MESSAGE_EXPIRY,
    id::CONTENT_TYPE,
    id::RESPONSE_TOPIC,
    id::CORRELATION_DATA,
    id::TOPIC_ALIAS,
    id::SUBSCRIPTION_ID,
    id::USER,
    id::WILL_DELAY,
];

/// The properties of a PUBLISH, or of a will, which has a delay and no alias.
pub(super) fn read_forwarded(
    reader: &mut Reader<'_>,
    is_will: bool,
) -> Result<(Forwarded, Option<u32>), Fault> {
    let without: &[u8] = if is_will { &[id::TOPIC_ALIAS, id::SUBSCRIPTION_ID] } else { &[id::WILL_DELAY] };
    let allowed = PROPERTIES.map(|id| if without.contains(&id) { id::USER } else { id });
    let (mut forwarded, mut other) = (Forwarded::default(), None);
    let mut raw_properties = Vec::new();
    properties::read(reader, &allowed, |id, value, raw| {
        match id {
            id::MESSAGE_EXPIRY => forwarded.expiry = Some(value.number()),
            id::TOPIC_ALIAS | id::WILL_DELAY => other = Some(value.number()),
            // PUBLISH may have one, but not from a client [MQTT-3.3.4-6].
            id::SUBSCRIPTION_ID => return Err(Fault::protocol("a subscription identifier from a client")),
            _ => {
                forwarded.is_text |= id == id::PAYLOAD_FORMAT && value.flag()?;
                check_response_topic(id, &value)?;
                raw_properties.extend_from_slice(raw);
            }
        }
        Ok(())
    })?;
    forwarded.properties = raw_properties.into();
    Ok((forwarded, other))
}

fn check_response_topic(id: u8, value: &Value<'_>) -> Result<(), Fault> {
    if id == id::RESPONSE_TOPIC && !topic::is_topic(value.text()) {
        return Err(Fault::protocol("the response topic is not a topic"));
    }
    Ok(())
}

pub(super) fn read(frame: &Frame, version: Version) -> Result<Publish, Fault> {
    let qos = Qos::from_bits(frame.first >> 1)?;
    let duplicate = frame.first & 8 != 0;
    if duplicate && qos == Qos::AtMostOnce {
        return Err(Fault::malformed("a duplicate with quality of service 0"));
    }
    let mut reader = Reader::new(&frame.body);
    let topic = reader.text()?.to_owned();
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { reader.packet_id()? };
    let (forwarded, alias) = match version {
        Version::V5 => read_forwarded(&mut reader, false)?,
        _ => (Forwarded::default(), None),
    };
    let alias = alias.and_then(|alias| u16::try_from(alias).ok());
    check_topic(&topic, alias)?;
    let payload = reader.remaining();
    let not_the_text_it_says = forwarded.is_text && std::str::from_utf8(&payload).is_err();
    let retain = frame.first & 1 != 0;
    Ok(Publish {
        duplicate,
        qos,
        retain,
        topic,
        packet_id,
        alias,
        payload,
        bytes: frame.body.len(),
        forwarded,
        not_the_text_it_says,
    })
}

fn check_topic(topic: &str, alias: Option<u16>) -> Result<(), Fault> {
    match alias {
        Some(0) => Err(Fault::new(Reason::TOPIC_ALIAS_INVALID, "the topic alias is 0")),
        Some(_) if topic.is_empty() => Ok(()),
        None if topic.is_empty() => Err(Fault::protocol("PUBLISH has neither a topic nor an alias")),
        _ if !topic::is_topic(topic) => {
            Err(Fault::new(Reason::TOPIC_INVALID, "the topic contains a wildcard"))
        }
        _ => Ok(()),
    }
}
