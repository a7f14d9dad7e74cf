//! The packets that a server sends.

use super::properties::id;
use super::{Qos, Reason, Version};

/// Writes packets behind each other, as one client can take them.
pub(crate) struct Encoder<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) written: &'a mut Written,
    pub(crate) version: Version,
    /// The largest packet that the client takes.
    pub(crate) most: usize,
    /// Whether the client wants to know the reasons of problems.
    pub(crate) wants_problems: bool,
}

/// How many packets were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) packets: u32,
    /// Those of them that are PUBLISH.
    pub(crate) publishes: u32,
}

/// What CONNACK says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connack<'a> {
    pub(crate) session_present: bool,
    pub(crate) session_expiry: Option<u32>,
    pub(crate) receive_maximum: u16,
    pub(crate) maximum_packet_size: u32,
    pub(crate) topic_alias_maximum: u16,
    /// Seconds that count instead of those in CONNECT.
    pub(crate) keep_alive: Option<u16>,
    pub(crate) assigned_client_id: Option<&'a str>,
}

/// A message on its way to one client.
#[derive(Debug, Clone)]
pub(crate) struct Message<'a> {
    pub(crate) duplicate: bool,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) topic: &'a str,
    pub(crate) packet_id: u16,
    pub(crate) alias: Option<u16>,
    pub(crate) expiry: Option<u32>,
    pub(crate) identifiers: &'a [u32],
    pub(crate) properties: &'a [u8],
    pub(crate) payload: &'a [u8],
}

const SUCCESSFUL_PUBACK: u8 = 0x40;

