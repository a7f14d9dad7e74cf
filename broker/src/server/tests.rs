//! The server from the outside: clients that speak bytes, and a sink that settles when a test says so.

mod limits;
mod model;
mod promises;
mod requests;
mod restart;
mod sessions;
mod system;

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

use super::probe::{packet, string};
use super::*;

/// How long an answer may take.
const SOON: Duration = Duration::from_secs(10);

/// Takes what begins with `t/`, and settles it at once unless it is to hold it. It takes nothing of `t/vain`.
#[derive(Default)]
struct Recorder {
    taken: Mutex<Vec<Vec<Publish>>>,
    held: Mutex<Option<Vec<(usize, Receipt)>>>,
    subscribed: Mutex<Vec<String>>,
}

impl Recorder {
    fn hold(&self) {
        *self.held.lock().unwrap() = Some(Vec::new());
    }

    /// Settles everything that was held, and what comes later at once.
    fn release(&self) {
        for (count, receipt) in self.held.lock().unwrap().take().unwrap() {
            receipt.settled(count);
        }
    }

    fn payloads(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().flatten().map(|publish| String::from_utf8_lossy(&publish.payload).into_owned()).collect()
    }

    fn kinds(&self) -> Vec<PublishKind> {
        self.taken.lock().unwrap().iter().flatten().map(|publish| publish.kind).collect()
    }
}

impl Sink for Recorder {
    fn collects(&self, topic: &str) -> bool {
        topic.starts_with("t/")
    }

    fn subscribed(&self, filter: &str) {
        self.subscribed.lock().unwrap().push(filter.to_owned());
    }

    fn take(&self, publishes: Vec<Publish>, receipt: Receipt) {
        let count = publishes.len();
        let in_vain = publishes.iter().enumerate().filter(|(_, publish)| publish.topic == "t/vain");
        receipt.takes_nothing_of(in_vain.map(|(place, _)| place).collect());
        self.taken.lock().unwrap().push(publishes);
        match &mut *self.held.lock().unwrap() {
            Some(held) => held.push((count, receipt)),
            None => receipt.settled(count),
        }
    }
}

/// The client that connects as `ann` may do everything but with topics of others.
struct Rights;

#[async_trait]
impl Access for Rights {
    async fn connect(&self, login: Login) -> Result<Caller, Refusal> {
        match login.user_name.as_deref() {
            Some("mallory") => Err(Refusal::BadCredentials),
            Some("slow") => {
                tokio::time::sleep(2 * Limits::default().handshake_timeout).await;
                Ok(Caller { user: None })
            }
            user => Ok(Caller { user: user.map(Arc::from) }),
        }
    }

    fn may_publish(&self, _: &Caller, topic: &str) -> bool {
        !topic.contains("other")
    }

    fn may_subscribe(&self, _: &Caller, filter: &str) -> bool {
        !filter.contains("other")
    }
}

struct Harness {
    server: Server,
    sink: Arc<Recorder>,
    counters: Counters,
}

impl Harness {
    fn new() -> Self {
        Self::with(Limits::default(), None)
    }

    fn with_statistics(every: Duration) -> Self {
        Self::started(Limits::default(), None, every)
    }

    fn with(limits: Limits, sessions: Option<PathBuf>) -> Self {
        Self::started(limits, sessions, Duration::ZERO)
    }

    fn started(limits: Limits, sessions: Option<PathBuf>, statistics: Duration) -> Self {
        let (sink, counters) = (Arc::new(Recorder::default()), Counters::default());
        let (server, upkeep) =
            Server::new(limits, Arc::new(Rights), sink.clone(), counters.clone(), sessions);
        tokio::spawn(upkeep.with_statistics(statistics).run());
        Self { server, sink, counters }
    }

