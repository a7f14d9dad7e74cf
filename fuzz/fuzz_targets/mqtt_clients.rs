//! Two clients do what MQTT allows, in any order, lose their connections at any time, take over their own sessions and have
//! wills: each message at QoS 2 is collected once, nothing is acknowledged before it is settled, everything is
//! acknowledged in the end, and a will is collected if its client went without a word, and only then.
//!
//! The input is one byte for the version and two for each step.
#![no_main]

use std::collections::BTreeMap;

use e2e::mqtt::{Connect, Packet, Properties, Publish, Subscribe, Version, Will, ack, disconnect, unsubscribe};
use libfuzzer_sys::fuzz_target;
use millrace_fuzz::{Broker, COLLECTED, Client, run};

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Publishes with this identifier (of seven), which may be one in flight: then it is sent again.
    Publish { id: u8, qos: u8, elsewhere: bool },
    Release { id: u8 },
    Subscribe { filter: u8, qos: u8 },
    Unsubscribe { filter: u8 },
    Acknowledge,
    Reconnect { how: Going, clean: bool, will: bool },
    Settle,
}

/// How the connection before ends.
#[derive(Debug, Clone, Copy)]
enum Going {
    /// With a DISCONNECT.
    Politely,
    /// Without a word.
    Cut,
    /// The next one takes over its session.
    TakenOver,
}

impl Step {
    /// The client, the first or not, and its step.
    fn read(what: u8, how: u8) -> (bool, Self) {
        let step = match what >> 1 & 7 {
            0 | 1 => Self::Publish { id: how, qos: how >> 3, elsewhere: how >= 128 },
            2 => Self::Release { id: how },
            3 => Self::Subscribe { filter: how, qos: how >> 2 },
            4 => Self::Unsubscribe { filter: how },
            5 => Self::Acknowledge,
            6 => {
                let going = [Going::Politely, Going::Cut, Going::TakenOver][usize::from(how % 3)];
                Self::Reconnect { how: going, clean: how >> 2 & 1 == 1, will: how >> 3 & 1 == 1 }
            }
            _ => Self::Settle,
        };
        (what & 1 == 1, step)
    }
}

const FILTERS: [&str; 4] = ["c", "#", "d/+", "+"];

/// What one client knows.
struct Device {
    client: Client,
    name: &'static str,
    /// Publishes at QoS 2 that are not released, and whether their PUBREC has come.
    open: BTreeMap<u16, (Vec<u8>, bool)>,
    /// Publishes at QoS 1 that are not acknowledged.
    unacked: Vec<u16>,
    released: Vec<u16>,
    /// Messages of the server that are not acknowledged.
    heard: Vec<(u8, u16)>,
    /// The payload of its will.
    will: Option<Vec<u8>>,
    /// Whether its session outlives the connection: before MQTT 5 a clean one does not.
    is_lasting: bool,
}

impl Device {
    async fn connect(
        broker: &Broker,
        name: &'static str,
        version: Version,
        clean: bool,
        will: Option<Vec<u8>>,
    ) -> Self {
        let mut client = broker.open(version);
        let mut connect = Connect { clean, ..Connect::new(version, name).lasting(600) };
        if let Some(payload) = &will {
            connect = connect.with_will(Will { payload: payload.clone(), ..Will::new(COLLECTED, "") });
        }
        client.send(&connect.written()).await;
        let none = || (BTreeMap::new(), Vec::new(), Vec::new(), Vec::new());
        let (open, unacked, released, heard) = none();
        let is_lasting = version == Version::V5 || !clean;
        Self { client, name, open, unacked, released, heard, will, is_lasting }
    }

    /// Reads what has come; what has this identifier is not settled yet.
    async fn read(&mut self, unsettled: Option<u16>) {
        for packet in self.client.packets().await {
            match packet {
                Packet::Publish(publish) if publish.qos > 0 => self.heard.push((publish.qos + 3, publish.id)),
                Packet::Ack(ack) => {
                    let early = unsettled == Some(ack.id) && matches!(ack.kind, 4 | 5);
                    assert!(!early, "acknowledged before it was settled");
                    self.acked(ack.kind, ack.id);
                },
                Packet::Disconnect { reason, .. } => panic!("{}: disconnected: {reason:#04x}", self.name),
                _ => {}
            }
        }
    }

