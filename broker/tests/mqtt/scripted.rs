//! A broker that does what a test tells it to, one packet at a time.

use std::time::Duration;

use broker::{BrokerUrl, Outbox, OutboxConfig, Presence};
use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::Error;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Nothing here takes this long unless it hangs.
const BOUND: Duration = Duration::from_secs(20);

/// Of every client here.
pub(crate) const CLIENT_ID: &str = "scripted-client";

const MAX_PACKET_BYTES: usize = 2 * 1024 * 1024;

/// Waits for what must happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"))
}

/// Waits for a task that must end.
pub(crate) async fn joined<T>(what: &str, task: JoinHandle<T>) -> T {
    within(what, task).await.expect("a task does not panic")
}

pub(crate) struct Scripted {
    listener: TcpListener,
}

/// A connection that has sent its CONNECT; dropping it cuts the line.
pub(crate) struct Line {
    stream: TcpStream,
    received: BytesMut,
    pub(crate) connect: Connect,
}

impl Scripted {
    pub(crate) async fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("bind a free port") }
    }

    pub(crate) fn url(&self) -> BrokerUrl {
        let address = self.listener.local_addr().expect("a bound listener has an address");
        format!("mqtt://{address}").parse().expect("an address makes a URL")
    }

    /// An outbox for this broker, with its connection running.
    pub(crate) fn outbox(&self, window: u16, presence: Option<Presence>) -> (Outbox, JoinHandle<()>) {
        let outbox = OutboxConfig { url: self.url(), client_id: CLIENT_ID.into(), window, presence };
        let (publisher, connection) = outbox.open();
        (publisher, tokio::spawn(connection))
    }

    /// The next connection; nothing is said on it yet.
    pub(crate) async fn accept(&self) -> Line {
        within("a connection", async {
            loop {
                let line = self.accept_any().await;
                // A stranger may still be looking for a broker that had this port before.
                if let Some(line) = line.filter(|line| line.connect.client_id.starts_with(CLIENT_ID)) {
                    return line;
                }
            }
        })
        .await
    }

    async fn accept_any(&self) -> Option<Line> {
        let (mut stream, _) = self.listener.accept().await.expect("accept");
        stream.set_nodelay(true).expect("a connected stream takes options");
        let mut received = BytesMut::new();
        match read(&mut stream, &mut received).await {
            Some(Packet::Connect(connect)) => Some(Line { stream, received, connect }),
            _ => None,
        }
    }

    /// The next connection, welcomed.
    pub(crate) async fn welcome(&self, session_present: bool) -> Line {
        let mut line = self.accept().await;
        line.say(&connack(session_present)).await;
        line
    }
}

impl Line {
    /// The next packet but pings, which are answered; none when the client has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        within("a packet", async {
            loop {
                match read(&mut self.stream, &mut self.received).await? {
                    Packet::PingReq => self.say(&Packet::PingResp).await,
                    packet => return Some(packet),
                }
            }
        })
        .await
    }

    pub(crate) async fn publish(&mut self) -> Publish {
        match self.next().await {
            Some(Packet::Publish(publish)) => publish,
            other => panic!("expected PUBLISH, got {other:?}"),
        }
    }

    /// Takes as many publishes; their packet identifiers and texts.
    pub(crate) async fn publishes(&mut self, count: usize) -> (Vec<u16>, Vec<String>) {
        let mut taken = (Vec::new(), Vec::new());
        for _ in 0..count {
            let publish = self.publish().await;
            taken.0.push(publish.pkid);
            taken.1.push(text(&publish.payload));
        }
        taken
    }

    pub(crate) async fn say(&mut self, packet: &Packet) {
        self.say_bytes(&encoded(packet)).await;
    }

    pub(crate) async fn say_half(&mut self, packet: &Packet) {
        let bytes = encoded(packet);
        self.say_bytes(&bytes[..bytes.len() / 2]).await;
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        // A client that is gone hears nothing.
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn puback(&mut self, pkid: u16) {
        self.say(&Packet::PubAck(PubAck { pkid })).await;
    }

    pub(crate) async fn subscribe(&mut self) -> Subscribe {
        match self.next().await {
            Some(Packet::Subscribe(subscribe)) => subscribe,
            other => panic!("expected SUBSCRIBE, got {other:?}"),
        }
    }

    /// Takes the subscription and grants it.
    pub(crate) async fn grant(&mut self) -> Subscribe {
        let subscribe = self.subscribe().await;
        let codes = subscribe.filters.iter().map(|f| SubscribeReasonCode::Success(f.qos)).collect();
        self.say(&Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await;
        subscribe
    }

    /// Delivers a message.
    pub(crate) async fn deliver(&mut self, qos: QoS, pkid: u16, text: &str) {
        let mut publish = Publish::new("temperature/lab", qos, text);
        publish.pkid = pkid;
        self.say(&Packet::Publish(publish)).await;
    }

    /// Acks whatever comes, until the client says goodbye or is gone; what came.
    pub(crate) async fn serve(mut self) -> Vec<Publish> {
        let mut taken = Vec::new();
        while let Some(Packet::Publish(publish)) = self.next().await {
            self.puback(publish.pkid).await;
            taken.push(publish);
        }
        taken
    }
}

pub(crate) fn connack(session_present: bool) -> Packet {
    Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, session_present))
}

pub(crate) fn text(payload: &Bytes) -> String {
    String::from_utf8_lossy(payload).into_owned()
}

fn encoded(packet: &Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, MAX_PACKET_BYTES).expect("a scripted packet is valid");
    bytes
}

async fn read(stream: &mut TcpStream, received: &mut BytesMut) -> Option<Packet> {
    loop {
        match Packet::read(received, MAX_PACKET_BYTES) {
            Ok(packet) => return Some(packet),
            Err(Error::InsufficientBytes(_)) => {}
            Err(e) => panic!("the client broke the protocol: {e}"),
        }
        if stream.read_buf(received).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
