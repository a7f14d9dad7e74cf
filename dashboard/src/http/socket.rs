//! WebSockets as tungstenite has them, with small buffers: a thousand pages fit where its own would take 256 MiB.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::task::TaskTracker;
use warp::http::StatusCode;
use warp::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use warp::hyper::upgrade::{OnUpgrade, Upgraded};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

/// Bytes of one frame: the buffer of a connection never grows beyond it, however long a message is.
const PIECE_BYTES: usize = 16 * 1024;

/// Bytes that wait to be written: one piece, and the answers to pings.
const MAX_WAITING_BYTES: usize = 4 * PIECE_BYTES;

const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes of a Close frame's reason, at most, as RFC 6455 has it.
const MAX_REASON_BYTES: usize = 123;

/// How long the other end has to answer a Close frame.
const FAREWELL: Duration = Duration::from_secs(2);

/// Over the connection that a request came on.
pub(super) type Upgrading = Socket<TokioIo<Upgraded>>;

/// A request that may become a WebSocket.
pub(super) struct Upgrade {
    upgrade: Option<OnUpgrade>,
    key: String,
}

/// Refuses what does not ask for a WebSocket.
pub(super) fn upgrade() -> impl Filter<Extract = (Upgrade,), Error = Rejection> + Clone {
    warp::ext::optional::<OnUpgrade>()
        .and(warp::ws())
        .and(warp::header::<String>("sec-websocket-key"))
        .map(|upgrade, _, key| Upgrade { upgrade, key })
}

impl Upgrade {
    /// Switches to a WebSocket that takes messages of so many bytes, and lives in a task of its own.
    pub(super) fn accept<F>(
        self,
        max_message_bytes: usize,
        tasks: &TaskTracker,
        live: impl FnOnce(Upgrading) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(upgrade) = self.upgrade else { return StatusCode::UPGRADE_REQUIRED.into_response() };
        tasks.spawn(async move {
            // It fails when the other end is gone before it has the answer.
            if let Ok(upgraded) = upgrade.await {
                live(Socket::new(TokioIo::new(upgraded), max_message_bytes).await).await;
            }
        });
        let accept = derive_accept_key(self.key.as_bytes());
        let reply = warp::reply::with_header(StatusCode::SWITCHING_PROTOCOLS, CONNECTION, "upgrade");
        let reply = warp::reply::with_header(reply, UPGRADE, "websocket");
        warp::reply::with_header(reply, SEC_WEBSOCKET_ACCEPT, accept).into_response()
    }
}

/// What the other end may be told when a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Stops,
    Protocol,
    NotText,
    Unwanted,
    TooLong,
    TooMany,
}

impl From<Why> for CloseCode {
    fn from(why: Why) -> Self {
        match why {
            Why::Stops => Self::Away,
            Why::Protocol => Self::Protocol,
            Why::NotText => Self::Invalid,
            Why::Unwanted => Self::Policy,
            Why::TooLong => Self::Size,
            Why::TooMany => Self::Again,
        }
    }
}

/// What came from the other end.
#[derive(Debug)]
pub(super) enum Heard {
    Text(String),
    Binary(Bytes),
    /// A ping, which is answered, or a pong.
    Sign,
    /// What cannot be gone on after: close with this.
    Wrong(Why, String),
    /// It has closed or broken the connection.
    Gone,
}

/// The server's end of a WebSocket.
pub(super) struct Socket<S> {
    stream: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) async fn new(stream: S, max_message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WAITING_BYTES)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes));
        Self { stream: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await }
    }

    /// The next thing that comes; safe to cancel.
    pub(super) async fn hear(&mut self) -> Heard {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Heard::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Sign,
            Some(Ok(Message::Close(_))) | None => Heard::Gone,
            Some(Err(Error::Capacity(e))) => Heard::Wrong(Why::TooLong, e.to_string()),
            Some(Err(Error::Utf8(e))) => Heard::Wrong(Why::NotText, e),
            Some(Err(Error::Protocol(e))) => Heard::Wrong(Why::Protocol, e.to_string()),
            Some(Err(_)) => Heard::Gone,
        }
    }

    /// Sends a text; each piece of it is to be taken within a time.
    ///
    /// # Errors
    /// The other end is gone, or takes nothing: drop the socket.
    pub(super) async fn text(&mut self, text: Bytes, within: Duration) -> Result<(), ()> {
        self.send(Data::Text, text, within).await
    }

    /// # Errors
    /// As [`Socket::text`].
    pub(super) async fn binary(&mut self, bytes: Bytes, within: Duration) -> Result<(), ()> {
        self.send(Data::Binary, bytes, within).await
    }

    /// # Errors
    /// As [`Socket::text`].
    pub(super) async fn ping(&mut self, within: Duration) -> Result<(), ()> {
        self.write(Message::Ping(Bytes::new()), within).await
    }

    async fn send(&mut self, mut kind: Data, mut rest: Bytes, within: Duration) -> Result<(), ()> {
        loop {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            let frame = Frame::message(piece, OpCode::Data(kind), rest.is_empty());
            self.write(Message::Frame(frame), within).await?;
            if rest.is_empty() {
                return Ok(());
            }
            kind = Data::Continue;
        }
    }

    async fn write(&mut self, message: Message, within: Duration) -> Result<(), ()> {
        matches!(timeout(within, self.stream.send(message)).await, Ok(Ok(()))).then_some(()).ok_or(())
    }

    /// Says why, and waits a little until the other end has heard it.
    pub(super) async fn close(mut self, why: Why, reason: &str) {
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
        let close = CloseFrame { code: why.into(), reason: reason.into() };
        let _ = timeout(FAREWELL, self.farewell(Message::Close(Some(close)))).await;
    }

    /// Ends a connection that the other end has closed.
    pub(super) async fn closed(mut self) {
        let _ = timeout(FAREWELL, self.farewell(Message::Close(None))).await;
    }

    /// What is left unread when a connection ends makes the system throw away what is on its way to the other end.
    async fn farewell(&mut self, close: Message) {
        let _ = self.stream.send(close).await;
        while let Some(Ok(_)) = self.stream.next().await {}
        let stream = self.stream.get_mut();
        let _ = stream.shutdown().await;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
    }
}
