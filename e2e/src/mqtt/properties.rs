//! The properties of MQTT 5 (section 2.2.2).

use super::packets::{text, varint};

/// The identifiers of properties (table 2-4).
pub mod property {
    pub const PAYLOAD_FORMAT: u8 = 0x01;
    pub const MESSAGE_EXPIRY: u8 = 0x02;
    pub const CONTENT_TYPE: u8 = 0x03;
    pub const RESPONSE_TOPIC: u8 = 0x08;
    pub const CORRELATION_DATA: u8 = 0x09;
    pub const SUBSCRIPTION_ID: u8 = 0x0B;
    pub const SESSION_EXPIRY: u8 = 0x11;
    pub const ASSIGNED_CLIENT_ID: u8 = 0x12;
    pub const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub const AUTHENTICATION_METHOD: u8 = 0x15;
    pub const AUTHENTICATION_DATA: u8 = 0x16;
    pub const REQUEST_PROBLEM: u8 = 0x17;
    pub const WILL_DELAY: u8 = 0x18;
    pub const REQUEST_RESPONSE: u8 = 0x19;
    pub const RESPONSE_INFORMATION: u8 = 0x1A;
    pub const SERVER_REFERENCE: u8 = 0x1C;
    pub const REASON_STRING: u8 = 0x1F;
    pub const RECEIVE_MAXIMUM: u8 = 0x21;
    pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub const TOPIC_ALIAS: u8 = 0x23;
    pub const MAXIMUM_QOS: u8 = 0x24;
    pub const RETAIN_AVAILABLE: u8 = 0x25;
    pub const USER: u8 = 0x26;
    pub const MAXIMUM_PACKET_SIZE: u8 = 0x27;
    pub const WILDCARD_AVAILABLE: u8 = 0x28;
    pub const SUBSCRIPTION_IDS_AVAILABLE: u8 = 0x29;
    pub const SHARED_AVAILABLE: u8 = 0x2A;
}

/// Properties to be sent, without their length; nothing is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(pub Vec<u8>);

impl Properties {
    #[must_use]
    pub fn byte(self, id: u8, value: u8) -> Self {
        self.with(id, &[value])
    }

    #[must_use]
    pub fn two(self, id: u8, value: u16) -> Self {
        self.with(id, &value.to_be_bytes())
    }

    #[must_use]
    pub fn four(self, id: u8, value: u32) -> Self {
        self.with(id, &value.to_be_bytes())
    }

    #[must_use]
    pub fn variable(self, id: u8, value: u32) -> Self {
        self.with(id, &varint(value))
    }

    /// A string or binary data.
    #[must_use]
    pub fn text(self, id: u8, value: impl AsRef<[u8]>) -> Self {
        self.with(id, &text(value))
    }

    #[must_use]
    pub fn user(self, name: &str, value: &str) -> Self {
        self.with(property::USER, &[text(name), text(value)].concat())
    }

    /// Any identifier with any bytes.
    #[must_use]
    pub fn with(mut self, id: u8, value: &[u8]) -> Self {
        self.0.push(id);
        self.0.extend(value);
        self
    }

    /// With their length in front, as they stand in a packet.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        [varint(self.0.len() as u32), self.0.clone()].concat()
    }
}

/// A property that came: its identifier and its value's bytes, for a string or binary data without the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub id: u8,
    pub value: Vec<u8>,
}

impl Property {
    /// The value of a number of one, two or four bytes, or of variable length (which is read as four).
    #[must_use]
    pub fn number(&self) -> u32 {
        self.value.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}

/// How the value of a property is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bytes(usize),
    Variable,
    Text,
    Pair,
}

/// How it is written, and the packet types of a server in which it may stand (table 2-4).
pub(super) fn form(id: u8) -> Option<(Form, &'static [u8])> {
    use property as p;
    const CONNACK: &[u8] = &[2];
    const PUBLISH: &[u8] = &[3];
    Some(match id {
        p::PAYLOAD_FORMAT => (Form::Bytes(1), PUBLISH),
        p::MESSAGE_EXPIRY => (Form::Bytes(4), PUBLISH),
        p::CONTENT_TYPE | p::RESPONSE_TOPIC | p::CORRELATION_DATA => (Form::Text, PUBLISH),
        p::SUBSCRIPTION_ID => (Form::Variable, PUBLISH),
        p::TOPIC_ALIAS => (Form::Bytes(2), PUBLISH),
        p::SESSION_EXPIRY | p::MAXIMUM_PACKET_SIZE => (Form::Bytes(4), CONNACK),
        p::ASSIGNED_CLIENT_ID | p::RESPONSE_INFORMATION => (Form::Text, CONNACK),
        p::SERVER_KEEP_ALIVE | p::RECEIVE_MAXIMUM | p::TOPIC_ALIAS_MAXIMUM => (Form::Bytes(2), CONNACK),
        p::AUTHENTICATION_METHOD | p::AUTHENTICATION_DATA => (Form::Text, &[2, 15]),
        p::SERVER_REFERENCE => (Form::Text, &[2, 14]),
        p::REASON_STRING => (Form::Text, &[2, 4, 5, 6, 7, 9, 11, 14, 15]),
        p::MAXIMUM_QOS
        | p::RETAIN_AVAILABLE
        | p::WILDCARD_AVAILABLE
        | p::SUBSCRIPTION_IDS_AVAILABLE
        | p::SHARED_AVAILABLE => (Form::Bytes(1), CONNACK),
        p::USER => (Form::Pair, &[2, 3, 4, 5, 6, 7, 9, 11, 14, 15]),
        _ => return None,
    })
}
