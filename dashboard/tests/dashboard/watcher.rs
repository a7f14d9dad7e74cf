//! A browser's end of the WebSocket.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::bench::BOUND;

/// Applies frames as the page does.
pub(crate) struct Watcher {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// By `metric/device`.
    pub(crate) devices: BTreeMap<String, Value>,
    pub(crate) alerts: Value,
    pub(crate) rejected: Value,
}

impl Watcher {
    /// # Errors
    /// The answer, where it is no upgrade.
    pub(crate) async fn open(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Response<Option<Vec<u8>>>> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, address, headers).await
    }

    /// A page behind a line so thin that what it does not take piles up at the server.
    pub(crate) async fn thin(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address, &[]).await.unwrap()
    }

    async fn over(
        stream: TcpStream,
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Response<Option<Vec<u8>>>> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(BOUND, client_async(request, stream)).await.unwrap() {
            Ok((socket, _)) => {
                Ok(Self { socket, devices: BTreeMap::new(), alerts: Value::Null, rejected: Value::Null })
            }
            Err(Error::Http(answer)) => Err(*answer),
            Err(e) => panic!("{e}"),
        }
    }

    /// The next frame's text; nothing once the server has closed.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match timeout(BOUND, self.socket.next()).await.expect("a page hears something every two seconds")
            {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Takes the next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        let text = self.text().await.expect("the page is still open");
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["type"].as_str().unwrap() {
            "snapshot" => self.devices.clear(),
            "changes" => {}
            other => panic!("{other}"),
        }
        for device in frame["devices"].as_array().unwrap() {
            let name = |field: &str| device[field].as_str().unwrap();
            self.devices.insert(format!("{}/{}", name("metric"), name("device")), device.clone());
        }
        for (kept, said) in [(&mut self.alerts, &frame["alerts"]), (&mut self.rejected, &frame["rejected"])] {
            if !said.is_null() {
                kept.clone_from(said);
            }
        }
        frame
    }

    /// Takes frames until something holds.
    pub(crate) async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < BOUND, "{:?} {} {}", self.devices, self.alerts, self.rejected);
            self.frame().await;
        }
    }

    pub(crate) fn value(&self, topic: &str) -> Option<f64> {
        self.devices.get(topic)?["value"].as_f64()
    }
}
