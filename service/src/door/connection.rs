//! An accepted connection.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Permit;
use super::tls::Watched;

/// A connection that holds its place until it is dropped, whatever it is wrapped in.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    _place: Place,
    write_timeout: Option<Duration>,
    /// When a peer that accepts nothing is given up; `None` while it does.
    stalled: Option<Pin<Box<Sleep>>>,
    /// By which it may be cut off.
    cut: Option<Box<Cut>>,
}

/// How a connection learns that it is cut off.
#[derive(Debug)]
struct Cut {
    watched: Watched,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

#[derive(Debug)]
struct Place {
    _permit: Permit,
    open: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream, address: SocketAddr, permit: Permit, open: Gauge) -> Self {
        open.inc();
        let place = Place { _permit: permit, open };
        Self { stream, address, _place: place, write_timeout: None, stalled: None, cut: None }
    }

    /// Writing fails when the peer has accepted nothing for this long.
    #[must_use]
    pub fn with_write_timeout(self, timeout: Duration) -> Self {
        Self { write_timeout: Some(timeout), ..self }
    }

    /// Reading and writing fail from when the connection is cut off.
    pub(super) fn cut_by(&mut self, watched: Watched) {
        let cancelled = Box::pin(watched.token().clone().cancelled_owned());
        self.cut = Some(Box::new(Cut { watched, cancelled }));
    }

    /// Fails if the connection is cut off.
    fn unless_cut(&self) -> io::Result<()> {
        match &self.cut {
            Some(cut) if cut.watched.token().is_cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    /// Has the task woken that reads, when the connection is cut off.
    fn wake_when_cut(&mut self, cx: &mut Context<'_>) {
        if let Some(cut) = &mut self.cut
            && cut.cancelled.as_mut().poll(cx).is_ready()
        {
            // It was cut off just now: reading fails at once.
            cx.waker().wake_by_ref();
        }
    }

    /// Where the peer is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn unless_stalled<T>(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let Some(timeout) = self.write_timeout else { return Poll::Pending };
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.unless_cut()?;
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            self.wake_when_cut(cx);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.unless_cut()?;
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_stalled(cx, wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unless_cut()?;
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.unless_stalled(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
