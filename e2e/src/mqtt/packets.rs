//! Packets as a client writes them. Every field can be set to what MQTT forbids.

use super::{Properties, Version};

/// A number of variable length (MQTT 5, section 1.5.5).
#[must_use]
pub fn varint(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number % 128) as u8;
        number /= 128;
        match number {
            0 => return [bytes, vec![byte]].concat(),
            _ => bytes.push(byte | 0x80),
        }
    }
}

/// A string or binary data: its length and its bytes.
#[must_use]
pub fn text(value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let mut bytes = (value.len() as u16).to_be_bytes().to_vec();
    bytes.extend(value);
    bytes
}

/// A packet with any first byte.
#[must_use]
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first], varint(body.len() as u32).as_slice(), body].concat()
}

/// CONNECT.
#[derive(Debug, Clone)]
pub struct Connect {
    pub version: Version,
    pub protocol: &'static str,
    /// The byte of the protocol level, which may be none.
    pub level: u8,
    pub client_id: Vec<u8>,
    pub clean: bool,
    pub keep_alive: u16,
    pub will: Option<Will>,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub properties: Properties,
    /// Flips these bits of the connect flags.
    pub flip: u8,
    /// Written after the last field.
    pub trailing: Vec<u8>,
}

/// The will of a CONNECT.
#[derive(Debug, Clone)]
pub struct Will {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Properties,
}

impl Will {
    #[must_use]
    pub fn new(topic: &str, payload: &str) -> Self {
        let (topic, payload) = (topic.into(), payload.into());
        Self { topic, payload, qos: 1, retain: false, properties: Properties::default() }
    }
}

impl Connect {
    /// With a clean session (a clean start) and without a keep-alive.
    #[must_use]
    pub fn new(version: Version, client_id: &str) -> Self {
        Self {
            version,
            protocol: if version == Version::V31 { "MQIsdp" } else { "MQTT" },
            level: version as u8,
            client_id: client_id.into(),
            clean: true,
            keep_alive: 0,
            will: None,
            user: None,
            password: None,
            properties: Properties::default(),
            flip: 0,
            trailing: Vec::new(),
        }
    }

    /// Resumes a session, and has the server keep it: in MQTT 5 for this many seconds.
    #[must_use]
    pub fn lasting(mut self, seconds: u32) -> Self {
        self.clean = false;
        if self.version == Version::V5 {
            self.properties = self.properties.four(super::property::SESSION_EXPIRY, seconds);
        }
        self
    }

    #[must_use]
    pub fn with_will(self, will: Will) -> Self {
        Self { will: Some(will), ..self }
    }

    fn flags(&self) -> u8 {
        let will = self.will.as_ref().map_or(0, |will| 0x04 | will.qos << 3 | u8::from(will.retain) << 5);
        let names = u8::from(self.user.is_some()) << 7 | u8::from(self.password.is_some()) << 6;
        (u8::from(self.clean) << 1 | will | names) ^ self.flip
    }

    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        let mut body = text(self.protocol);
        body.extend([self.level, self.flags()]);
        body.extend(self.keep_alive.to_be_bytes());
        let v5 = self.version == Version::V5;
        body.extend(if v5 { self.properties.written() } else { Vec::new() });
        body.extend(text(&self.client_id));
        if let Some(will) = &self.will {
            body.extend(if v5 { will.properties.written() } else { Vec::new() });
            body.extend([text(&will.topic), text(&will.payload)].concat());
        }
        for field in [&self.user, &self.password].into_iter().flatten() {
            body.extend(text(field));
        }
        body.extend(&self.trailing);
        packet(0x10, &body)
    }
}

/// PUBLISH.
#[derive(Debug, Clone, Default)]
pub struct Publish {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub id: u16,
    pub dup: bool,
    pub retain: bool,
    pub properties: Properties,
}

impl Publish {
    /// At QoS 0.
    #[must_use]
    pub fn new(topic: &str, payload: impl AsRef<[u8]>) -> Self {
        Self { topic: topic.into(), payload: payload.as_ref().to_vec(), ..Self::default() }
    }

    /// At QoS 1 or 2, with a packet identifier.
    #[must_use]
    pub fn qos(self, qos: u8, id: u16) -> Self {
        Self { qos, id, ..self }
    }

    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }

    #[must_use]
    pub fn again(self) -> Self {
        Self { dup: true, ..self }
    }

    #[must_use]
    pub fn with(self, properties: Properties) -> Self {
        Self { properties, ..self }
    }

    #[must_use]
    pub fn written(&self, version: Version) -> Vec<u8> {
        let mut body = text(&self.topic);
        if self.qos > 0 {
            body.extend(self.id.to_be_bytes());
        }
        if version == Version::V5 {
            body.extend(self.properties.written());
        }
        body.extend(&self.payload);
        packet(0x30 | u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain), &body)
    }
}

/// SUBSCRIBE with one filter or several; the byte after each is its options (or its QoS).
#[derive(Debug, Clone, Default)]
pub struct Subscribe {
    pub id: u16,
    pub filters: Vec<(Vec<u8>, u8)>,
    pub properties: Properties,
}

impl Subscribe {
    #[must_use]
    pub fn new(id: u16, filters: &[(&str, u8)]) -> Self {
        let filters = filters.iter().map(|(filter, options)| ((*filter).into(), *options)).collect();
        Self { id, filters, properties: Properties::default() }
    }

    #[must_use]
    pub fn with(self, properties: Properties) -> Self {
        Self { properties, ..self }
    }

    #[must_use]
    pub fn written(&self, version: Version) -> Vec<u8> {
        let mut body = self.id.to_be_bytes().to_vec();
        if version == Version::V5 {
            body.extend(self.properties.written());
        }
        for (filter, options) in &self.filters {
            body.extend(text(filter));
            body.push(*options);
        }
        packet(0x82, &body)
    }
}

#[must_use]
pub fn unsubscribe(version: Version, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(if version == Version::V5 { vec![0] } else { Vec::new() });
    body.extend(filters.iter().flat_map(text));
    packet(0xA2, &body)
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP: packet type 4, 5, 6 or 7, with a reason if that is not 0.
#[must_use]
pub fn ack(kind: u8, id: u16, reason: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend((reason != 0).then_some(reason));
    packet(kind << 4 | if kind == 6 { 2 } else { 0 }, &body)
}

#[must_use]
pub fn pingreq() -> Vec<u8> {
    packet(0xC0, &[])
}

/// DISCONNECT; without a reason as MQTT 3.1.1 writes it, and MQTT 5 for "normal".
#[must_use]
pub fn disconnect(reason: Option<u8>, properties: &Properties) -> Vec<u8> {
    match reason {
        None => packet(0xE0, &[]),
        Some(reason) => packet(0xE0, &[vec![reason], properties.written()].concat()),
    }
}
