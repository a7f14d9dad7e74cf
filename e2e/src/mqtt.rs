//! MQTT as the specification writes it, byte by byte: a writer that can also write what is forbidden, a strict reader, and a
//! client made of both. It shares nothing with the server or the libraries that it tests.

mod client;
mod exchange;
mod packets;
mod properties;
mod read;

pub use client::{Client, Closed, Endpoint};
pub use packets::{
    Connect, Publish, Subscribe, Will, ack, disconnect, packet, pingreq, text, unsubscribe, varint,
};
pub use properties::{Properties, Property, property};
pub use read::{Ack, Connack, Packet, Received, Suback, first_packet};

/// The protocol level of CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    V31 = 3,
    V311 = 4,
    V5 = 5,
}

impl Version {
    /// As the specification is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V31 => "3.1",
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        }
    }
}
