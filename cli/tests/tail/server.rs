//! A dashboard's end of the stream, as a test wants it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Generous, for machines that do much else.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

pub(crate) const AT: i64 = 1_768_473_030_000_000;

pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    pub(crate) async fn connection(&self) -> TcpStream {
        timeout(BOUND, self.listener.accept()).await.unwrap().unwrap().0
    }

    pub(crate) async fn stream(&self) -> Stream<TcpStream> {
        Stream::over(self.connection().await).await
    }

    /// Answers one request without an upgrade.
    pub(crate) async fn answer(&self, status: &str, body: &str) {
        let mut connection = self.connection().await;
        let _ = timeout(BOUND, connection.read(&mut [0; 4096])).await.unwrap().unwrap();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
}

pub(crate) struct Stream<S> {
    socket: WebSocketStream<S>,
    /// What was asked for.
    pub(crate) target: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    pub(crate) async fn over(connection: S) -> Self {
        let mut target = String::new();
        #[allow(clippy::result_large_err, reason = "the library wants it so")]
        let note = |request: &Request, response: Response| {
            target = request.uri().to_string();
            Ok(response)
        };
        let socket = timeout(BOUND, accept_hdr_async(connection, note)).await.unwrap().unwrap();
        Self { socket, target }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// Nobody takes it.
    pub(crate) async fn send(&mut self, frame: &Value) -> Result<(), String> {
        let sent = timeout(BOUND, self.socket.send(Message::text(frame.to_string()))).await;
        sent.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &'static str) {
        self.socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await.unwrap();
        // The other end says goodbye too.
        while let Ok(Some(Ok(_))) = timeout(BOUND, self.socket.next()).await {}
    }
}

/// All sensors, `(topic, value)`, measured when the frame was made.
pub(crate) fn snapshot(sensors: &[(&str, f64)]) -> Value {
    let names: Vec<_> = sensors.iter().enumerate().map(|(id, (topic, _))| json!([id, topic, null])).collect();
    let values: Vec<_> =
        sensors.iter().enumerate().map(|(id, (_, value))| json!([id, value, 0, 0])).collect();
    json!({"type": "snapshot", "at": AT, "names": names, "values": values, "alerts": [], "open_alerts": 0,
           "rejected": 0, "behind": null})
}

/// One sensor, so many milliseconds later.
pub(crate) fn change(id: usize, value: f64, later: i64) -> Value {
    json!({"type": "changes", "at": AT + later * 1000, "values": [[id, value, 0, 0]]})
}
