//! Separates deliveries from everything else that the broker sends, and assembles them from their frames.
//!
//! A delivery is a method frame with its tag and routing key, a header frame with its properties, and body frames until
//! there are as many bytes as the header says (AMQP 0-9-1 specification, 2.3.5 and 4.2.3 to 4.2.6).

use std::io;

use bytes::Bytes;

use super::fields::Fields;
use super::message::{Header, Reader, topic};
use crate::published::Published;

/// The largest frame that the broker is let send, in bytes: what RabbitMQ proposes by itself.
pub(super) const FRAME_MAX: u32 = 131_072;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xCE;

/// Class 60, method 60.
const BASIC_DELIVER: [u8; 4] = [0, 60, 0, 60];

/// A message and the delivery tag to settle it by.
#[derive(Debug)]
pub(super) struct RawDelivery {
    pub(super) tag: u64,
    pub(super) message: Published,
}

/// Assembles the deliveries of one connection, which arrive over one channel, one after the other.
#[derive(Debug, Default)]
pub(super) struct Frames {
    reader: Reader,
    partial: Option<Partial>,
}

/// A delivery that is not complete yet.
#[derive(Debug)]
struct Partial {
    tag: u64,
    topic: String,
    header: Header,
    /// `None` until its header has arrived.
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    bytes: Vec<u8>,
    size: u64,
}

impl Frames {
    /// Goes through the whole frames: deliveries go to `out`, all else is added to `rest`. Returns how many bytes the
    /// whole frames have.
    pub(super) fn split(
        &mut self,
        bytes: &[u8],
        rest: &mut Vec<u8>,
        mut out: impl FnMut(RawDelivery),
    ) -> io::Result<usize> {
        let mut left = bytes;
        while let Some(frame) = Frame::first(left)? {
            left = &left[frame.bytes.len()..];
            let taken = match frame.kind {
                METHOD if frame.payload.starts_with(&BASIC_DELIVER) => self.begin(frame.payload),
                HEADER if self.partial.is_some() => self.header(frame.payload),
                BODY if self.partial.is_some() => self.body(frame.payload),
                _ => {
                    rest.extend_from_slice(frame.bytes);
                    continue;
                }
            };
            taken.ok_or_else(|| unreadable("a delivery that ends too early or has an unknown field"))?;
            self.end().into_iter().for_each(&mut out);
        }
        Ok(bytes.len() - left.len())
    }

    fn begin(&mut self, payload: &[u8]) -> Option<()> {
        let mut fields = Fields(payload.get(BASIC_DELIVER.len()..)?);
        let _consumer_tag = fields.short_string()?;
        let tag = fields.u64()?;
        let _redelivered = fields.u8()?;
        let _exchange = fields.short_string()?;
        let topic = topic(fields.short_string()?);
        self.partial = Some(Partial { tag, topic, header: Header::default(), body: None });
        Some(())
    }

    fn header(&mut self, payload: &[u8]) -> Option<()> {
        let partial = self.partial.as_mut()?;
        let mut fields = Fields(payload);
        let _class_and_weight = fields.u32()?;
        let size = fields.u64()?;
        partial.header = Header::read(fields)?;
        // In one piece, unless it is a body of many frames: whether that ever comes is not known.
        let bytes = Vec::with_capacity(size.min(FRAME_MAX.into()) as usize);
        partial.body = Some(Body { bytes, size });
        Some(())
    }

    fn body(&mut self, payload: &[u8]) -> Option<()> {
        let body = self.partial.as_mut()?.body.as_mut()?;
        let left = body.size - body.bytes.len() as u64;
        if payload.len() as u64 > left {
            return None;
        }
        body.bytes.extend_from_slice(payload);
        Some(())
    }

    /// The delivery, if it is complete.
    fn end(&mut self) -> Option<RawDelivery> {
        let whole =
            |partial: &mut Partial| partial.body.as_ref().is_some_and(|b| b.bytes.len() as u64 == b.size);
        let Partial { tag, topic, header, body } = self.partial.take_if(whole)?;
        let payload = Bytes::from(body?.bytes);
        Some(RawDelivery { tag, message: self.reader.read(topic, header, payload) })
    }
}

struct Frame<'a> {
    kind: u8,
    payload: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// None until it has come as a whole. What is no frame at all, as the answer of a server of another protocol, is
    /// everything: lapin says what is wrong with it.
    fn first(bytes: &'a [u8]) -> io::Result<Option<Self>> {
        let mut fields = Fields(bytes);
        let Some(kind) = fields.u8() else { return Ok(None) };
        if ![METHOD, HEADER, BODY, HEARTBEAT].contains(&kind) {
            return Ok(Some(Self { kind, payload: &[], bytes }));
        }
        let (Some(_channel), Some(size)) = (fields.u16(), fields.u32()) else { return Ok(None) };
        if size > FRAME_MAX {
            return Err(unreadable(&format!("a frame of {size} bytes, with {FRAME_MAX} agreed upon")));
        }
        let (Some(payload), Some(end)) = (fields.take(size as usize), fields.u8()) else { return Ok(None) };
        if end != FRAME_END {
            return Err(unreadable("a frame without its end"));
        }
        Ok(Some(Self { kind, payload, bytes: &bytes[..bytes.len() - fields.0.len()] }))
    }
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the broker sent {what}"))
}

#[cfg(test)]
mod tests;
