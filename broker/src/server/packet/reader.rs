//! Reads the parts of which packets are made.

use bytes::Bytes;

use super::{Fault, part, text};

const SHORT: Fault = Fault::malformed("the packet is shorter than its content");

const LONG: Fault = Fault::malformed("an integer has more bytes than it needs");

/// Reads a packet's body from its beginning.
pub(super) struct Reader<'a> {
    body: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a Bytes) -> Self {
        Self { body, rest: body }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn two_bytes(&mut self) -> Result<u16, Fault> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn four_bytes(&mut self) -> Result<u32, Fault> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// An integer of one to four bytes.
    pub(super) fn variable(&mut self) -> Result<u32, Fault> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_shortest = shift == 0 || byte != 0;
                return is_shortest.then_some(value).ok_or(LONG);
            }
        }
        Err(Fault::malformed("an integer has more than four bytes"))
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.two_bytes()?;
        self.bytes(count.into())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        text(self.binary()?)
    }

    /// The identifier of a packet, which is never 0.
    pub(super) fn packet_id(&mut self) -> Result<u16, Fault> {
        match self.two_bytes()? {
            0 => Err(Fault::protocol("the packet identifier is 0")),
            id => Ok(id),
        }
    }

    /// Everything that is left, without copying it.
    pub(super) fn remaining(&mut self) -> Bytes {
        part(self.body, std::mem::take(&mut self.rest))
    }

    /// The next `count` bytes as a reader of their own.
    pub(super) fn section(&mut self, count: usize) -> Result<Self, Fault> {
        Ok(Self { body: self.body, rest: self.bytes(count)? })
    }

    /// What is left: to know the bytes of which something was made.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::malformed("bytes follow the packet's content")) }
    }
}
