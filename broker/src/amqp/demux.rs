//! The demultiplexer: takes the deliveries out of a connection before lapin reads them.
//!
//! lapin makes the connection and keeps it: login, channel, consumer, acks, heartbeats and errors are its own. Its
//! work for each delivery would cost more than everything else that this process does with it (decision 0025).

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures_util::{AsyncRead, AsyncWrite};
use lapin::AsyncTcpStream;
use tokio::sync::mpsc;

use super::deliveries::{FRAME_MAX, Frames, RawDelivery};

/// What lapin reads in place of deliveries, so that it knows that its peer is alive.
const HEARTBEAT_FRAME: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0xCE];

/// Room for a frame of which all but a byte has come, and as much again.
const BUFFER: usize = 2 * FRAME_MAX as usize;

/// A TCP or TLS connection.
pub(super) type Stream = AsyncTcpStream<<Tokio as Reactor>::TcpStream>;

/// The bytes of a connection without its deliveries: what lapin reads.
pub(super) struct Demux {
    stream: Stream,
    buffer: Box<[u8]>,
    filled: usize,
    frames: Frames,
    /// For lapin.
    rest: Vec<u8>,
    out: mpsc::UnboundedSender<RawDelivery>,
}

impl Demux {
    /// Also returns where the deliveries go; as many as the prefetch allows can wait there.
    pub(super) fn new(stream: Stream) -> (Self, mpsc::UnboundedReceiver<RawDelivery>) {
        let (out, taken) = mpsc::unbounded_channel();
        let buffer = vec![0; BUFFER].into_boxed_slice();
        (Self { stream, buffer, filled: 0, frames: Frames::default(), rest: Vec::new(), out }, taken)
    }

    /// Reads the bytes that have arrived. Returns how many, 0 at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read =
            std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut self.buffer[self.filled..]))?;
        self.filled += read;
        let out = |taken| {
            // The receiver is gone: the broker requeues it when the connection ends.
            let _ = self.out.send(taken);
        };
        let whole = self.frames.split(&self.buffer[..self.filled], &mut self.rest, out)?;
        self.buffer.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        Poll::Ready(Ok(read))
    }
}

impl AsyncRead for Demux {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.rest.is_empty() {
            if std::task::ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(0));
            }
            if self.rest.is_empty() {
                self.rest.extend_from_slice(&HEARTBEAT_FRAME);
            }
        }
        let count = buf.len().min(self.rest.len());
        buf[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Demux {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Gives lapin the type of its connection; that is made before, so this connects nowhere.
#[derive(Debug, Clone)]
pub(super) struct Demuxed(Tokio);

/// The runtime that drives a connection with a [`Demux`].
pub(super) fn runtime() -> Runtime<RuntimeParts<Tokio, Demuxed>> {
    Runtime::new(RuntimeParts::new(Tokio::current(), Demuxed(Tokio::current())))
}

impl Reactor for Demuxed {
    type TcpStream = Demux;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Send + 'static>(
        &self,
        _socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<Demux, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl futures_util::Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        _address: SocketAddr,
    ) -> impl Future<Output = io::Result<Demux>> + Send + 'static {
        ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