    fn acked(&mut self, kind: u8, id: u16) {
        match kind {
            4 => {
                let at = self.unacked.iter().position(|one| *one == id).expect("a PUBACK of what is in flight");
                assert_eq!(at, 0, "PUBACKs come in order");
                self.unacked.remove(at);
            }
            5 => self.open.get_mut(&id).expect("a PUBREC of what is in flight").1 = true,
            6 => self.heard.push((7, id)),
            _ => self.released.retain(|one| *one != id),
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [version, steps @ ..] = input else { return };
    let version = if version & 1 == 1 { Version::V5 } else { Version::V311 };
    let steps: Vec<(bool, Step)> = steps.as_chunks().0.iter().map(|[what, how]| Step::read(*what, *how)).collect();
    // More than all steps bring: each publish is to be taken at once.
    run(1_000, |broker| async move {
        let mut devices = [
            Device::connect(&broker, "one", version, true, None).await,
            Device::connect(&broker, "two", version, true, None).await,
        ];
        let mut expected = Vec::new();
        for (number, (first, step)) in steps.into_iter().take(60).enumerate() {
            let device = &mut devices[usize::from(first)];
            take(&broker, device, step, number, &mut expected).await;
        }
        broker.settle();
        for device in &mut devices {
            device.client.send(&[]).await;
            device.read(None).await;
            assert!(device.unacked.is_empty(), "{}: never acknowledged: {:?}", device.name, device.unacked);
            assert!(device.released.is_empty(), "{}: never completed: {:?}", device.name, device.released);
            assert!(device.open.values().all(|(_, received)| *received), "{}: no PUBREC", device.name);
        }
        // What a connection had sent before it was cut arrived, too: it was dealt with before.
        assert_eq!(broker.collected(), expected);
    });
});

async fn take(broker: &Broker, device: &mut Device, step: Step, number: usize, expected: &mut Vec<Vec<u8>>) {
    let version = device.client.version;
    match step {
        Step::Publish { id, qos, elsewhere } => {
            let topic = if elsewhere { "d/x" } else { COLLECTED };
            let new = Publish::new(topic, number.to_string()).qos(qos % 3, u16::from(id % 7) + 1);
            publish(broker, device, new, expected).await;
        }
        Step::Release { id } => {
            let id = u16::from(id % 7) + 1;
            // The PUBREC of a repeat may be on its way: after the release the client would not know it.
            device.read(None).await;
            if matches!(device.open.get(&id), Some((_, true))) {
                device.open.remove(&id);
                device.released.push(id);
                device.client.send(&ack(6, id, 0)).await;
                device.read(None).await;
            }
        }
        Step::Subscribe { filter, qos } => {
            let filter = FILTERS[usize::from(filter % 4)];
            device.client.send(&Subscribe::new(99, &[(filter, qos % 3)]).written(version)).await;
        }
        Step::Unsubscribe { filter } => {
            device.client.send(&unsubscribe(version, 99, &[FILTERS[usize::from(filter % 4)]])).await;
        }
        Step::Acknowledge => {
            device.read(None).await;
            for (kind, id) in std::mem::take(&mut device.heard) {
                device.client.send(&ack(kind, id, 0)).await;
            }
        }
        Step::Reconnect { how, clean, will } => {
            let will = will.then(|| format!("will {number}").into_bytes());
            reconnect(broker, device, (how, clean, will), expected).await;
        }
        Step::Settle => broker.settle(),
    }
}

/// Publishes something new, or again what is in flight with this identifier.
async fn publish(broker: &Broker, device: &mut Device, publish: Publish, expected: &mut Vec<Vec<u8>>) {
    let id = publish.id;
    if let Some((before, _)) = device.open.get(&id) {
        let before = before.clone();
        device.client.send(&before).await;
        return device.read(None).await;
    }
    if device.released.contains(&id) || device.unacked.contains(&id) {
        return;
    }
    let version = device.client.version;
    match publish.qos {
        1 => device.unacked.push(id),
        2 => drop(device.open.insert(id, (publish.clone().again().written(version), false))),
        _ => {}
    }
    let collected = publish.topic == COLLECTED.as_bytes();
    if collected {
        expected.push(publish.payload.clone());
    }
    device.client.send(&publish.written(version)).await;
    device.read(collected.then_some(id)).await;
    assert_eq!(broker.collected().len(), expected.len());
}

async fn reconnect(
    broker: &Broker,
    device: &mut Device,
    (how, clean, will): (Going, bool, Option<Vec<u8>>),
    expected: &mut Vec<Vec<u8>>,
) {
    let version = device.client.version;
    let (open, released) = (std::mem::take(&mut device.open), std::mem::take(&mut device.released));
    match how {
        Going::Politely => {
            device.client.send(&disconnect(None, &Properties::default())).await;
            device.will = None;
        }
        Going::Cut => {
            device.client = broker.open(version);
            device.client.send(&[]).await;
        }
        Going::TakenOver => {}
    }
    expected.extend(device.will.take());
    let is_resumed = device.is_lasting && !clean;
    *device = Device::connect(broker, device.name, version, clean, will).await;
    device.read(None).await;
    assert_eq!(broker.collected().len(), expected.len(), "{}: the will", device.name);
    if !is_resumed {
        return;
    }
    for (id, (bytes, _)) in open {
        device.open.insert(id, (bytes.clone(), false));
        device.client.send(&bytes).await;
    }
    for id in released {
        device.released.push(id);
        device.client.send(&ack(6, id, 0)).await;
    }
    broker.settle();
    device.client.send(&[]).await;
    device.read(None).await;
}
