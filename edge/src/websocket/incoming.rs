//! The frames that a client sends: which may come when, and how far the one at hand has been read.

use std::io::{self, Cursor, ErrorKind};

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Bytes of a frame's head, and of what a control frame carries, at most (RFC 6455, 5.2 and 5.5).
pub(super) const MAX_HEAD_BYTES: usize = 14;
pub(super) const MAX_CONTROL_BYTES: u64 = 125;

/// What has come of the client's frames.
#[derive(Default)]
pub(super) struct Incoming {
    pub(super) head: [u8; MAX_HEAD_BYTES],
    pub(super) head_bytes: usize,
    /// The frame at hand; between frames `None`.
    pub(super) frame: Option<Frame>,
    /// A message has begun whose last frame has not come.
    fragmented: bool,
    pub(super) control: Vec<u8>,
    pub(super) closed: bool,
}

/// The frame at hand.
pub(super) struct Frame {
    pub(super) opcode: OpCode,
    mask: [u8; 4],
    /// Bytes of it that were read, and that are to come.
    at: usize,
    pub(super) left: u64,
}

impl Frame {
    pub(super) fn unmask(&mut self, bytes: &mut [u8]) {
        for byte in bytes.iter_mut() {
            *byte ^= self.mask[self.at % 4];
            self.at += 1;
        }
        self.left -= bytes.len() as u64;
    }
}

impl Incoming {
    /// Takes a whole head, if it has come; otherwise returns how many more bytes are needed at least.
    pub(super) fn begin_frame(&mut self) -> io::Result<Option<usize>> {
        let mut head = Cursor::new(&self.head[..self.head_bytes]);
        let parsed = FrameHeader::parse(&mut head).map_err(|_| violation("the head of a frame is wrong"))?;
        let Some((head, length)) = parsed else {
            return Ok(Some(self.length_of_head() - self.head_bytes));
        };
        let mask = head.mask.ok_or_else(|| violation("a frame of a client must be masked"))?;
        if head.rsv1 || head.rsv2 || head.rsv3 {
            return Err(violation("no extension was agreed upon"));
        }
        match head.opcode {
            OpCode::Data(Data::Binary) if !self.fragmented => self.fragmented = !head.is_final,
            OpCode::Data(Data::Continue) if self.fragmented => self.fragmented = !head.is_final,
            OpCode::Control(_) if head.is_final && length <= MAX_CONTROL_BYTES => {}
            OpCode::Data(Data::Text) => return Err(violation("MQTT is sent in binary frames")),
            _ => return Err(violation("this frame must not come now")),
        }
        self.head_bytes = 0;
        self.frame = Some(Frame { opcode: head.opcode, mask, at: 0, left: length });
        Ok(None)
    }

    /// How long the head is at least: its first two bytes say how many there are.
    fn length_of_head(&self) -> usize {
        let [_, second, ..] = self.head;
        match (self.head_bytes, second & 0x7f) {
            (..2, _) => 2,
            (_, 127) => 14,
            (_, 126) => 8,
            _ => 6,
        }
    }
}

fn violation(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem)
}
