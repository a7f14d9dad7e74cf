//! A device that runs in a thread until a test has seen enough.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Firmware, Said, Series, now};
use crate::SOON;
use crate::mqtt::{Client, Connect, Endpoint, Packet, Subscribe, pingreq};

/// How long a device waits for a packet before it looks at the clock again.
const WAIT: Duration = Duration::from_millis(50);

/// What a device did and heard.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// How many readings of each series it published.
    pub series: Series,
    /// How many messages it published.
    pub published: usize,
    /// How many messages without a reading are among them.
    pub aside: usize,
    /// How many of the published ones were acknowledged: those at QoS 1.
    pub acked: usize,
    /// How many commands it got.
    pub commands: usize,
    /// How many messages it got, its commands and its own ones among them.
    pub heard: usize,
}

/// A device in a thread of its own.
#[derive(Debug)]
pub struct Device {
    /// A command for it: topic and payload.
    pub command: (String, String),
    commands: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Tally, String>>,
}

impl Device {
    /// Connects, with credentials if there are some, and goes through its rounds.
    ///
    /// # Panics
    /// The server does not accept it.
    #[must_use]
    pub fn start(
        firmware: Box<dyn Firmware>,
        address: SocketAddr,
        credentials: Option<&(String, String)>,
        period: Duration,
    ) -> Self {
        let (user, password) =
            credentials.map(|(user, password)| (user.as_bytes().into(), password.as_bytes().into())).unzip();
        let connect = Connect { user, password, ..firmware.connect() };
        let client = Endpoint { address, version: connect.version }.connect_as(&connect);
        let (commands, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let command = firmware.command();
        let mut life = Life {
            firmware,
            client,
            keep_alive: Duration::from_secs(connect.keep_alive.into()),
            sent: Instant::now(),
            unacked: HashSet::new(),
            last_id: 0,
            tally: Tally::default(),
            commands: Arc::clone(&commands),
        };
        let ends = Arc::clone(&over);
        let thread = std::thread::spawn(move || life.live(period, &ends).map(|()| life.tally));
        Self { command, commands, over, thread }
    }

    /// How many commands it got so far.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.commands.load(Ordering::SeqCst)
    }

    /// Whether nothing has happened to it.
    #[must_use]
    pub fn lives(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Lets it wait for its last acknowledgements, and cuts it off without a DISCONNECT. Its will, which follows, is counted.
    ///
    /// # Errors
    /// What happened to it: the server closed the connection, refused or did not answer something.
    pub fn end(self) -> Result<Tally, String> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err("it panicked".into()))
    }
}

struct Life {
    firmware: Box<dyn Firmware>,
    client: Client,
    keep_alive: Duration,
    /// When it sent something last.
    sent: Instant,
    unacked: HashSet<u16>,
    last_id: u16,
    tally: Tally,
    commands: Arc<AtomicUsize>,
}

impl Life {
    fn live(&mut self, period: Duration, over: &AtomicBool) -> Result<(), String> {
        self.say(self.firmware.greeting());
        for (filter, qos) in self.firmware.filters() {
            self.subscribe(&filter, qos)?;
        }
        self.say(self.firmware.introduction());
        let start = Instant::now();
        let mut round = 0;
        while !over.load(Ordering::SeqCst) {
            if start.elapsed() >= period * round as u32 {
                self.say(self.firmware.report(round));
                round += 1;
            }
            self.keep_alive();
            self.hear(WAIT)?;
        }
        self.until_acked()?;
        self.ping()?;
        if let Some(name) = self.firmware.gone() {
            *self.tally.series.entry(name).or_default() += 1;
        }
        Ok(())
    }

    fn say(&mut self, all: Vec<Said>) {
        for Said { mut publish, series } in all {
            if publish.qos > 0 {
                publish.id = self.fresh_id();
                self.unacked.insert(publish.id);
            }
            self.tally.published += 1;
            self.tally.aside += usize::from(series.is_empty());
            for name in series {
                *self.tally.series.entry(name).or_default() += 1;
            }
            self.client.send(&publish.written(self.client.version));
            self.sent = Instant::now();
        }
    }

    fn fresh_id(&mut self) -> u16 {
        self.last_id = if self.last_id == u16::MAX { 1 } else { self.last_id + 1 };
        self.last_id
    }

    fn subscribe(&mut self, filter: &str, qos: u8) -> Result<(), String> {
        let id = self.fresh_id();
        let subscribe = Subscribe::new(id, &[(filter, qos)]);
        self.client.send(&subscribe.written(self.client.version));
        let mut granted = None;
        let until = Instant::now() + SOON;
        while granted.is_none() && Instant::now() < until {
            granted = self.hear(WAIT)?.and_then(|packet| match packet {
                Packet::Suback(suback) if suback.id == id => suback.codes.first().copied(),
                _ => None,
            });
        }
        match granted {
            Some(code) if code < 0x80 => Ok(()),
            other => Err(format!("it may not subscribe to {filter}: {other:?}")),
        }
    }

    fn keep_alive(&mut self) {
        if self.sent.elapsed() * 2 > self.keep_alive {
            self.client.send(&pingreq());
            self.sent = Instant::now();
        }
    }

    /// PINGREQ, and all that comes before its answer.
    fn ping(&mut self) -> Result<(), String> {
        self.client.send(&pingreq());
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            if self.hear(WAIT)? == Some(Packet::Pingresp) {
                return Ok(());
            }
        }
        Err("no answer to a ping".into())
    }

    fn until_acked(&mut self) -> Result<(), String> {
        let until = Instant::now() + SOON;
        while !self.unacked.is_empty() {
            if Instant::now() > until {
                return Err(format!("{} messages got no PUBACK", self.unacked.len()));
            }
            self.hear(WAIT)?;
        }
        Ok(())
    }

    /// One packet, if one comes in this time.
    fn hear(&mut self, within: Duration) -> Result<Option<Packet>, String> {
        let packet = match self.client.next_within(within) {
            Ok(packet) => packet,
            Err(false) => return Ok(None),
            Err(true) => {
                let (end, now) = (self.client.end.as_deref().unwrap_or_default(), now());
                return Err(format!("the connection ended at {now} ({end}) after {:?}", self.tally));
            }
        };
        match &packet {
            Packet::Publish(publish) => {
                self.client.acknowledge(publish);
                self.tally.heard += 1;
                let (topic, payload) = self.firmware.command();
                if publish.topic == topic && publish.payload == payload.as_bytes() {
                    self.obey();
                }
            }
            Packet::Ack(ack) if ack.kind == 4 && ack.reason < 0x80 && self.unacked.remove(&ack.id) => {
                self.tally.acked += 1;
            }
            Packet::Suback(_) | Packet::Pingresp => {}
            other => return Err(format!("the server said {other:?}")),
        }
        Ok(Some(packet))
    }

    fn obey(&mut self) {
        self.tally.commands += 1;
        self.commands.store(self.tally.commands, Ordering::SeqCst);
        self.say(self.firmware.answer(self.tally.commands));
    }
}
