//! A client that keeps its part of MQTT's promises, whatever happens to its connection.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// Messages that a client has in flight.
const WINDOW: usize = 4;

/// With paused time this passes only when nobody has anything more to do.
const NOTHING_HAPPENS: Duration = Duration::from_millis(100);

/// After how many bytes in each direction a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) sent: usize,
    pub(super) received: usize,
}

impl Cut {
    pub(super) fn never() -> Self {
        Self { sent: usize::MAX, received: usize::MAX }
    }

    /// A cut at each byte of so many in each direction.
    pub(super) fn each(self) -> impl Iterator<Item = Self> {
        let sent = (0..self.sent).map(|sent| Self { sent, ..Self::never() });
        sent.chain((0..self.received).map(|received| Self { received, ..Self::never() }))
    }
}

/// A message as it was published.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) qos: u8,
    pub(super) payload: String,
}

#[derive(Debug)]
struct InFlight {
    id: u16,
    message: Published,
    /// Whether the server has it, at QoS 2.
    is_received: bool,
}

#[derive(Debug)]
pub(super) struct Device {
    level: u8,
    id: &'static str,
    own_topic: &'static str,
    other_topic: &'static str,
    to_publish: VecDeque<Published>,
    pub(super) published: Vec<Published>,
    in_flight: VecDeque<InFlight>,
    last_id: u16,
    pub(super) heard: Vec<String>,
    /// Messages of QoS 2 that the server has not released.
    unreleased: BTreeSet<u16>,
    /// The bytes of the last connection.
    pub(super) last: Cut,
}

/// A connection that ends after so many bytes.
struct Wire {
    stream: DuplexStream,
    left: Cut,
    used: Cut,
    unread: Vec<u8>,
}

/// The connection is cut, or nothing more happens.
struct Over;

impl Wire {
    fn open(server: &Server, cut: Cut) -> Self {
        let (ours, theirs) = duplex(1 << 20);
        let server = server.clone();
        tokio::spawn(async move { server.serve(theirs, Peer::plain(([127, 0, 0, 1], 1).into())).await });
        Self { stream: ours, left: cut, used: Cut { sent: 0, received: 0 }, unread: Vec::new() }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let count = bytes.len().min(self.left.sent);
        self.stream.write_all(&bytes[..count]).await.map_err(|_| Over)?;
        self.used.sent += count;
        self.left.sent -= count;
        if count < bytes.len() { Err(Over) } else { Ok(()) }
    }

    /// The next packet, whose length is below 128.
    async fn packet(&mut self) -> Result<Vec<u8>, Over> {
        loop {
            if let Some(length) = self.unread.get(1).map(|length| 2 + usize::from(*length))
                && self.unread.len() >= length
            {
                return Ok(self.unread.drain(..length).collect());
            }
            let mut came = vec![0; self.left.received.min(4_096)];
            if came.is_empty() {
                return Err(Over);
            }
            let count = timeout(NOTHING_HAPPENS, self.stream.read(&mut came)).await;
            let count = count.map_err(|_| Over)?.map_err(|_| Over)?;
            if count == 0 {
                return Err(Over);
            }
            self.used.received += count;
            self.left.received -= count;
            self.unread.extend_from_slice(&came[..count]);
        }
    }
}

