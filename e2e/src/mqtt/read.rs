//! Packets as a server writes them. What MQTT forbids a server to send is an error.

use super::properties::{Form, form, property};
use super::{Property, Version};

/// A packet that came from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Connack(Connack),
    Publish(Received),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack(Ack),
    Suback(Suback),
    Unsuback(Suback),
    Pingresp,
    Disconnect {
        reason: u8,
        properties: Vec<Property>,
    },
    Auth {
        reason: u8,
        properties: Vec<Property>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connack {
    pub session_present: bool,
    /// The return code of MQTT 3.1.1, or the reason code of MQTT 5.
    pub code: u8,
    pub properties: Vec<Property>,
}

/// A PUBLISH from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    /// 0 at QoS 0.
    pub id: u16,
    pub dup: bool,
    pub retain: bool,
    pub properties: Vec<Property>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The packet type: 4 to 7.
    pub kind: u8,
    pub id: u16,
    pub reason: u8,
    pub properties: Vec<Property>,
}

/// A SUBACK or an UNSUBACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suback {
    pub id: u16,
    pub codes: Vec<u8>,
    pub properties: Vec<Property>,
}

impl Connack {
    #[must_use]
    pub fn number(&self, id: u8) -> Option<u32> {
        self.properties.iter().find(|property| property.id == id).map(Property::number)
    }
}

impl Received {
    /// The values of a property, in order.
    #[must_use]
    pub fn all(&self, id: u8) -> Vec<&[u8]> {
        let these = self.properties.iter().filter(|property| property.id == id);
        these.map(|property| property.value.as_slice()).collect()
    }

