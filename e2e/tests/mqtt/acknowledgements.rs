//! Reasons and properties of acknowledgements in MQTT 5, and acknowledgements of what is not in flight.

use e2e::mqtt::{
    Ack, Client, Connect, Packet, Properties, Property, Publish, Received, Subscribe, ack, packet, pingreq,
    property, text, unsubscribe,
};

use crate::suite::{Scope, cases};

cases! {
    a_pubrel_of_nothing_is_answered v31: "4" v311: "4.3.3-2" v5: "4.3.3-11 3.7.2-1";
    acknowledgements_of_nothing_change_nothing v31: "4" v311: "4.8.0-2" v5: "4.13.2-1";
    a_qos_1_message_is_completed_by_a_puback_only v31: "4" v311: "4.3.2-1" v5: "4.3.2-3";
    a_qos_2_message_is_completed_by_pubrec_and_pubcomp_only v31: "4" v311: "4.3.3-1" v5: "4.3.3-3 4.3.3-6";
    every_packet_may_bear_user_properties v5: "1.5.7-1";
    no_reasons_in_words_where_none_are_wanted v5: "3.1.2-29";
    acknowledgements_fit_the_maximum_packet_size
        v5: "3.4.2-2 3.4.2-3 3.5.2-2 3.5.2-3 3.7.2-2 3.7.2-3 3.9.2-1 3.9.2-2 3.11.2-1 3.11.2-2";
    a_pubrel_may_bear_a_reason_and_properties v5: "3.6.2-1 4.3.3-11";
    an_unknown_reason_ends_the_connection v5: "4.13.1-1";
}

fn a_pubrel_of_nothing_is_answered(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    for id in [1, 77, 65_535] {
        client.send(&ack(6, id, 0));
        let reason = client.expect_ack(7, id).reason;
        assert_eq!(reason, if mqtt.is_v5() { 0x92 } else { 0 });
    }
}

fn acknowledgements_of_nothing_change_nothing(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut client = mqtt.connect("a");
    client.subscribe(&topic, 1);
    // A server may ignore them or end the connection; it must not fall ill.
    for kind in [4, 7, 5] {
        let mut other = mqtt.connect(&kind.to_string());
        other.send(&ack(kind, 77, 0));
        let _ = other.next_within(crate::suite::A_MOMENT);
    }
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "x", 1);
    client.hear("x");
}

/// A client with a message in flight sends these acknowledgements of it, which it should not: the message comes again. A server
/// may end the connection instead of ignoring them.
fn comes_again_after(mqtt: &Scope, name: &str, qos: u8, kinds: &[u8]) -> (Client, Received) {
    let topic = mqtt.topic(name);
    let mut subscriber = mqtt.resume(name);
    subscriber.subscribe(&topic, 2);
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "x", qos);
    let first = subscriber.next_publish();
    for kind in kinds {
        subscriber.send(&ack(*kind, first.id, 0));
    }
    subscriber.send(&pingreq());
    while !matches!(subscriber.next_within(e2e::SOON), Ok(Packet::Pingresp) | Err(true)) {}
    let mut subscriber = mqtt.resume(name);
    let again = subscriber.next_publish();
    assert_eq!((again.id, again.dup, again.qos), (first.id, true, qos), "after {kinds:?}");
    (subscriber, again)
}

fn a_qos_1_message_is_completed_by_a_puback_only(mqtt: &Scope) {
    for (name, kinds) in [("rec", &[5][..]), ("comp", &[7]), ("both", &[5, 7])] {
        let (mut subscriber, again) = comes_again_after(mqtt, name, 1, kinds);
        subscriber.acknowledge(&again);
        subscriber.ping();
        mqtt.resume(name).ping();
        mqtt.connect(name).disconnect();
    }
}

fn a_qos_2_message_is_completed_by_pubrec_and_pubcomp_only(mqtt: &Scope) {
    for (name, kind) in [("ack", 4), ("comp", 7)] {
        let (mut subscriber, again) = comes_again_after(mqtt, name, 2, &[kind]);
        subscriber.send(&ack(5, again.id, 0));
        subscriber.expect_ack(6, again.id);
        // It is released now, and a PUBACK does not complete it.
        subscriber.send(&ack(4, again.id, 0));
        subscriber.send(&pingreq());
        while !matches!(subscriber.next_within(e2e::SOON), Ok(Packet::Pingresp) | Err(true)) {}
        let mut subscriber = mqtt.resume(name);
        subscriber.expect_ack(6, again.id);
        subscriber.send(&ack(7, again.id, 0));
        subscriber.ping();
        mqtt.resume(name).ping();
        mqtt.connect(name).disconnect();
    }
}

