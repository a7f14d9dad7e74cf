//! The properties of MQTT 5 packets.

use super::Fault;
use super::reader::Reader;

/// The identifiers of the properties that a client may send.
pub(super) mod id {
    pub(in super::super) const PAYLOAD_FORMAT: u8 = 1;
    pub(in super::super) const MESSAGE_EXPIRY: u8 = 2;
    pub(in super::super) const CONTENT_TYPE: u8 = 3;
    pub(in super::super) const RESPONSE_TOPIC: u8 = 8;
    pub(in super::super) const CORRELATION_DATA: u8 = 9;
    pub(in super::super) const SUBSCRIPTION_ID: u8 = 11;
    pub(in super::super) const SESSION_EXPIRY: u8 = 17;
    pub(in super::super) const ASSIGNED_CLIENT_ID: u8 = 18;
    pub(in super::super) const SERVER_KEEP_ALIVE: u8 = 19;
    pub(in super::super) const AUTHENTICATION_METHOD: u8 = 21;
    pub(in super::super) const AUTHENTICATION_DATA: u8 = 22;
    pub(in super::super) const REQUEST_PROBLEM: u8 = 23;
    pub(in super::super) const WILL_DELAY: u8 = 24;
    pub(in super::super) const REQUEST_RESPONSE: u8 = 25;
    pub(in super::super) const REASON_STRING: u8 = 31;
    pub(in super::super) const RECEIVE_MAXIMUM: u8 = 33;
    pub(in super::super) const TOPIC_ALIAS_MAXIMUM: u8 = 34;
    pub(in super::super) const TOPIC_ALIAS: u8 = 35;
    pub(in super::super) const USER: u8 = 38;
    pub(in super::super) const MAXIMUM_PACKET_SIZE: u8 = 39;
}

/// What a property holds.
pub(super) enum Value<'a> {
    Number(u32),
    Text(&'a str),
    /// Bytes that only subscribers read.
    Opaque,
}

impl<'a> Value<'a> {
    pub(super) fn number(&self) -> u32 {
        if let Self::Number(number) = self { *number } else { 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// A number that must be 0 or 1.
    pub(super) fn flag(&self) -> Result<bool, Fault> {
        match self.number() {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::protocol("a property that is 0 or 1 has another value")),
        }
    }

    /// A number that must not be 0.
    pub(super) fn positive(&self) -> Result<u32, Fault> {
        match self.number() {
            0 => Err(Fault::protocol("a property that must not be 0 is 0")),
            number => Ok(number),
        }
    }
}

/// Reads the properties that come next, and hands each to `visit` with the bytes of which it is made.
///
/// Any but the user property may come once; one that this packet cannot have is refused.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    allowed: &[u8],
    mut visit: impl FnMut(u8, Value<'a>, &'a [u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let length = reader.variable()?;
    let mut section = reader.section(length as usize)?;
    let mut seen = 0u64;
    while !section.is_empty() {
        let before = section.rest();
        let id = section.byte()?;
        if id != id::USER {
            if !allowed.contains(&id) {
                return Err(Fault::malformed("a property that this packet cannot have"));
            }
            if seen & (1 << id) != 0 {
                return Err(Fault::protocol("a property is there twice"));
            }
            seen |= 1 << id;
        }
        let value = value(&mut section, id)?;
        let raw = &before[..before.len() - section.rest().len()];
        visit(id, value, raw)?;
    }
    Ok(())
}

fn value<'a>(reader: &mut Reader<'a>, id: u8) -> Result<Value<'a>, Fault> {
    Ok(match id {
        id::PAYLOAD_FORMAT | id::REQUEST_PROBLEM | id::REQUEST_RESPONSE => {
            Value::Number(reader.byte()?.into())
        }
        id::RECEIVE_MAXIMUM | id::TOPIC_ALIAS_MAXIMUM | id::TOPIC_ALIAS => {
            Value::Number(reader.two_bytes()?.into())
        }
        id::MESSAGE_EXPIRY | id::SESSION_EXPIRY | id::WILL_DELAY | id::MAXIMUM_PACKET_SIZE => {
            Value::Number(reader.four_bytes()?)
        }
        id::SUBSCRIPTION_ID => Value::Number(reader.variable()?),
        id::CONTENT_TYPE | id::RESPONSE_TOPIC | id::AUTHENTICATION_METHOD | id::REASON_STRING => {
            Value::Text(reader.text()?)
        }
        id::CORRELATION_DATA | id::AUTHENTICATION_DATA => {
            reader.binary()?;
            Value::Opaque
        }
        id::USER => {
            reader.text()?;
            reader.text()?;
            Value::Opaque
        }
        _ => return Err(Fault::malformed("an unknown property")),
    })
}