impl Encoder<'_> {
    /// False if the packet is larger than what the client takes: then nothing was written.
    pub(crate) fn connack(&mut self, connack: &Connack<'_>) -> bool {
        // MQTT 3.1 has nothing there.
        let session_present = connack.session_present && self.version > Version::V31;
        let mut body = vec![u8::from(session_present), 0];
        if self.version == Version::V5 {
            let mut properties = Vec::new();
            if let Some(expiry) = connack.session_expiry {
                four(&mut properties, id::SESSION_EXPIRY, expiry);
            }
            two(&mut properties, id::RECEIVE_MAXIMUM, connack.receive_maximum);
            four(&mut properties, id::MAXIMUM_PACKET_SIZE, connack.maximum_packet_size);
            two(&mut properties, id::TOPIC_ALIAS_MAXIMUM, connack.topic_alias_maximum);
            if let Some(keep_alive) = connack.keep_alive {
                two(&mut properties, id::SERVER_KEEP_ALIVE, keep_alive);
            }
            if let Some(client_id) = connack.assigned_client_id {
                text(&mut properties, id::ASSIGNED_CLIENT_ID, client_id);
            }
            variable(&mut body, properties.len());
            body.append(&mut properties);
        }
        self.packet(0x20, &body)
    }

    /// The client may not connect.
    pub(crate) fn refusal(&mut self, reason: Reason, why: &str) {
        match self.version {
            Version::V5 => self.reasoned(0x20, &[0, reason.0], Some(why)),
            _ => {
                self.packet(0x20, &[0, reason.before_v5()]);
            }
        }
    }

    pub(crate) fn puback(&mut self, packet_id: u16, reason: Reason, why: &str) {
        self.acknowledgement(SUCCESSFUL_PUBACK, packet_id, reason, why);
    }

    pub(crate) fn pubrec(&mut self, packet_id: u16, reason: Reason, why: &str) {
        self.acknowledgement(0x50, packet_id, reason, why);
    }

    pub(crate) fn pubrel(&mut self, packet_id: u16, reason: Reason) {
        self.acknowledgement(0x62, packet_id, reason, "");
    }

    pub(crate) fn pubcomp(&mut self, packet_id: u16, reason: Reason) {
        self.acknowledgement(0x70, packet_id, reason, "");
    }

    fn acknowledgement(&mut self, first: u8, packet_id: u16, reason: Reason, why: &str) {
        let [high, low] = packet_id.to_be_bytes();
        if reason == Reason::SUCCESS || self.version < Version::V5 {
            self.written.packets += 1;
            self.out.extend_from_slice(&[first, 2, high, low]);
        } else {
            let why = (self.wants_problems && !why.is_empty()).then_some(why);
            self.reasoned(first, &[high, low, reason.0], why);
        }
    }

    /// False if the packet is larger than what the client takes: then nothing was written.
    pub(crate) fn suback(&mut self, packet_id: u16, reasons: &[Reason]) -> bool {
        let v3 = |reason: &Reason| if reason.is_failure() { 0x80 } else { reason.0 };
        let mut body = packet_id.to_be_bytes().to_vec();
        if self.version == Version::V5 {
            body.push(0);
            body.extend(reasons.iter().map(|reason| reason.0));
        } else {
            body.extend(reasons.iter().map(v3));
        }
        self.packet(0x90, &body)
    }

    /// False if the packet is larger than what the client takes: then nothing was written.
    pub(crate) fn unsuback(&mut self, packet_id: u16, reasons: &[Reason]) -> bool {
        let mut body = packet_id.to_be_bytes().to_vec();
        if self.version == Version::V5 {
            body.push(0);
            body.extend(reasons.iter().map(|reason| reason.0));
        }
        self.packet(0xb0, &body)
    }

    pub(crate) fn pingresp(&mut self) {
        self.packet(0xd0, &[]);
    }

    /// DISCONNECT with the reason why the connection ends; before MQTT 5 there is no such packet.
    pub(crate) fn disconnect(&mut self, reason: Reason, why: &str) {
        if self.version == Version::V5 {
            self.reasoned(0xe0, &[reason.0], Some(why));
        }
    }

    /// False if the message is larger than what the client takes: then nothing was written.
    pub(crate) fn publish(&mut self, message: &Message<'_>) -> bool {
        let mut properties = Vec::new();
        if self.version == Version::V5 {
            if let Some(expiry) = message.expiry {
                four(&mut properties, id::MESSAGE_EXPIRY, expiry);
            }
            if let Some(alias) = message.alias {
                two(&mut properties, id::TOPIC_ALIAS, alias);
            }
            for identifier in message.identifiers {
                properties.push(id::SUBSCRIPTION_ID);
                variable(&mut properties, *identifier as usize);
            }
            properties.extend_from_slice(message.properties);
        }
        let mut head = Vec::with_capacity(message.topic.len() + properties.len() + 10);
        string(&mut head, message.topic);
        if message.qos > Qos::AtMostOnce {
            head.extend_from_slice(&message.packet_id.to_be_bytes());
        }
        if self.version == Version::V5 {
            variable(&mut head, properties.len());
            head.append(&mut properties);
        }
        let length = head.len() + message.payload.len();
        if whole(length) > self.most {
            return false;
        }
        self.written.packets += 1;
        self.written.publishes += 1;
        self.out.push(
            0x30 | u8::from(message.duplicate) << 3 | (message.qos as u8) << 1 | u8::from(message.retain),
        );
        variable(self.out, length);
        self.out.extend_from_slice(&head);
        self.out.extend_from_slice(message.payload);
        true
    }

    /// A packet of MQTT 5 with a reason string, which is left out where it would be too much for the client.
    fn reasoned(&mut self, first: u8, fixed: &[u8], why: Option<&str>) {
        let mut body = fixed.to_vec();
        let mut properties = Vec::new();
        if let Some(why) = why {
            text(&mut properties, id::REASON_STRING, why);
        }
        let with_properties = body.len() + bytes_of(properties.len()) + properties.len();
        if whole(with_properties) > self.most {
            properties.clear();
        }
        variable(&mut body, properties.len());
        body.append(&mut properties);
        self.packet(first, &body);
    }

    /// False if the packet is larger than what the client takes: then nothing was written.
    fn packet(&mut self, first: u8, body: &[u8]) -> bool {
        if whole(body.len()) > self.most {
            return false;
        }
        self.written.packets += 1;
        self.out.push(first);
        variable(self.out, body.len());
        self.out.extend_from_slice(body);
        true
    }
}

/// The bytes of a packet by those of its body.
fn whole(body: usize) -> usize {
    1 + bytes_of(body) + body
}

/// The bytes of an integer of one to four bytes.
fn bytes_of(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// An integer of one to four bytes.
fn variable(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn two(out: &mut Vec<u8>, id: u8, value: u16) {
    out.push(id);
    out.extend_from_slice(&value.to_be_bytes());
}

fn four(out: &mut Vec<u8>, id: u8, value: u32) {
    out.push(id);
    out.extend_from_slice(&value.to_be_bytes());
}

fn text(out: &mut Vec<u8>, id: u8, value: &str) {
    out.push(id);
    string(out, value);
}

fn string(out: &mut Vec<u8>, value: &str) {
    let length = u16::try_from(value.len()).expect("texts came with a length of two bytes, or are ours");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.as_bytes());
}
