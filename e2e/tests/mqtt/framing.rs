//! Packets as bytes: types, flags, lengths, strings, and however they are cut in pieces.

use e2e::mqtt::{
    Client, Packet, Properties, Publish, Subscribe, ack, packet, pingreq, property, text, unsubscribe, varint,
};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    reserved_packet_types_end_the_connection v31: "2.1" v311: "2.2.2-2" v5: "4.13.1-1";
    packets_of_a_server_end_the_connection v311: "2.2.2-2" v5: "4.13.1-1";
    reserved_flags_end_the_connection
        v311: "2.2.2-1 2.2.2-2 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1" v5: "2.1.3-1 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1 3.15.1-1";
    a_length_of_five_bytes_ends_the_connection v31: "2.1" v311: "2.2.3" v5: "1.5.5-1";
    a_length_that_is_longer_than_need_be_ends_the_connection v5: "1.5.5-1";
    a_packet_above_the_maximum_ends_the_connection v311: "4.8.0-1" v5: "3.2.2-15 4.13.1-1";
    a_packet_cut_short_ends_the_connection v311: "4.8.0-1" v5: "4.13.1-1";
    bytes_after_the_last_field_end_the_connection v311: "4.8.0-1" v5: "4.13.1-1";
    packets_may_come_byte_by_byte v31: "2.1" v311: "4.2.0-1" v5: "4.2-1";
    packets_may_be_cut_anywhere v311: "4.2.0-1" v5: "4.2-1";
    many_packets_may_come_at_once v31: "2.1" v311: "4.2.0-1 4.6.0-2" v5: "4.2-1";
    every_length_of_a_packet_is_read v311: "2.2.3" v5: "1.5.5-1";
    a_connection_cut_within_a_packet_leaves_nothing v311: "4.2.0-1" v5: "4.2-1";
}

fn reserved_packet_types_end_the_connection(mqtt: &Scope) {
    mqtt.ends_on("zero", &[0x00, 0], MALFORMED);
    match mqtt.is_v5() {
        // AUTH, where no authentication goes on.
        true => mqtt.ends_on("fifteen", &[0xF0, 0], MALFORMED),
        false => mqtt.ends_on("fifteen", &[0xF0, 0], &[]),
    }
}

fn packets_of_a_server_end_the_connection(mqtt: &Scope) {
    let connack: &[u8] = if mqtt.is_v5() { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] };
    let suback: &[u8] = if mqtt.is_v5() { &[0x90, 4, 0, 1, 0, 0] } else { &[0x90, 3, 0, 1, 0] };
    let unsuback: &[u8] = if mqtt.is_v5() { &[0xB0, 4, 0, 1, 0, 0] } else { &[0xB0, 2, 0, 1] };
    for packet in [connack, suback, unsuback, &[0xD0, 0]] {
        mqtt.ends_on("server", packet, MALFORMED);
    }
}

fn reserved_flags_end_the_connection(mqtt: &Scope) {
    let version = mqtt.version();
    let subscribe = Subscribe::new(1, &[("a", 0)]).written(version);
    let packets = [
        (ack(4, 1, 0), 0x01),
        (ack(5, 1, 0), 0x08),
        (ack(6, 1, 0), 0x02),
        (ack(6, 1, 0), 0x01),
        (ack(7, 1, 0), 0x04),
        (subscribe.clone(), 0x02),
        (subscribe, 0x08),
        (unsubscribe(version, 1, &["a"]), 0x02),
        (pingreq(), 0x01),
        (packet(0xE0, &[]), 0x02),
    ];
    for (mut bytes, flip) in packets {
        bytes[0] ^= flip;
        mqtt.ends_on("flags", &bytes, MALFORMED);
    }
    if mqtt.is_v5() {
        mqtt.ends_on("flags", &[0xF1, 2, 0x18, 0], MALFORMED);
    }
    let mut connect = mqtt.request("flags").written();
    connect[0] |= 1;
    mqtt.refused(&connect, &[]);
}

fn a_length_of_five_bytes_ends_the_connection(mqtt: &Scope) {
    for first in [0x30, 0x82, 0xC0] {
        mqtt.ends_on("length", &[first, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], &[0x81, 0x82, 0x95]);
    }
    let mut client = mqtt.endpoint.open();
    client.send(&[0x10, 0x80, 0x80, 0x80, 0x80, 0x01]);
    assert!(client.closed_raw().is_empty());
}

fn a_length_that_is_longer_than_need_be_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("length", &[0xC0, 0x80, 0x00], MALFORMED);
}

fn a_packet_above_the_maximum_ends_the_connection(mqtt: &Scope) {
    let (mut client, connack) = mqtt.endpoint.try_connect(&mqtt.request("large"));
    if !mqtt.strict && connack.number(property::MAXIMUM_PACKET_SIZE).is_none() {
        return;
    }
    client.send(&[&[0x30], varint(268_435_455).as_slice(), &text("a")].concat());
    mqtt.ended(&mut client, &[0x95]);
}

