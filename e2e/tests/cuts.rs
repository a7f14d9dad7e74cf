//! A connection may be cut at any byte, in either direction: a client that resumes its session has each message once.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::BTreeMap;

use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Subscribe, Version, ack, first_packet};
use e2e::{Flow, Millrace, SOON, Shape, Start};

fn fresh() -> (tempfile::TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    (folder, millrace)
}

fn endpoint(millrace: &Millrace, version: Version) -> Endpoint {
    Endpoint { address: millrace.mqtt.parse().unwrap(), version }
}

fn resumed(endpoint: Endpoint, name: &str) -> (Client, bool) {
    let (client, connack) = endpoint.try_connect(&Connect::new(endpoint.version, name).lasting(600));
    (client, connack.session_present)
}

/// Values of a device without an identity: a message that is taken twice is stored twice.
const VALUES: [&str; 3] = ["1", "2", "3"];

/// Publishes three readings at QoS 2; the connection is cut after `cut` bytes of the first and second packets of each.
/// Returns false once everything fits before the cut.
fn published_with_a_cut(endpoint: Endpoint, device: &str, cut: usize) -> bool {
    let mut flow = Flow::default();
    let topic = format!("temperature/{device}");
    let (mut client, _) = resumed(endpoint, device);
    let mut left = cut;
    for (number, value) in VALUES.into_iter().enumerate() {
        let bytes = flow.publish(endpoint, number as u64, &topic, value);
        send_up_to(&mut client, &bytes, &mut left);
    }
    // Answers come for what arrived whole; those to the last ones are cut, too.
    while left > 0 && !flow.is_empty() {
        let Ok(Packet::Ack(acked)) = client.next_within(SOON) else { break };
        let (answer, _) = flow.acknowledged(acked.kind, acked.id);
        send_up_to(&mut client, &answer, &mut left);
    }
    let cut_short = left == 0;
    drop(client);
    complete(endpoint, device, flow);
    cut_short
}

fn send_up_to(client: &mut Client, bytes: &[u8], left: &mut usize) {
    let count = bytes.len().min(*left);
    client.send(&bytes[..count]);
    *left -= count;
}

/// Resumes the session and completes everything in flight.
fn complete(endpoint: Endpoint, device: &str, mut flow: Flow) {
    let (mut client, present) = resumed(endpoint, device);
    assert!(present, "the session is still there");
    client.send(&flow.again(endpoint, present));
    while !flow.is_empty() {
        let Packet::Ack(acked) = client.next() else { panic!("not an acknowledgement") };
        let (answer, _) = flow.acknowledged(acked.kind, acked.id);
        client.send(&answer);
    }
    client.disconnect();
}

#[test]
fn readings_of_a_client_that_is_cut_off_at_any_byte_are_stored_once() {
    let (_folder, millrace) = fresh();
    for version in [Version::V311, Version::V5] {
        let endpoint = endpoint(&millrace, version);
        let name = |cut: usize| format!("cut-{}-{cut:04}", version as u8);
        let cuts = (0..).take_while(|cut| published_with_a_cut(endpoint, &name(*cut), *cut)).count();
        assert!(cuts > 60, "only {cuts} cuts");
        let mut stored: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for row in millrace.readings("metric=temperature") {
            let device = row["device"].as_str().unwrap().to_owned();
            stored.entry(device).or_default().push(row["value"].as_f64().unwrap());
        }
        for cut in 0..=cuts {
            let mut values = stored.remove(&name(cut)).unwrap_or_default();
            values.sort_by(f64::total_cmp);
            assert_eq!(values, [1.0, 2.0, 3.0], "{} cut after {cut} bytes", version.name());
        }
    }
}

/// What a receiver at QoS 2 remembers (section 4.3.3): the identifiers that are not released yet.
#[derive(Default)]
struct Receiver {
    heard: Vec<String>,
    unreleased: Vec<u16>,
}

impl Receiver {
    fn answer(&mut self, packet: Packet) -> Vec<u8> {
        match packet {
            Packet::Publish(publish) => {
                if !self.unreleased.contains(&publish.id) {
                    self.unreleased.push(publish.id);
                    self.heard.push(publish.text());
                }
                ack(5, publish.id, 0)
            }
            Packet::Ack(released) if released.kind == 6 => {
                self.unreleased.retain(|id| *id != released.id);
                ack(7, released.id, 0)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Receives until `cut` bytes have come, which may be in the middle of a packet.
fn received_up_to(client: &mut Client, receiver: &mut Receiver, cut: usize) {
    let (mut unread, mut left) = (Vec::new(), cut);
    while left > 0 && receiver_wants_more(receiver) {
        let bytes = client.some_bytes(left);
        left -= bytes.len();
        unread.extend(bytes);
        while let Some((packet, length)) = first_packet(client.version, &unread).unwrap() {
            client.send(&receiver.answer(packet));
            unread.drain(..length);
        }
    }
}

fn receiver_wants_more(receiver: &Receiver) -> bool {
    receiver.heard.len() < VALUES.len() || !receiver.unreleased.is_empty()
}

#[test]
fn messages_to_a_client_that_is_cut_off_at_any_byte_come_once_and_in_order() {
    let (_folder, millrace) = fresh();
    for version in [Version::V311, Version::V5] {
        let endpoint = endpoint(&millrace, version);
        for cut in 1..80 {
            let name = format!("listener-{}-{cut}", version as u8);
            let topic = format!("status/{name}");
            let (mut client, _) = resumed(endpoint, &name);
            client.subscribe_with(&Subscribe::new(1, &[(&topic, 2)]));
            let mut publisher = endpoint.connect(&format!("{name}-publisher"));
            for value in VALUES {
                publisher.publish(&Publish::new(&topic, value).qos(2, 0));
            }
            let mut receiver = Receiver::default();
            received_up_to(&mut client, &mut receiver, cut);
            drop(client);
            let (mut client, present) = resumed(endpoint, &name);
            assert!(present);
            while receiver_wants_more(&receiver) {
                let packet = client.next();
                client.send(&receiver.answer(packet));
            }
            client.ping();
            assert_eq!(receiver.heard, VALUES, "{} cut after {cut} bytes", version.name());
            drop(client);
            endpoint.connect(&name).disconnect();
        }
    }
}