impl Device {
    pub(super) fn new(
        level: u8,
        id: &'static str,
        own_topic: &'static str,
        other_topic: &'static str,
        messages: u8,
    ) -> Self {
        let to_publish =
            (0..messages).map(|number| Published { qos: number % 3, payload: format!("{id}{number}") });
        Self {
            level,
            id,
            own_topic,
            other_topic,
            to_publish: to_publish.collect(),
            published: Vec::new(),
            in_flight: VecDeque::new(),
            last_id: 0,
            heard: Vec::new(),
            unreleased: BTreeSet::new(),
            last: Cut { sent: 0, received: 0 },
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.to_publish.is_empty() && self.in_flight.is_empty() && self.unreleased.is_empty()
    }

    /// Connects with a session that lasts an hour.
    async fn connect(&self, server: &Server, cut: Cut) -> (Wire, Result<(), Over>) {
        let mut wire = Wire::open(server, cut);
        let hour: &[u8] = if self.level == 5 { &[17, 0, 0, 14, 16] } else { &[] };
        let mut result = wire.send(&connect(self.level, 0, hour, self.id, &[])).await;
        if result.is_ok() {
            result = wire.packet().await.map(|connack| assert_eq!((connack[0], connack[3]), (0x20, 0)));
        }
        (wire, result)
    }

    pub(super) async fn subscribe(&mut self, server: &Server) {
        let (mut wire, _) = self.connect(server, Cut::never()).await;
        let _ = wire.send(&subscribe(self.level, &[(self.other_topic, 2)])).await;
        let Ok(suback) = wire.packet().await else { panic!("no SUBACK") };
        assert_eq!((suback[0], suback.last()), (0x90, Some(&2)));
    }

    /// Connects, sends again what is in flight, and goes on until the connection is cut or nothing more happens.
    pub(super) async fn talk(&mut self, server: &Server, cut: Cut) {
        let (mut wire, result) = self.connect(server, cut).await;
        if result.is_ok() && self.send_again(&mut wire).await.is_ok() {
            while self.step(&mut wire).await.is_ok() {}
        }
        self.last = wire.used;
    }

    async fn send_again(&mut self, wire: &mut Wire) -> Result<(), Over> {
        for InFlight { id, message, is_received } in &self.in_flight {
            let again =
                if *is_received { self.acknowledgement(0x62, *id) } else { self.publish(message, *id, 8) };
            wire.send(&again).await?;
        }
        Ok(())
    }

    /// Publishes what fits into the window, and takes the next packet.
    async fn step(&mut self, wire: &mut Wire) -> Result<(), Over> {
        while self.in_flight.len() < WINDOW
            && let Some(message) = self.to_publish.pop_front()
        {
            self.last_id += 1;
            let packet = self.publish(&message, self.last_id, 0);
            self.published.push(message.clone());
            if message.qos > 0 {
                self.in_flight.push_back(InFlight { id: self.last_id, message, is_received: false });
            }
            wire.send(&packet).await?;
        }
        let packet = wire.packet().await?;
        match self.take(&packet) {
            Some(answer) => wire.send(&answer).await,
            None => Ok(()),
        }
    }

    /// Takes a packet, and returns what it is answered with.
    fn take(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let id = u16::from_be_bytes([packet[2], packet[3]]);
        match packet[0] >> 4 {
            3 => self.hear(packet),
            4 | 7 => {
                self.in_flight.retain(|one| one.id != id);
                None
            }
            5 => {
                let known = self.in_flight.iter_mut().find(|one| one.id == id);
                known.expect("a PUBREC of what is in flight").is_received = true;
                Some(self.acknowledgement(0x62, id))
            }
            6 => {
                self.unreleased.remove(&id);
                Some(self.acknowledgement(0x70, id))
            }
            _ => panic!("{packet:x?}"),
        }
    }

    fn hear(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let qos = packet[0] >> 1 & 3;
        let mut rest = &packet[4 + self.other_topic.len()..];
        let mut id = 0;
        if qos > 0 {
            id = u16::from_be_bytes([rest[0], rest[1]]);
            rest = &rest[2..];
        }
        if self.level == 5 {
            rest = &rest[1..];
        }
        if qos < 2 || self.unreleased.insert(id) {
            self.heard.push(String::from_utf8(rest.to_vec()).unwrap());
        }
        match qos {
            0 => None,
            1 => Some(self.acknowledgement(0x40, id)),
            _ => Some(self.acknowledgement(0x50, id)),
        }
    }

    fn publish(&self, message: &Published, id: u16, duplicate: u8) -> Vec<u8> {
        let first = 0x30 | duplicate | message.qos << 1;
        publish(self.level, first, id, self.own_topic, &message.payload)
    }

    fn acknowledgement(&self, first: u8, id: u16) -> Vec<u8> {
        [&[first, 2][..], &id.to_be_bytes()].concat()
    }
}
