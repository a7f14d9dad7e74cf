//! Reasons and properties of acknowledgements in MQTT 5, and acknowledgements of what is not in flight.

use e2e::mqtt::{Ack, Connect, Packet, Properties, Property, Publish, Subscribe, ack, property, unsubscribe};

use crate::suite::{Scope, cases};

cases! {
    a_pubrel_of_nothing_is_answered v31: "4" v311: "4.3.3-2" v5: "4.3.3-11 3.7.2-1";
    acknowledgements_of_nothing_change_nothing v31: "4" v311: "4.8.0-2" v5: "4.13.2-1";
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
        client.send(&e2e::mqtt::packet(0x62, &[id.to_be_bytes().to_vec(), tail].concat()));
        client.expect_ack(7, id);
    }
}

fn an_unknown_reason_ends_the_connection(mqtt: &Scope) {
    for kind in [4, 5, 6, 7] {
        mqtt.ends_on("a", &ack(kind, 1, 0x42), &[0x81, 0x82]);
    }
}
