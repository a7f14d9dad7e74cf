//! WebSockets by tungstenite, with small buffers: its defaults take 128 KiB and more for each page.

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
const FRAME_BYTES: usize = 16 * 1024;

/// Bytes that may wait to be written: one frame, and the answers to pings.
const MAX_WAITING_BYTES: usize = 4 * FRAME_BYTES;

const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes of the reason in a Close frame, at most (RFC 6455, 5.5).
const MAX_REASON_BYTES: usize = 123;

/// The time that the client has for its part of the close handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A WebSocket over the connection that its request came on.
pub(super) type Connection = Socket<TokioIo<Upgraded>>;

/// A request that may become a WebSocket.
pub(super) struct Upgrade {
    upgrade: Option<OnUpgrade>,
    key: String,
}

/// Passes a request for a WebSocket.
pub(super) fn upgrade() -> impl Filter<Extract = (Upgrade,), Error = Rejection> + Clone {
    warp::ext::optional::<OnUpgrade>()
        .and(warp::ws())
        .and(warp::header::<String>("sec-websocket-key"))
        .map(|upgrade, _, key| Upgrade { upgrade, key })
}

impl Upgrade {
    /// Switches to a WebSocket that accepts messages of so many bytes, and runs in a task of its own.
    pub(super) fn accept<F>(
        self,
        max_message_bytes: usize,
        tasks: &TaskTracker,
        run: impl FnOnce(Connection) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(upgrade) = self.upgrade else { return StatusCode::UPGRADE_REQUIRED.into_response() };
        tasks.spawn(async move {
            // It fails when the client is gone before it has the answer.
            if let Ok(upgraded) = upgrade.await {
                run(Socket::new(TokioIo::new(upgraded), max_message_bytes).await).await;
            }
        });
        let accept = derive_accept_key(self.key.as_bytes());
        let reply = warp::reply::with_header(StatusCode::SWITCHING_PROTOCOLS, CONNECTION, "upgrade");
        let reply = warp::reply::with_header(reply, UPGRADE, "websocket");
        warp::reply::with_header(reply, SEC_WEBSOCKET_ACCEPT, accept).into_response()
    }
}

/// Why the server closes a connection.
/// The code with which a page is closed that has to log in: of those that programs may choose.
const LOGGED_OUT: u16 = 4401;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseReason {
    Stops,
    Protocol,
    NotText,
    Unwanted,
    TooLong,
    TooMany,
    /// Nobody is logged in, or no longer.
    LoggedOut,
}

impl From<CloseReason> for CloseCode {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Stops => Self::Away,
            CloseReason::Protocol => Self::Protocol,
            CloseReason::NotText => Self::Invalid,
            CloseReason::Unwanted => Self::Policy,
            CloseReason::TooLong => Self::Size,
            CloseReason::TooMany => Self::Again,
            CloseReason::LoggedOut => Self::Library(LOGGED_OUT),
        }
    }
}

/// What came from the client.
#[derive(Debug)]
pub(super) enum Received {
    Text(String),
    Binary(Bytes),
    /// A ping, which is answered, or a pong.
    Sign,
    /// The client broke the protocol: close the connection with this.
    Violation(CloseReason, String),
    /// The client closed the connection, or it broke.
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

    /// Waits for what comes next; safe to cancel.
    pub(super) async fn receive(&mut self) -> Received {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Received::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Received::Sign,
            Some(Ok(Message::Close(_))) | None => Received::Gone,
            Some(Err(Error::Capacity(e))) => Received::Violation(CloseReason::TooLong, e.to_string()),
            Some(Err(Error::Utf8(e))) => Received::Violation(CloseReason::NotText, e),
            Some(Err(Error::Protocol(e))) => Received::Violation(CloseReason::Protocol, e.to_string()),
            Some(Err(_)) => Received::Gone,
        }
    }

    /// Sends a text; the client must accept each frame of it within a time.
    ///
    /// # Errors
    /// The client is gone or accepts nothing: drop the socket.
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
            let part = rest.split_to(rest.len().min(FRAME_BYTES));
            let frame = Frame::message(part, OpCode::Data(kind), rest.is_empty());
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

    /// Starts the close handshake with a reason, and waits a little for the client's part of it.
    pub(super) async fn close(mut self, reason: CloseReason, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_REASON_BYTES)];
        let close = CloseFrame { code: reason.into(), reason: text.into() };
        let _ = timeout(CLOSE_TIMEOUT, self.close_handshake(Message::Close(Some(close)))).await;
    }

    /// Answers a close handshake that the client began.
    pub(super) async fn closed(mut self) {
        let _ = timeout(CLOSE_TIMEOUT, self.close_handshake(Message::Close(None))).await;
    }

    /// Reads all that the client still sends: with unread bytes the system would reset the connection, and the client would
    /// never see the Close frame.
    async fn close_handshake(&mut self, close: Message) {
        let _ = self.stream.send(close).await;
        while let Some(Ok(_)) = self.stream.next().await {}
        let stream = self.stream.get_mut();
        let _ = stream.shutdown().await;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
    }
}