    /// A client of MQTT 5 whose session lasts an hour, with a will that is delayed by so many seconds.
    async fn with_will(&self, flags: u8, id: &str, delay: u8, topic: &str) -> Client {
        let will = [&[5, 24, 0, 0, 0, delay][..], &string(topic), &string("gone")].concat();
        let mut client = self.open();
        client.send(&connect(5, flags | 4, &[17, 0, 0, 14, 16], id, &will)).await;
        client.packet().await;
        client
    }

    /// Lets everything run that can, for a while of paused time.
    async fn moment() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    fn refused(&self, by: Rule) -> u64 {
        self.counters.refused.get_or_create(&RefusedBy { by }).get()
    }

    fn ended(&self, reason: Ending) -> u64 {
        self.counters.ends.get_or_create(&EndsFor { reason }).get()
    }

    fn open(&self) -> Client {
        let (ours, theirs) = duplex(1 << 20);
        let server = self.server.clone();
        tokio::spawn(async move { server.serve(theirs, Peer::plain(([127, 0, 0, 1], 1).into())).await });
        Client(ours)
    }

    /// A client of MQTT 3.1.1 that is connected with a clean session.
    async fn v311(&self, id: &str) -> Client {
        let mut client = self.open();
        client.send(&connect(4, 2, &[], id, &[])).await;
        client.expect(&[0x20, 2, 0, 0]).await;
        client
    }

    /// A client of MQTT 5 with these properties; what CONNACK says is skipped.
    async fn v5(&self, flags: u8, properties: &[u8], id: &str) -> (Client, Vec<u8>) {
        let mut client = self.open();
        client.send(&connect(5, flags, properties, id, &[])).await;
        let connack = client.packet().await;
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:x?}");
        (client, connack)
    }
}

/// CONNECT; `rest` follows the client id: will, user name, password.
fn connect(level: u8, flags: u8, properties: &[u8], id: &str, rest: &[u8]) -> Vec<u8> {
    let mut body = string("MQTT");
    body.extend_from_slice(&[level, flags, 0, 60]);
    if level == 5 {
        body.push(properties.len() as u8);
        body.extend_from_slice(properties);
    }
    body.extend_from_slice(&string(id));
    body.extend_from_slice(rest);
    packet(0x10, &body)
}

/// PUBLISH of MQTT 3.1.1, or of MQTT 5 without properties.
fn publish(level: u8, first: u8, id: u16, topic: &str, payload: &str) -> Vec<u8> {
    let mut body = string(topic);
    if first & 6 != 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    if level == 5 {
        body.push(0);
    }
    body.extend_from_slice(payload.as_bytes());
    packet(first, &body)
}

fn subscribe(level: u8, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = vec![0, 9];
    if level == 5 {
        body.push(0);
    }
    for (filter, options) in filters {
        body.extend_from_slice(&string(filter));
        body.push(*options);
    }
    packet(0x82, &body)
}

struct Client(DuplexStream);

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next packet, whole; its length must be below 128.
    async fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        timeout(SOON, self.0.read_exact(&mut packet)).await.expect("no packet came").expect("closed");
        packet.resize(2 + usize::from(packet[1]), 0);
        timeout(SOON, self.0.read_exact(&mut packet[2..])).await.unwrap().unwrap();
        packet
    }

    async fn expect(&mut self, expected: &[u8]) {
        let packet = self.packet().await;
        assert_eq!(packet, expected, "{packet:x?} instead of {expected:x?}");
    }

    /// The connection is closed without another packet.
    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        timeout(SOON, self.0.read_to_end(&mut rest)).await.expect("not closed").unwrap();
        assert!(rest.is_empty(), "{rest:x?}");
    }

    /// The next packet is a DISCONNECT of MQTT 5 with this reason, and the last.
    async fn expect_disconnect(&mut self, reason: u8) {
        let packet = self.packet().await;
        assert_eq!((packet[0], packet[2]), (0xe0, reason), "{packet:x?}");
        self.expect_end().await;
    }

    /// Everything sent before has been handled once this returns, and nothing but PINGRESP came.
    async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        self.expect(&[0xd0, 0]).await;
    }
}
