//! PUBACK, PUBREC, PUBREL, PUBCOMP and DISCONNECT, as clients send them.

use super::properties::{self, id};
use super::reader::Reader;
use super::{Fault, Frame, Reason, Version};

/// An acknowledgement of one step of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) packet_id: u16,
    pub(crate) reason: Reason,
}

/// The client ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disconnect {
    pub(crate) reason: Reason,
    /// Another life of the session than CONNECT asked for, in seconds.
    pub(crate) session_expiry: Option<u32>,
}

const PUBREL: u8 = 6;

/// The reasons of PUBACK and PUBREC.
const OF_RECEIPT: [u8; 9] = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/// The reasons of PUBREL and PUBCOMP.
const OF_RELEASE: [u8; 2] = [0x00, 0x92];

/// The reasons with which a client may end its connection.
const OF_DISCONNECT: [u8; 14] =
    [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

fn reason(reader: &mut Reader<'_>, allowed: &[u8]) -> Result<Reason, Fault> {
    let code = reader.byte()?;
    if allowed.contains(&code) {
        Ok(Reason(code))
    } else {
        Err(Fault::protocol("a reason that this packet cannot have"))
    }
}

pub(super) fn read(frame: &Frame, version: Version) -> Result<Acknowledgement, Fault> {
    if frame.kind() == PUBREL {
        frame.flags_of_request(version)?;
    } else {
        frame.flags(0)?;
    }
    let mut reader = Reader::new(&frame.body);
    let packet_id = reader.packet_id()?;
    let mut reason = Reason::SUCCESS;
    let allowed = if frame.kind() < PUBREL { &OF_RECEIPT[..] } else { &OF_RELEASE };
    if version == Version::V5 && !reader.is_empty() {
        reason = self::reason(&mut reader, allowed)?;
        if !reader.is_empty() {
            properties::read(&mut reader, &[id::REASON_STRING], |_, _, _| Ok(()))?;
        }
    }
    reader.end()?;
    Ok(Acknowledgement { packet_id, reason })
}

pub(super) fn read_disconnect(frame: &Frame, version: Version) -> Result<Disconnect, Fault> {
    frame.flags(0)?;
    let mut reader = Reader::new(&frame.body);
    let mut disconnect = Disconnect { reason: Reason::SUCCESS, session_expiry: None };
    if version == Version::V5 && !reader.is_empty() {
        disconnect.reason = reason(&mut reader, &OF_DISCONNECT)?;
        if !reader.is_empty() {
            let allowed = [id::SESSION_EXPIRY, id::REASON_STRING];
            properties::read(&mut reader, &allowed, |id, value, _| {
                if id == id::SESSION_EXPIRY {
                    disconnect.session_expiry = Some(value.number());
                }
                Ok(())
            })?;
        }
    }
    reader.end()?;
    Ok(disconnect)
}
