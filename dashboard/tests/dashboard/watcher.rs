//! A browser's end of the WebSocket.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::BOUND;

pub(crate) const FRESH: u64 = 0;
pub(crate) const STALE: u64 = 1;
pub(crate) const OFFLINE: u64 = 2;

/// The newest reading of a sensor, as the page knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) value: f64,
    pub(crate) unit: Option<String>,
    pub(crate) measured_at: Timestamp,
    pub(crate) state: u64,
}

/// Applies frames as the page does.
pub(crate) struct Watcher {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// Series and unit of each id.
    names: BTreeMap<u64, (String, Option<String>)>,
    /// By topic.
    pub(crate) devices: BTreeMap<String, Shown>,
    /// What a frame says when it has changed: `alerts`, `open_alerts`, `rejected`, `behind`.
    pub(crate) counts: BTreeMap<&'static str, Value>,
}

/// What is in a frame only when it has changed.
const COUNTS: [&str; 4] = ["alerts", "open_alerts", "rejected", "behind"];

impl Watcher {
    /// # Errors
    /// The answer, where it is no upgrade.
    pub(crate) async fn open(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Response<Option<Vec<u8>>>> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, address, "/ws", headers).await
    }

    /// Of these topics, as they are written in a URL.
    pub(crate) async fn of(address: SocketAddr, topics: &str) -> Result<Self, Response<Option<Vec<u8>>>> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, address, &format!("/ws?topics={topics}"), &[]).await
    }

    /// A page behind a line so thin that what it does not take piles up at the server.
    pub(crate) async fn thin(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address, "/ws", &[]).await.unwrap()
    }

    /// A page on another machine, as far as its address goes.
    pub(crate) async fn from(own: &str, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{own}:0").parse().unwrap()).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address, "/ws", &[]).await.unwrap()
    }

    async fn over(
        stream: TcpStream,
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Response<Option<Vec<u8>>>> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(BOUND, client_async(request, stream)).await.unwrap() {
            Ok((socket, _)) => {
                Ok(Self { socket, names: BTreeMap::new(), devices: BTreeMap::new(), counts: BTreeMap::new() })
            }
            Err(Error::Http(answer)) => Err(*answer),
            Err(e) => panic!("{e}"),
        }
    }

    /// The next frame's text; nothing once the server has closed.
    pub(crate) async fn text(&mut self) -> Option<String> {
        self.text_or_end().await.ok()
    }

    /// The next frame's text, or why the server has closed: none where it has just gone.
    async fn text_or_end(&mut self) -> Result<String, Option<(u16, String)>> {
        loop {
            match timeout(BOUND, self.socket.next()).await.expect("a page hears something every two seconds")
            {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(Some((close.code.into(), close.reason.to_string())));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(None),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The code and the reason with which the server closes, after the frames before.
    pub(crate) async fn end(&mut self) -> Option<(u16, String)> {
        loop {
            if let Err(end) = self.text_or_end().await {
                return end;
            }
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Takes the next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        let text = self.text().await.expect("the page is still open");
        let frame: Value = serde_json::from_str(&text).unwrap();
        self.apply(&frame);
        frame
    }

    fn apply(&mut self, frame: &Value) {
        let is_snapshot = match frame["type"].as_str().unwrap() {
            "snapshot" => true,
            "changes" => false,
            other => panic!("{other}"),
        };
        if is_snapshot {
            self.names.clear();
            self.devices.clear();
        }
        for row in rows(frame, "names") {
            let unit = row[2].as_str().map(str::to_owned);
            self.names.insert(row[0].as_u64().unwrap(), (row[1].as_str().unwrap().to_owned(), unit));
        }
        let at = frame["at"].as_i64().unwrap();
        for row in rows(frame, "values") {
            let (topic, unit) = &self.names[&row[0].as_u64().unwrap()];
            let shown = Shown {
                value: row[1].as_f64().unwrap(),
                unit: unit.clone(),
                measured_at: Timestamp::from_microsecond(at - row[2].as_i64().unwrap()).unwrap(),
                state: row[3].as_u64().unwrap(),
            };
            self.devices.insert(topic.clone(), shown);
        }
        for name in COUNTS {
            match frame.get(name) {
                Some(count) => drop(self.counts.insert(name, count.clone())),
                None => assert!(!is_snapshot, "a snapshot has {name}"),
            }
        }
    }

    /// Takes frames until something holds.
    pub(crate) async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < BOUND, "{:?} {:?}", self.devices, self.counts);
            self.frame().await;
        }
    }

    pub(crate) fn value(&self, topic: &str) -> Option<f64> {
        self.devices.get(topic).map(|shown| shown.value)
    }

    /// Nothing before the first frame.
    pub(crate) fn count(&self, name: &str) -> &Value {
        self.counts.get(name).unwrap_or(&Value::Null)
    }

    /// The rules and devices of the alerts that are listed.
    pub(crate) fn alerts(&self) -> Vec<(&str, &str)> {
        let alerts = self.counts.get("alerts").and_then(Value::as_array).into_iter().flatten();
        alerts.map(|alert| (alert["rule"].as_str().unwrap(), alert["device"].as_str().unwrap())).collect()
    }
}

/// The rows that a frame has under a name; none are left out.
pub(crate) fn rows<'a>(frame: &'a Value, name: &str) -> &'a [Value] {
    frame.get(name).map_or(&[], |rows| rows.as_array().unwrap())
}
