//! An MQTT server in this process, with paused time: every step runs until nothing more is to be done.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker::server::{Access, Caller, Counters, Limits, Login, Peer, Publish, Receipt, Refusal, Server, Sink};
use e2e::mqtt::{Packet, Version, first_packet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// A moment in which everything that can run does.
const MOMENT: Duration = Duration::from_millis(1);

/// The topic that is collected.
pub const COLLECTED: &str = "c";

/// Everybody may do everything.
struct Open;

#[async_trait]
impl Access for Open {
    async fn connect(&self, _: Login) -> Result<Caller, Refusal> {
        Ok(Caller::default())
    }

    fn may_publish(&self, _: &Caller, _: &str) -> bool {
        true
    }

    fn may_subscribe(&self, _: &Caller, _: &str) -> bool {
        true
    }
}

/// Remembers what was collected, and settles it when the target says so.
#[derive(Default)]
struct Collected {
    payloads: Mutex<Vec<Vec<u8>>>,
    unsettled: Mutex<Vec<(usize, Receipt)>>,
}

impl Sink for Collected {
    fn collects(&self, topic: &str) -> bool {
        topic == COLLECTED
    }

    fn take(&self, publishes: Vec<Publish>, receipt: Receipt) {
        let count = publishes.len();
        self.payloads.lock().unwrap().extend(publishes.into_iter().map(|publish| publish.payload.to_vec()));
        self.unsettled.lock().unwrap().push((count, receipt));
    }
}

/// A server and how much it has collected.
pub struct Broker {
    server: Server,
    collected: Arc<Collected>,
}

/// A client of it.
pub struct Client {
    stream: DuplexStream,
    unread: Vec<u8>,
    pub version: Version,
}

/// Runs this with paused time, against a server that reads no further once a connection has so many publishes in flight.
pub fn run<F: Future<Output = ()>>(in_flight: u16, test: impl FnOnce(Broker) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let collected = Arc::new(Collected::default());
        let limits = Limits { packet_bytes: 4_096, in_flight, ..Limits::default() };
        let (server, upkeep) =
            Server::new(limits, Arc::new(Open), Arc::clone(&collected) as Arc<dyn Sink>, Counters::default(), None);
        tokio::spawn(upkeep.run());
        test(Broker { server, collected }).await;
    });
}

impl Broker {
    pub fn open(&self, version: Version) -> Client {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (server, peer) = (self.server.clone(), Peer::plain(SocketAddr::from(([127, 0, 0, 1], 1))));
        tokio::spawn(async move { server.serve(theirs, peer).await });
        Client { stream: ours, unread: Vec::new(), version }
    }

    /// Settles all that was collected.
    pub fn settle(&self) {
        for (count, receipt) in self.collected.unsettled.lock().unwrap().drain(..) {
            receipt.settled(count);
        }
    }

    /// The payloads that were collected, in order.
    pub fn collected(&self) -> Vec<Vec<u8>> {
        self.collected.payloads.lock().unwrap().clone()
    }
}

impl Client {
    /// Sends bytes, and waits until they are dealt with.
    pub async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed.
        let _ = self.stream.write_all(bytes).await;
        tokio::time::sleep(MOMENT).await;
    }

    /// All packets that have come. The reader panics at what a server may not send.
    pub async fn packets(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        let mut buffer = vec![0; 65_536];
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout(MOMENT, self.stream.read(&mut buffer)).await {
            self.unread.extend(&buffer[..count]);
        }
        while let Some((packet, length)) = first_packet(self.version, &self.unread).unwrap() {
            self.unread.drain(..length);
            packets.push(packet);
        }
        packets
    }
}
