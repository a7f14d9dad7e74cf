//! A device that publishes at QoS 2 as MQTT says, over any number of connections, and knows what is acknowledged.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::AckedReading;
use crate::mqtt::{Client, Connect, Endpoint, Packet, Publish, ack};

/// Publishes that are in flight at once.
const WINDOW: usize = 20;

/// A client's side of QoS 2 (section 4.3.3): pure, so that a connection may end anywhere.
#[derive(Debug, Default)]
pub struct Flow {
    /// By packet identifier.
    in_flight: BTreeMap<u16, InFlight>,
}

#[derive(Debug, Clone)]
struct InFlight {
    publish: Publish,
    number: u64,
    sent: bool,
    received: bool,
}

impl Flow {
    /// The bytes of a new message; it is in flight from now on.
    ///
    /// # Panics
    /// All packet identifiers are in use.
    pub fn publish(&mut self, endpoint: Endpoint, number: u64, topic: &str, payload: &str) -> Vec<u8> {
        let id = (1..).find(|id| !self.in_flight.contains_key(id)).expect("a free packet identifier");
        let publish = Publish::new(topic, payload).qos(2, id);
        let bytes = publish.written(endpoint.version);
        self.in_flight.insert(id, InFlight { publish, number, sent: true, received: false });
        bytes
    }

    /// What answers an acknowledgement, and the number of the message that it completes.
    pub fn acknowledged(&mut self, kind: u8, id: u16) -> (Vec<u8>, Option<u64>) {
        match (kind, self.in_flight.get_mut(&id)) {
            (5, Some(message)) => {
                message.received = true;
                (ack(6, id, 0), None)
            }
            (7, Some(_)) => (Vec::new(), self.in_flight.remove(&id).map(|message| message.number)),
            _ => (Vec::new(), None),
        }
    }

    /// What is sent again over a new connection of the same session, in the order of the packet identifiers.
    #[must_use]
    pub fn again(&self, endpoint: Endpoint, session_present: bool) -> Vec<u8> {
        let each = self.in_flight.iter().map(|(id, message)| match message.received {
            true => ack(6, *id, 0),
            // To a new session it is a new message.
            false => Publish { dup: message.sent && session_present, ..message.publish.clone() }
                .written(endpoint.version),
        });
        each.collect::<Vec<_>>().concat()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}

/// A device in the background that publishes numbered readings until it is to finish.
pub struct Qos2Device {
    acked: Arc<Mutex<HashSet<AckedReading>>>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Qos2Device {
    #[must_use]
    pub fn start(endpoint: Endpoint, device: &str, boot: u64) -> Self {
        let (acked, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let run = Run {
            endpoint,
            device: device.to_owned(),
            boot,
            flow: Flow::default(),
            next: 0,
            acked: Arc::clone(&acked),
            over: Arc::clone(&over),
        };
        Self { acked, over, thread: std::thread::spawn(|| run.until_done()) }
    }

    /// Publishes nothing new, waits until everything is acknowledged, and returns it.
    ///
    /// # Panics
    /// The device has failed.
    #[must_use]
    pub fn finish(self) -> HashSet<AckedReading> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the device ends well");
        std::mem::take(&mut *self.acked.lock().expect("the device has ended"))
    }
}

struct Run {
    endpoint: Endpoint,
    device: String,
    boot: u64,
    flow: Flow,
    next: u64,
    acked: Arc<Mutex<HashSet<AckedReading>>>,
    over: Arc<AtomicBool>,
}

impl Run {
    fn until_done(mut self) {
        while !self.is_done() {
            if let Some(client) = self.connected() {
                self.publish_over(client);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.over.load(Ordering::Relaxed) && self.flow.is_empty()
    }

    /// A connection on which everything in flight was sent again, if the server is there.
    fn connected(&mut self) -> Option<Client> {
        let Ok(mut client) = self.endpoint.try_open() else {
            std::thread::sleep(Duration::from_millis(20));
            return None;
        };
        client.send(&Connect::new(self.endpoint.version, &self.device).lasting(3_600).written());
        match client.next_within(crate::SOON) {
            Ok(Packet::Connack(connack)) if connack.code == 0 => {
                client.send(&self.flow.again(self.endpoint, connack.session_present));
                Some(client)
            }
            _ => None,
        }
    }

    fn publish_over(&mut self, mut client: Client) {
        while !self.is_done() {
            while self.flow.len() < WINDOW && !self.over.load(Ordering::Relaxed) {
                let seq = self.next;
                let payload = self.reading(seq);
                let topic = format!("temperature/{}", self.device);
                client.send(&self.flow.publish(self.endpoint, seq, &topic, &payload));
                self.next += 1;
            }
            let Ok(Packet::Ack(acked)) = client.next_within(crate::SOON) else { return };
            let (answer, completed) = self.flow.acknowledged(acked.kind, acked.id);
            client.send(&answer);
            let reading = completed.map(|seq| (self.device.clone(), self.boot, seq));
            self.acked.lock().expect("no other task panics").extend(reading);
        }
    }

    /// With a time of its own, which is part of a reading's key.
    fn reading(&self, seq: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis();
        format!("{{\"value\":{seq},\"measured_at\":{now},\"boot\":{},\"seq\":{seq}}}", self.boot)
    }
}