    #[must_use]
    pub fn number(&self, id: u8) -> Option<u32> {
        self.properties.iter().find(|property| property.id == id).map(Property::number)
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

type Read<T> = Result<T, String>;

/// The first packet of `bytes` and its length, once it is there whole.
///
/// # Errors
/// A server may not send this.
pub fn first_packet(version: Version, bytes: &[u8]) -> Read<Option<(Packet, usize)>> {
    let mut rest = Rest(bytes);
    let Ok(first) = rest.byte() else { return Ok(None) };
    let length = match rest.variable() {
        Ok(length) => length as usize,
        Err(_) if bytes.len() < 5 => return Ok(None),
        Err(e) => return Err(e),
    };
    if rest.0.len() < length {
        return Ok(None);
    }
    let whole = bytes.len() - rest.0.len() + length;
    let mut body = Rest(&rest.0[..length]);
    let packet = read(version, first, &mut body).map_err(|e| format!("{e}: {:02x?}", &bytes[..whole]))?;
    body.end().map_err(|e| format!("{e}: {:02x?}", &bytes[..whole]))?;
    Ok(Some((packet, whole)))
}

fn read(version: Version, first: u8, body: &mut Rest<'_>) -> Read<Packet> {
    let v5 = version == Version::V5;
    let (kind, flags) = (first >> 4, first & 0x0F);
    if kind != 3 && flags != if kind == 6 { 2 } else { 0 } {
        return Err(format!("reserved flags of the first byte {first:#04x}"));
    }
    match kind {
        2 => connack(v5, body),
        3 => publish(v5, flags, body),
        4..=7 => ack(v5, kind, body),
        9 | 11 => suback(v5, kind, body),
        13 => Ok(Packet::Pingresp),
        14 if v5 => reason(kind, body).map(|(reason, properties)| Packet::Disconnect { reason, properties }),
        15 if v5 => reason(kind, body).map(|(reason, properties)| Packet::Auth { reason, properties }),
        _ => Err(format!("a server may not send a packet of type {kind}")),
    }
}

fn connack(v5: bool, body: &mut Rest<'_>) -> Read<Packet> {
    let (flags, code) = (body.byte()?, body.byte()?);
    if flags > 1 {
        return Err("reserved connect acknowledge flags".into());
    }
    if !v5 && code > 5 && code < 0x80 {
        return Err(format!("return code {code} is reserved"));
    }
    let properties = if v5 { body.properties(2)? } else { Vec::new() };
    Ok(Packet::Connack(Connack { session_present: flags == 1, code, properties }))
}

fn publish(v5: bool, flags: u8, body: &mut Rest<'_>) -> Read<Packet> {
    let qos = flags >> 1 & 3;
    let topic = body.string()?;
    let id = if qos > 0 { body.two()? } else { 0 };
    let properties = if v5 { body.properties(3)? } else { Vec::new() };
    let (dup, retain) = (flags & 8 != 0, flags & 1 != 0);
    if qos == 3 || (qos > 0 && id == 0) || (qos == 0 && dup) {
        return Err("QoS, packet identifier and DUP do not fit".into());
    }
    let aliased = properties.iter().any(|property| property.id == property::TOPIC_ALIAS);
    if topic.contains(['+', '#', '\0']) || (topic.is_empty() && !aliased) {
        return Err(format!("not a topic name: {topic:?}"));
    }
    let payload = std::mem::take(&mut body.0).to_vec();
    Ok(Packet::Publish(Received { topic, payload, qos, id, dup, retain, properties }))
}

fn ack(v5: bool, kind: u8, body: &mut Rest<'_>) -> Read<Packet> {
    let id = body.two()?;
    let (reason, properties) = if v5 { reason(kind, body)? } else { (0, Vec::new()) };
    let allowed: &[u8] = match kind {
        4 | 5 => &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        _ => &[0x00, 0x92],
    };
    match allowed.contains(&reason) && id != 0 {
        true => Ok(Packet::Ack(Ack { kind, id, reason, properties })),
        false => Err(format!("reason {reason:#04x} or packet identifier {id}")),
    }
}

fn suback(v5: bool, kind: u8, body: &mut Rest<'_>) -> Read<Packet> {
    let id = body.two()?;
    let properties = if v5 { body.properties(kind)? } else { Vec::new() };
    let codes = std::mem::take(&mut body.0).to_vec();
    let allowed: &[u8] = match (kind, v5) {
        (9, true) => &[0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2],
        (9, false) => &[0, 1, 2, 0x80],
        (_, true) => &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        (_, false) => &[],
    };
    if !codes.iter().all(|code| allowed.contains(code)) {
        return Err(format!("reason codes {codes:02x?}"));
    }
    let acked = Suback { id, codes, properties };
    Ok(if kind == 9 { Packet::Suback(acked) } else { Packet::Unsuback(acked) })
}

/// A reason and properties, which may be left out if nothing follows.
fn reason(kind: u8, body: &mut Rest<'_>) -> Read<(u8, Vec<Property>)> {
    if body.0.is_empty() {
        return Ok((0, Vec::new()));
    }
    let reason = body.byte()?;
    let properties = if body.0.is_empty() { Vec::new() } else { body.properties(kind)? };
    Ok((reason, properties))
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, count: usize) -> Read<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the packet ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn two(&mut self) -> Read<u16> {
        Ok(u16::from(self.byte()?) << 8 | u16::from(self.byte()?))
    }

    fn bytes(&mut self) -> Read<Vec<u8>> {
        let length = self.two()?;
        self.take(length.into()).map(<[u8]>::to_vec)
    }

    fn string(&mut self) -> Read<String> {
        String::from_utf8(self.bytes()?).map_err(|e| e.to_string())
    }

    fn variable(&mut self) -> Read<u32> {
        let mut number = 0;
        for at in 0..4 {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return match at > 0 && byte == 0 {
                    true => Err("a number that is longer than need be".into()),
                    false => Ok(number),
                };
            }
        }
        Err("a number of more than four bytes".into())
    }

    fn properties(&mut self, kind: u8) -> Read<Vec<Property>> {
        let length = self.variable()? as usize;
        let mut these = Rest(self.take(length)?);
        let mut properties: Vec<Property> = Vec::new();
        while !these.0.is_empty() {
            let id = these.byte()?;
            let value = these.property(id, kind)?;
            let many = [property::USER, property::SUBSCRIPTION_ID].contains(&id);
            if !many && properties.iter().any(|before| before.id == id) {
                return Err(format!("property {id:#04x} comes twice"));
            }
            properties.push(Property { id, value });
        }
        Ok(properties)
    }

    fn property(&mut self, id: u8, kind: u8) -> Read<Vec<u8>> {
        match form(id) {
            Some((_, kinds)) if !kinds.contains(&kind) => {
                Err(format!("property {id:#04x} in a packet of type {kind}"))
            }
            Some((Form::Bytes(count), _)) => self.take(count).map(<[u8]>::to_vec),
            Some((Form::Variable, _)) => self.variable().map(|number| number.to_be_bytes().to_vec()),
            Some((Form::Text, _)) => self.bytes(),
            Some((Form::Pair, _)) => Ok([self.bytes()?, b"=".to_vec(), self.bytes()?].concat()),
            None => Err(format!("property {id:#04x} is unknown")),
        }
    }

    fn end(&self) -> Read<()> {
        match self.0 {
            [] => Ok(()),
            more => Err(format!("{} bytes after the last field", more.len())),
        }
    }
}
