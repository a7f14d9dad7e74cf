//! What a connection has read and not yet handled.

use bytes::{Bytes, BytesMut};

use super::packet::{Fault, Frame, frame};

/// Bytes in the order in which they came. Complete packets share the memory of the read that brought them; a connection
/// that is idle keeps nothing.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Whole packets, perhaps with the beginning of another.
    whole: Bytes,
    /// The beginning of a packet, once it is known that more must come.
    partial: BytesMut,
}

impl Input {
    /// Adds what a read brought.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.whole = Bytes::copy_from_slice(bytes);
        } else {
            self.make_partial();
            self.partial.extend_from_slice(bytes);
        }
    }

    /// The next packet, of at most so many bytes; none until more has come.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Frame>, Fault> {
        if !self.partial.is_empty() {
            match frame(&self.partial, most)? {
                Some((_, whole)) if whole <= self.partial.len() => {
                    self.whole = std::mem::take(&mut self.partial).freeze();
                }
                _ => return Ok(None),
            }
        }
        match frame(&self.whole, most)? {
            Some((header, whole)) if whole <= self.whole.len() => {
                let first = self.whole[0];
                let mut packet = self.whole.split_to(whole);
                if self.whole.is_empty() {
                    self.whole = Bytes::new();
                }
                Ok(Some(Frame { first, body: packet.split_off(header) }))
            }
            _ => {
                self.make_partial();
                Ok(None)
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.partial.is_empty()
    }

    /// Bytes of a packet of which more must come.
    pub(crate) fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// A copy, so that a few bytes do not keep the memory of a whole read.
    fn make_partial(&mut self) {
        if !self.whole.is_empty() {
            self.partial.extend_from_slice(&self.whole);
            self.whole = Bytes::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(input: &mut Input) -> Vec<Frame> {
        std::iter::from_fn(|| input.next(1_000).unwrap()).collect()
    }

    #[test]
    fn packets_are_the_same_wherever_reads_end() {
        let mut stream = b"\xc0\x00\x30\x05\x00\x01tab\xc0\x00".to_vec();
        stream.extend_from_slice(b"\x30\x80\x01");
        stream.extend_from_slice(&[0; 128]);
        let mut at_once = Input::default();
        at_once.feed(&stream);
        let expected = packets(&mut at_once);
        assert_eq!(expected.len(), 4);
        for size in 1..stream.len() {
            let mut input = Input::default();
            let mut found = Vec::new();
            for read in stream.chunks(size) {
                input.feed(read);
                found.append(&mut packets(&mut input));
            }
            assert_eq!(found, expected, "reads of {size} bytes");
            assert!(input.is_empty() && input.partial_bytes() == 0);
        }
    }

    #[test]
    fn a_packet_that_is_too_large_is_refused_by_its_header() {
        let mut input = Input::default();
        input.feed(b"\x30\xff\xff\xff");
        assert_eq!(input.next(1_000), Ok(None));
        input.feed(b"\x7f");
        assert!(input.next(1_000).is_err());
        assert_eq!(input.partial_bytes(), 5);
    }
}