fn every_packet_may_bear_user_properties(mqtt: &Scope) {
    let properties = Properties::default().user("a", "1").user("a", "2").written();
    let with = |first: u8, before: &[u8], after: &[u8]| packet(first, &[before, &properties, after].concat());
    let topic = mqtt.topic("a");
    let mut client = mqtt.connect("a");
    client.send(&with(0x82, &[0, 9], &[&text(&topic)[..], &[2]].concat()));
    assert!(matches!(client.next(), Packet::Suback(suback) if suback.codes == [2]));
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &topic, "one", 1);
    let one = client.next_publish();
    client.send(&with(0x40, &[&one.id.to_be_bytes()[..], &[0]].concat(), &[]));
    mqtt.publish(&mut publisher, &topic, "two", 2);
    let two = client.next_publish();
    client.send(&with(0x50, &[&two.id.to_be_bytes()[..], &[0]].concat(), &[]));
    client.expect_ack(6, two.id);
    client.send(&with(0x70, &[&two.id.to_be_bytes()[..], &[0]].concat(), &[]));
    client.send(&with(0xA2, &[0, 10], &text(&topic)));
    assert!(matches!(client.next(), Packet::Unsuback(unsuback) if unsuback.codes == [0]));
    client.send(&with(0xE0, &[0], &[]));
    assert!(client.closed().0.is_empty());
}

fn in_words(properties: &[Property]) -> bool {
    properties.iter().any(|property| [property::REASON_STRING, property::USER].contains(&property.id))
}

/// What makes a server acknowledge with a reason: nobody subscribed, no such filter, nothing in flight.
fn provoked(mqtt: &Scope, properties: Properties) -> Vec<Packet> {
    let (version, topic) = (mqtt.version(), mqtt.topic("nobody"));
    let mut client = mqtt.endpoint.connect_as(&Connect { properties, ..mqtt.request("a") });
    client.send(&Publish::new(&topic, "x").qos(1, 1).written(version));
    client.send(&Publish::new(&topic, "x").qos(2, 2).written(version));
    client.send(&ack(6, 3, 0));
    client.send(&Subscribe::new(4, &[(&mqtt.topic("another"), 0)]).written(version));
    client.send(&unsubscribe(version, 5, &["never/subscribed"]));
    (0..5).map(|_| client.next()).collect()
}

fn no_reasons_in_words_where_none_are_wanted(mqtt: &Scope) {
    for packet in provoked(mqtt, Properties::default().byte(property::REQUEST_PROBLEM, 0)) {
        let properties = match &packet {
            Packet::Ack(Ack { properties, .. }) => properties,
            Packet::Suback(acked) | Packet::Unsuback(acked) => &acked.properties,
            other => panic!("{other:?}"),
        };
        assert!(!in_words(properties), "{packet:?}");
    }
}

fn acknowledgements_fit_the_maximum_packet_size(mqtt: &Scope) {
    // The bare ones have six bytes at most; the CONNACK needs more.
    let acks = provoked(mqtt, Properties::default().four(property::MAXIMUM_PACKET_SIZE, 60));
    for packet in acks {
        let length = match &packet {
            Packet::Ack(Ack { properties, .. }) => properties.iter().map(|these| these.value.len() + 3).sum(),
            Packet::Suback(acked) | Packet::Unsuback(acked) => {
                acked.properties.iter().map(|these| these.value.len() + 3).sum::<usize>()
            }
            other => panic!("{other:?}"),
        };
        assert!(length + 7 <= 60, "{packet:?}");
    }
}

fn a_pubrel_may_bear_a_reason_and_properties(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    for (id, tail) in
        [(1, vec![0]), (2, vec![0, 0]), (3, vec![0x92]), (4, [&[0, 7], &b"\x26\0\x01a\0\x01b"[..]].concat())]
    {
        client.send(&Publish::new(&mqtt.topic("a"), "x").qos(2, id).written(mqtt.version()));
        client.expect_ack(5, id);
        client.send(&packet(0x62, &[id.to_be_bytes().to_vec(), tail].concat()));
        client.expect_ack(7, id);
    }
}

fn an_unknown_reason_ends_the_connection(mqtt: &Scope) {
    for kind in [4, 5, 6, 7] {
        mqtt.ends_on("a", &ack(kind, 1, 0x42), &[0x81, 0x82]);
    }
}
