//! CONNECT.

use bytes::Bytes;

use super::properties::{self, id};
use super::publish::{Forwarded, read_forwarded};
use super::reader::Reader;
use super::{Fault, Frame, Qos, Reason, Version};

/// What a client sends first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) version: Version,
    /// Whether the client is another broker's bridge, as mosquitto marks it in the level.
    pub(crate) is_bridge: bool,
    pub(crate) clean_start: bool,
    /// Seconds; 0 is off.
    pub(crate) keep_alive: u16,
    pub(crate) client_id: String,
    pub(crate) will: Option<Will>,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Option<Bytes>,
    /// Seconds for which the session outlives the connection.
    pub(crate) session_expiry: u32,
    pub(crate) receive_maximum: u16,
    pub(crate) maximum_packet_size: Option<u32>,
    pub(crate) topic_alias_maximum: u16,
    /// Whether the client wants to know the reasons of problems.
    pub(crate) wants_problems: bool,
    pub(crate) has_authentication_method: bool,
}

/// What the server publishes for a client that goes away without a DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// Seconds.
    pub(crate) delay: u32,
    pub(crate) forwarded: Forwarded,
}

/// The session of a client before MQTT 5 that does not ask for a clean one.
const FOR_EVER: u32 = u32::MAX;

const BRIDGE: u8 = 0x80;

const PROPERTIES: [u8; 8] = [
    id::SESSION_EXPIRY,
    id::RECEIVE_MAXIMUM,
    id::MAXIMUM_PACKET_SIZE,
    id::TOPIC_ALIAS_MAXIMUM,
    id::REQUEST_PROBLEM,
    id::REQUEST_RESPONSE,
    id::AUTHENTICATION_METHOD,
    id::AUTHENTICATION_DATA,
];

/// Which version a client speaks. A level of a later MQTT is answered as MQTT 5 would.
fn version(name: &[u8], level: u8) -> Result<(Version, bool), Fault> {
    let is_bridge = level & BRIDGE != 0;
    match (name, level & !BRIDGE) {
        (b"MQIsdp", 3) => Ok((Version::V31, is_bridge)),
        (b"MQTT", 4) => Ok((Version::V311, is_bridge)),
        (b"MQTT", 5) if !is_bridge => Ok((Version::V5, false)),
        (b"MQTT" | b"MQIsdp", _) => {
            Err(Fault::new(Reason::UNSUPPORTED_VERSION, "the version of MQTT is not supported"))
        }
        _ => Err(Fault::malformed("the protocol is not MQTT")),
    }
}

/// The bits of the connect flags.
#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    fn read(bits: u8, version: Version) -> Result<Self, Fault> {
        let flags = Self(bits);
        if bits & 1 != 0 && version > Version::V31 {
            return Err(Fault::malformed("the reserved connect flag is set"));
        }
        if !flags.has_will() && bits & 0x38 != 0 && version > Version::V31 {
            return Err(Fault::malformed("flags of a will that is not there"));
        }
        if flags.has_password() && !flags.has_user_name() && version < Version::V5 {
            return Err(Fault::malformed("a password without a user name"));
        }
        Ok(flags)
    }

    fn clean_start(self) -> bool {
        self.0 & 2 != 0
    }

    fn has_will(self) -> bool {
        self.0 & 4 != 0
    }

    fn will_retain(self) -> bool {
        self.0 & 0x20 != 0
    }

    fn has_password(self) -> bool {
        self.0 & 0x40 != 0
    }

    fn has_user_name(self) -> bool {
        self.0 & 0x80 != 0
    }
}

pub(super) fn read(frame: &Frame) -> Result<Connect, Fault> {
    frame.flags(0)?;
    let mut reader = Reader::new(&frame.body);
    let (version, is_bridge) = version(reader.binary()?, reader.byte()?)?;
    let flags = Flags::read(reader.byte()?, version)?;
    let mut connect = Connect {
        version,
        is_bridge,
        clean_start: flags.clean_start(),
        keep_alive: reader.two_bytes()?,
        client_id: String::new(),
        will: None,
        user_name: None,
        password: None,
        session_expiry: if version < Version::V5 && !flags.clean_start() { FOR_EVER } else { 0 },
        receive_maximum: u16::MAX,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        wants_problems: true,
        has_authentication_method: false,
    };
    if version == Version::V5 {
        read_properties(&mut reader, &mut connect)?;
    }
    reader.text()?.clone_into(&mut connect.client_id);
    if flags.has_will() {
        connect.will = Some(read_will(&mut reader, flags, version)?);
    }
    if flags.has_user_name() {
        connect.user_name = Some(reader.text()?.to_owned());
    }
    if flags.has_password() {
        connect.password = Some(Bytes::copy_from_slice(reader.binary()?));
    }
    reader.end()?;
    Ok(connect)
}

fn read_properties(reader: &mut Reader<'_>, connect: &mut Connect) -> Result<(), Fault> {
    let mut has_authentication_data = false;
    properties::read(reader, &PROPERTIES, |id, value, _| {
        match id {
            id::SESSION_EXPIRY => connect.session_expiry = value.number(),
            id::RECEIVE_MAXIMUM => connect.receive_maximum = value.positive()?.try_into().unwrap_or(u16::MAX),
            id::MAXIMUM_PACKET_SIZE => connect.maximum_packet_size = Some(value.positive()?),
            id::TOPIC_ALIAS_MAXIMUM => connect.topic_alias_maximum = value.number().try_into().unwrap_or(0),
            id::REQUEST_PROBLEM => connect.wants_problems = value.flag()?,
            id::REQUEST_RESPONSE => drop(value.flag()?),
            id::AUTHENTICATION_METHOD => connect.has_authentication_method = true,
            id::AUTHENTICATION_DATA => has_authentication_data = true,
            _ => {}
        }
        Ok(())
    })?;
    if has_authentication_data && !connect.has_authentication_method {
        return Err(Fault::protocol("authentication data without an authentication method"));
    }
    Ok(())
}

fn read_will(reader: &mut Reader<'_>, flags: Flags, version: Version) -> Result<Will, Fault> {
    let (forwarded, delay) = match version {
        Version::V5 => read_forwarded(reader, true)?,
        _ => (Forwarded::default(), None),
    };
    Ok(Will {
        topic: reader.text()?.to_owned(),
        payload: Bytes::copy_from_slice(reader.binary()?),
        qos: Qos::from_bits(flags.0 >> 3)?,
        retain: flags.will_retain(),
        delay: delay.unwrap_or(0),
        forwarded,
    })
}
