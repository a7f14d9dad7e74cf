//! The packets of MQTT 3.1, 3.1.1 and 5.0, as a server reads and writes them.

mod acknowledge;
mod connect;
mod encode;
mod frame;
mod properties;
mod publish;
mod reader;
mod reason;
mod subscribe;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub(crate) use acknowledge::{Acknowledgement, Disconnect};
pub(crate) use connect::Connect;
pub(crate) use encode::{Connack, Encoder, Message, Written};
pub(crate) use frame::{Frame, frame};
pub(crate) use publish::{Forwarded, Publish};
pub(crate) use reason::{Fault, Reason};
pub(crate) use subscribe::{Filter, Options, RetainHandling, Subscribe, Unsubscribe};

/// The version of the protocol that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V31,
    V311,
    V5,
}

/// The quality of service of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::enum_variant_names, reason = "MQTT calls them so")]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

impl Qos {
    pub(crate) fn from_bits(bits: u8) -> Result<Self, Fault> {
        match bits & 3 {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(Fault::malformed("the quality of service is 3")),
        }
    }
}

/// A packet of a connected client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    Publish(Publish),
    Puback(Acknowledgement),
    Pubrec(Acknowledgement),
    Pubrel(Acknowledgement),
    Pubcomp(Acknowledgement),
    Subscribe(Subscribe),
    Unsubscribe(Unsubscribe),
    Pingreq,
    Disconnect(Disconnect),
}

const CONNECT: u8 = 1;

/// Reads the CONNECT that must come first.
pub(crate) fn read_connect(frame: &Frame) -> Result<Connect, Fault> {
    match frame.kind() {
        CONNECT => connect::read(frame),
        _ => Err(Fault::protocol("the first packet is not a CONNECT")),
    }
}

/// Reads any packet that may come after CONNECT.
pub(crate) fn read(frame: &Frame, version: Version) -> Result<Packet, Fault> {
    match frame.kind() {
        3 => publish::read(frame, version).map(Packet::Publish),
        4 => acknowledge::read(frame, version).map(Packet::Puback),
        5 => acknowledge::read(frame, version).map(Packet::Pubrec),
        6 => acknowledge::read(frame, version).map(Packet::Pubrel),
        7 => acknowledge::read(frame, version).map(Packet::Pubcomp),
        8 => subscribe::read(frame, version).map(Packet::Subscribe),
        10 => subscribe::read_unsubscribe(frame, version).map(Packet::Unsubscribe),
        12 => empty(frame).map(|()| Packet::Pingreq),
        14 => acknowledge::read_disconnect(frame, version).map(Packet::Disconnect),
        0 => Err(Fault::malformed("packet type 0 is reserved")),
        15 if version < Version::V5 => Err(Fault::malformed("packet type 15 is reserved")),
        15 => Err(Fault::protocol("AUTH without an authentication method in CONNECT")),
        CONNECT => Err(Fault::protocol("a second CONNECT")),
        _ => Err(Fault::protocol("a packet that only a server sends")),
    }
}

fn empty(frame: &Frame) -> Result<(), Fault> {
    frame.flags(0)?;
    if frame.body.is_empty() { Ok(()) } else { Err(Fault::malformed("PINGREQ has a body")) }
}

/// Whether a text may stand in a packet: no U+0000 [MQTT-1.5.4-2].
fn text(bytes: &[u8]) -> Result<&str, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) => Err(Fault::malformed("a string contains U+0000")),
        Err(_) => Err(Fault::malformed("a string is not UTF-8")),
    }
}

/// A part of a packet's memory.
fn part(body: &Bytes, part: &[u8]) -> Bytes {
    body.slice_ref(part)
}
