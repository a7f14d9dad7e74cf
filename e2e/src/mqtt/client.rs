//! A client over TCP that sends what a test asks for and waits, for a bounded time, for what it expects.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::packets::{Connect, disconnect};
use super::read::{Connack, Packet, first_packet};
use super::{Properties, Version};
use crate::SOON;

/// Where a client connects, and as what.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub version: Version,
}

/// A connection; dropped, it is cut off without a DISCONNECT.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    pub version: Version,
    unread: Vec<u8>,
    /// Packets that came while another one was waited for.
    pub(super) set_aside: VecDeque<Packet>,
    /// The last packet identifier that a helper took.
    pub(super) last_id: u16,
    /// How the connection ended, in the system's words; none while it has not.
    pub end: Option<String>,
}

/// How the server ended a connection: the packets before the end.
#[derive(Debug)]
pub struct Closed(pub Vec<Packet>);

impl Endpoint {
    /// A connection on which nothing is sent yet.
    ///
    /// # Panics
    /// No server listens.
    #[must_use]
    pub fn open(self) -> Client {
        self.try_open().expect("connect")
    }

    /// A connection on which nothing is sent yet.
    ///
    /// # Errors
    /// No server listens.
    pub fn try_open(self) -> std::io::Result<Client> {
        let stream = TcpStream::connect_timeout(&self.address, SOON)?;
        stream.set_nodelay(true)?;
        // A server that reads no more is noticed by the answer that does not come.
        stream.set_write_timeout(Some(SOON))?;
        let (unread, set_aside) = (Vec::new(), VecDeque::new());
        Ok(Client { stream, version: self.version, unread, set_aside, last_id: 0x6000, end: None })
    }

    /// Sends CONNECT and waits for the CONNACK, whatever it says.
    ///
    /// # Panics
    /// Something else comes.
    #[must_use]
    pub fn try_connect(self, connect: &Connect) -> (Client, Connack) {
        let mut client = self.open();
        client.send(&connect.written());
        match client.next() {
            Packet::Connack(connack) => (client, connack),
            other => panic!("expected CONNACK: {other:?}"),
        }
    }

    /// Connects, and expects to be accepted.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    pub fn connect_as(self, connect: &Connect) -> Client {
        let (client, connack) = self.try_connect(connect);
        assert_eq!(connack.code, 0, "{connack:?}");
        client
    }

    /// Connects with a clean session.
    #[must_use]
    pub fn connect(self, client_id: &str) -> Client {
        self.connect_as(&Connect::new(self.version, client_id))
    }
}

impl Client {
    /// Sends bytes; that the other side has closed meanwhile shows when it is read from.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends as much of these bytes as the other side takes.
    ///
    /// # Panics
    /// The socket is bad.
    pub fn send_some(&mut self, bytes: &[u8]) {
        self.stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a socket");
        self.send(bytes);
    }

    /// Closes this side of the connection only: what was sent before arrives, and answers can still come.
    pub fn end_sending(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// The next packet within this time.
    ///
    /// # Errors
    /// The time is over, or (`true`) the connection is.
    ///
    /// # Panics
    /// The server sends what it may not.
    pub fn next_within(&mut self, within: Duration) -> Result<Packet, bool> {
        if let Some(packet) = self.set_aside.pop_front() {
            return Ok(packet);
        }
        let until = Instant::now() + within;
        loop {
            match first_packet(self.version, &self.unread) {
                Ok(Some((packet, length))) => {
                    self.unread.drain(..length);
                    return Ok(packet);
                }
                Ok(None) => {}
                Err(e) => panic!("{e}"),
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(false);
            }
            self.read_within(left)?;
        }
    }

    fn read_within(&mut self, within: Duration) -> Result<(), bool> {
        self.stream.set_read_timeout(Some(within)).expect("a socket");
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) => {
                self.end = Some("end of stream".into());
                Err(true)
            }
            Ok(count) => {
                self.unread.extend(&buffer[..count]);
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(false),
            // The test itself was stopped for a while.
            Err(e) if e.kind() == ErrorKind::Interrupted => Ok(()),
            Err(e) => {
                self.end = Some(e.to_string());
                Err(true)
            }
        }
    }

    /// The next packet.
    ///
    /// # Panics
    /// None comes.
    #[allow(clippy::should_implement_trait, reason = "an iterator would end where this panics")]
    pub fn next(&mut self) -> Packet {
        self.next_within(SOON).unwrap_or_else(|closed| match closed {
            true => panic!("expected a packet: the connection is closed"),
            false => panic!("expected a packet: none comes"),
        })
    }

    /// Nothing comes in this time, and the connection stays.
    ///
    /// # Panics
    /// A packet comes, or the end.
    pub fn hears_nothing(&mut self, within: Duration) {
        match self.next_within(within) {
            Err(false) => {}
            other => panic!("expected nothing: {other:?}"),
        }
    }

    /// A normal DISCONNECT, and the end of the connection.
    pub fn disconnect(self) {
        self.disconnect_with(None, &Properties::default());
    }

    /// DISCONNECT with a reason, and the end of the connection.
    pub fn disconnect_with(mut self, reason: Option<u8>, properties: &Properties) {
        self.send(&disconnect(reason, properties));
        self.end_sending();
        // The server closes, too: then it has dealt with it.
        while self.next_within(SOON).is_ok() {}
    }

    /// Waits until the server has closed the connection.
    ///
    /// # Panics
    /// It stays open.
    pub fn closed(&mut self) -> Closed {
        self.closed_within(SOON)
    }

    /// Waits until the server has closed the connection.
    ///
    /// # Panics
    /// It stays open.
    pub fn closed_within(&mut self, within: Duration) -> Closed {
        let until = Instant::now() + within;
        let mut packets = Vec::new();
        loop {
            match self.next_within(until.saturating_duration_since(Instant::now())) {
                Ok(packet) => packets.push(packet),
                Err(true) => return Closed(packets),
                Err(false) => panic!("expected the end of the connection: it stays open after {packets:?}"),
            }
        }
    }

    /// Some of the bytes that come next, and at most this many.
    ///
    /// # Panics
    /// None come.
    pub fn some_bytes(&mut self, most: usize) -> Vec<u8> {
        if self.unread.is_empty() {
            self.read_within(SOON).expect("some bytes");
        }
        let count = most.min(self.unread.len());
        self.unread.drain(..count).collect()
    }

    /// The bytes that came before the server closed the connection.
    ///
    /// # Panics
    /// It stays open.
    pub fn closed_raw(&mut self) -> Vec<u8> {
        loop {
            match self.read_within(SOON) {
                Ok(()) => {}
                Err(true) => return std::mem::take(&mut self.unread),
                Err(false) => panic!("expected the end of the connection: it stays open"),
            }
        }
    }
}