fn a_packet_cut_short_ends_the_connection(mqtt: &Scope) {
    let version = mqtt.version();
    let whole = [
        Publish::new("topic", "").qos(1, 1).written(version),
        Subscribe::new(1, &[("topic", 0)]).written(version),
        unsubscribe(version, 1, &["topic"]),
        packet(0x40, &[0, 1]),
        packet(0x62, &[0, 1]),
    ];
    for bytes in whole {
        let (first, body) = (bytes[0], &bytes[2..]);
        for length in 0..body.len() {
            mqtt.ends_on("cut", &packet(first, &body[..length]), MALFORMED);
        }
    }
}

fn bytes_after_the_last_field_end_the_connection(mqtt: &Scope) {
    mqtt.ends_on("ping", &packet(0xC0, &[0]), MALFORMED);
    if mqtt.is_v5() {
        mqtt.ends_on("puback", &packet(0x40, &[0, 1, 0, 0, 0]), MALFORMED);
        mqtt.ends_on("disconnect", &packet(0xE0, &[0, 0, 0]), MALFORMED);
    } else {
        mqtt.ends_on("puback", &packet(0x40, &[0, 1, 0]), MALFORMED);
        mqtt.ends_on("disconnect", &packet(0xE0, &[0]), MALFORMED);
    }
}

/// CONNECT, SUBSCRIBE, a PUBLISH at each QoS, PUBREL and PINGREQ.
fn conversation(mqtt: &Scope, name: &str) -> Vec<u8> {
    let (version, topic) = (mqtt.version(), mqtt.topic(name));
    let mut bytes = mqtt.request(name).written();
    bytes.extend(Subscribe::new(1, &[(&topic, 2)]).written(version));
    for qos in 0..3 {
        let publish = Publish::new(&topic, format!("at {qos}")).qos(qos, u16::from(qos) + 1);
        bytes.extend(publish.written(version));
    }
    [bytes, ack(6, 3, 0), pingreq()].concat()
}

/// Its answers: the order within each kind is given, and between kinds it is free.
fn answered(client: &mut Client) {
    let mut publishes = Vec::new();
    let mut others = Vec::new();
    while publishes.len() + others.len() < 9 {
        match client.next() {
            Packet::Connack(_) => others.push("connack".to_owned()),
            Packet::Suback(suback) => others.push(format!("suback {}", suback.id)),
            Packet::Ack(ack) => others.push(format!("{} {}", ack.kind, ack.id)),
            Packet::Publish(publish) => publishes.push(publish.text()),
            Packet::Pingresp => others.push("pingresp".into()),
            other => panic!("{other:?}"),
        }
    }
    others.sort();
    publishes.sort();
    assert_eq!(others, ["4 2", "5 3", "7 3", "connack", "pingresp", "suback 1"]);
    assert_eq!(publishes, ["at 0", "at 1", "at 2"]);
}

fn packets_may_come_byte_by_byte(mqtt: &Scope) {
    let mut client = mqtt.endpoint.open();
    for byte in conversation(mqtt, "bytes") {
        client.send(&[byte]);
    }
    answered(&mut client);
}

fn packets_may_be_cut_anywhere(mqtt: &Scope) {
    let bytes = conversation(mqtt, "cut");
    for at in 1..bytes.len() {
        let mut client = mqtt.endpoint.open();
        client.send(&bytes[..at]);
        // So that the server sees the first part alone, at least where the CONNECT is whole.
        let connected = client.next_within(std::time::Duration::from_millis(2));
        client.send(&bytes[at..]);
        match connected {
            Ok(Packet::Connack(_)) => answered_after_connack(&mut client),
            Err(false) => answered(&mut client),
            other => panic!("cut at {at}: {other:?}"),
        }
    }
}

fn answered_after_connack(client: &mut Client) {
    let rest: Vec<Packet> = (0..8).map(|_| client.next()).collect();
    let publishes = rest.iter().filter(|packet| matches!(packet, Packet::Publish(_))).count();
    assert_eq!(publishes, 3, "{rest:?}");
}

fn many_packets_may_come_at_once(mqtt: &Scope) {
    let (version, topic) = (mqtt.version(), mqtt.topic("a"));
    let publishes = (1..=200).flat_map(|id| Publish::new(&topic, "x").qos(1, id).written(version));
    let bytes: Vec<u8> =
        mqtt.request("many").written().into_iter().chain(publishes).chain(pingreq()).collect();
    let mut client = mqtt.endpoint.open();
    client.send(&bytes);
    assert!(matches!(client.next(), Packet::Connack(_)));
    // PUBACKs come in the order of the publishes; PINGRESP anywhere.
    let came: Vec<Packet> = (0..201).map(|_| client.next()).collect();
    let ids: Vec<u16> = came
        .iter()
        .filter_map(|packet| match packet {
            Packet::Ack(ack) => Some(ack.id),
            _ => None,
        })
        .collect();
    assert_eq!(ids, (1..=200).collect::<Vec<u16>>());
}

fn every_length_of_a_packet_is_read(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    for length in [0, 1, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 16_300, 16_383, 16_384, 60_000] {
        mqtt.publish(&mut publisher, &topic, &"x".repeat(length), 1);
        assert_eq!(subscriber.next_publish().payload.len(), length);
    }
}

fn a_connection_cut_within_a_packet_leaves_nothing(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    let whole = Publish::new(&topic, "never").qos(1, 1).with(Properties::default()).written(mqtt.version());
    for length in 1..whole.len() {
        let mut client = mqtt.connect("cut");
        client.send(&whole[..length]);
    }
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}
