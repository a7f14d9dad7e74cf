//! Where one packet ends and the next begins.

use bytes::Bytes;

use super::{Fault, Reason, Version};

/// A packet's first byte, and what follows its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) body: Bytes,
}

impl Frame {
    pub(crate) fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// Checks the lower four bits of the first byte, which are reserved in most packets.
    pub(crate) fn flags(&self, expected: u8) -> Result<(), Fault> {
        if self.first & 0x0f == expected {
            Ok(())
        } else {
            Err(Fault::malformed("reserved bits of the fixed header are set"))
        }
    }

    /// Checks them in PUBREL, SUBSCRIBE and UNSUBSCRIBE, which in MQTT 3.1 may say that they are sent again.
    pub(crate) fn flags_of_request(&self, version: Version) -> Result<(), Fault> {
        let is_again = version == Version::V31 && self.first & 8 != 0;
        self.flags(if is_again { 10 } else { 2 })
    }
}

/// The bytes of the header and of the whole first packet; none while the header is incomplete.
///
/// A packet of more than `most` bytes is refused by its header, before anything is kept for it.
pub(crate) fn frame(bytes: &[u8], most: usize) -> Result<Option<(usize, usize)>, Fault> {
    let mut length = 0usize;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if index > 0 && *byte == 0 {
                return Err(Fault::malformed("the packet's length has more bytes than it needs"));
            }
            let header = index + 2;
            if header + length > most {
                return Err(Fault::new(Reason::PACKET_TOO_LARGE, "the packet is too large"));
            }
            return Ok(Some((header, header + length)));
        }
    }
    if bytes.len() > 4 {
        return Err(Fault::malformed("the packet's length has more than four bytes"));
    }
    Ok(None)
}
