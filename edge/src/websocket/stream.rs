//! The bytes in the binary frames of a WebSocket, as one stream. No message is gathered: what has come can be read.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::incoming::{Incoming, MAX_CONTROL_BYTES};

/// Bytes of a frame that is sent, at most.
const FRAME_BYTES: usize = 16 * 1024;

/// The server's end of a WebSocket that carries bytes.
pub(super) struct ByteStream<S> {
    stream: S,
    incoming: Incoming,
    /// Written by us, but not by the stream yet: at most one frame and the answers to control frames.
    outgoing: Vec<u8>,
    /// The answer to the newest ping, if it is not in `outgoing` yet.
    pong: Option<Vec<u8>>,
}

impl<S> ByteStream<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, incoming: Incoming::default(), outgoing: Vec::new(), pong: None }
    }

    /// Puts the newest ping's answer behind what waits to be written, which is never much.
    fn answer_ping(&mut self) {
        if self.outgoing.is_empty()
            && let Some(payload) = self.pong.take()
        {
            put_frame(&mut self.outgoing, OpCode::Control(Control::Pong), &payload);
        }
    }
}

fn put_frame(outgoing: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) {
    let head = FrameHeader { opcode, ..FrameHeader::default() };
    head.format(payload.len() as u64, outgoing).expect("writing to memory does not fail");
    outgoing.extend_from_slice(payload);
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Reads the head of the next frame.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(needed) = self.incoming.begin_frame()? {
            let from = self.incoming.head_bytes;
            let mut head = ReadBuf::new(&mut self.incoming.head[from..from + needed]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut head))?;
            match head.filled().len() {
                0 => return Poll::Ready(Err(ErrorKind::UnexpectedEof.into())),
                count => self.incoming.head_bytes += count,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a part of the frame at hand into `buf`.
    fn poll_payload(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let Some(frame) = &mut self.incoming.frame else { return Poll::Ready(Ok(0)) };
        let most = usize::try_from(frame.left).unwrap_or(usize::MAX).min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        if count == 0 && most > 0 {
            return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
        }
        frame.unmask(part.filled_mut());
        buf.advance(count);
        Poll::Ready(Ok(count))
    }

    fn poll_control(&mut self, cx: &mut Context<'_>, control: Control) -> Poll<io::Result<()>> {
        let mut bytes = [0; MAX_CONTROL_BYTES as usize];
        while self.incoming.frame.as_ref().is_some_and(|frame| frame.left > 0) {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(self.poll_payload(cx, &mut buf))?;
            self.incoming.control.extend_from_slice(buf.filled());
        }
        self.incoming.frame = None;
        let payload = std::mem::take(&mut self.incoming.control);
        match control {
            Control::Ping => self.pong = Some(payload),
            Control::Close => {
                self.incoming.closed = true;
                put_frame(
                    &mut self.outgoing,
                    OpCode::Control(Control::Close),
                    &payload[..payload.len().min(2)],
                );
            }
            _ => {}
        }
        self.answer_ping();
        Poll::Ready(Ok(()))
    }

    /// Writes what waits.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outgoing))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..count);
            self.answer_ping();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            // Answers to pings; that they cannot be written now is no reason not to read.
            if let Poll::Ready(Err(e)) = self.poll_outgoing(cx) {
                return Poll::Ready(Err(e));
            }
            if self.incoming.closed {
                return Poll::Ready(Ok(()));
            }
            match self.incoming.frame.as_ref().map(|frame| (frame.opcode, frame.left)) {
                None => ready!(self.poll_head(cx))?,
                Some((OpCode::Control(control), _)) => ready!(self.poll_control(cx, control))?,
                Some((OpCode::Data(_), 0)) => self.incoming.frame = None,
                Some((OpCode::Data(_), _)) => return self.poll_payload(cx, buf).map_ok(|_| ()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_outgoing(cx))?;
        let part = &bytes[..bytes.len().min(FRAME_BYTES)];
        put_frame(&mut self.outgoing, OpCode::Data(Data::Binary), part);
        // What is not written now is by the next write or flush.
        if let Poll::Ready(Err(e)) = self.poll_outgoing(cx) {
            return Poll::Ready(Err(e));
        }
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_outgoing(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.incoming.closed {
            self.incoming.closed = true;
            put_frame(&mut self.outgoing, OpCode::Control(Control::Close), &1000_u16.to_be_bytes());
        }
        ready!(self.poll_outgoing(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_tungstenite::tungstenite::{Bytes, Message};

    use super::*;

    async fn pair() -> (ByteStream<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (server, client) = duplex(1024);
        (ByteStream::new(server), WebSocketStream::from_raw_socket(client, Role::Client, None).await)
    }

    #[tokio::test]
    async fn bytes_pass_whatever_frames_they_are_in() {
        let (mut server, client) = pair().await;
        let (mut send, mut receive) = client.split();
        let sends = async {
            for part in [&b"ab"[..], b"", b"cde", &[7; 5000]] {
                send.send(Message::Binary(Bytes::copy_from_slice(part))).await.unwrap();
            }
        };
        let mut read = vec![0; 5005];
        let (_, got) = tokio::join!(sends, server.read_exact(&mut read));
        got.unwrap();
        assert!(read.starts_with(b"abcde") && read[5..].iter().all(|byte| *byte == 7));
        let (answer, heard) = (vec![9; 40_000], async {
            let mut heard = Vec::new();
            while heard.len() < 40_000 {
                heard.extend_from_slice(&receive.next().await.unwrap().unwrap().into_data());
            }
            heard
        });
        let write = async {
            server.write_all(&answer).await.unwrap();
            server.flush().await.unwrap();
        };
        let ((), heard) = tokio::join!(write, heard);
        assert_eq!(heard, answer);
    }

    #[tokio::test]
    async fn pings_are_answered_and_a_close_is_the_end() {
        let (mut server, client) = pair().await;
        let (mut send, mut receive) = client.split();
        let talk = async {
            send.send(Message::Ping("hi".into())).await.unwrap();
            assert_eq!(receive.next().await.unwrap().unwrap(), Message::Pong("hi".into()));
            send.send(Message::Close(None)).await.unwrap();
            assert!(matches!(receive.next().await.unwrap().unwrap(), Message::Close(_)));
        };
        let mut buf = [0; 16];
        let ((), read) = tokio::join!(talk, server.read(&mut buf));
        assert_eq!(read.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_mqtt_or_the_websocket_forbids_is_an_error() {
        for (frames, what) in [
            (&b"\x81\x81\0\0\0\0a"[..], "text"),
            (b"\x82\x01a", "unmasked"),
            (b"\xc2\x81\0\0\0\0a", "a reserved bit"),
            (b"\x80\x81\0\0\0\0a", "a continuation of nothing"),
            (b"\x02\x81\0\0\0\0a\x82\x81\0\0\0\0a", "a new message within one"),
            (b"\x09\x80\0\0\0\0", "half a ping"),
            (b"\x89\xfe\x00\x7e\0\0\0\0", "a long ping"),
            (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", "more than there can be"),
            (b"\x82\x85\0\0\0\0ab", "half a frame"),
        ] {
            let (server, mut client) = duplex(1024);
            let mut server = ByteStream::new(server);
            client.write_all(frames).await.unwrap();
            client.shutdown().await.unwrap();
            let mut read = Vec::new();
            assert!(server.read_to_end(&mut read).await.is_err(), "{what}");
            assert!(read.len() <= 2, "{what}");
        }
    }
}
