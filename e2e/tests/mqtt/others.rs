//! PINGREQ, DISCONNECT and AUTH.

use e2e::mqtt::{Connect, Packet, Properties, first_packet, packet, pingreq, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    each_pingreq_is_answered v31: "3.12" v311: "3.12.4-1" v5: "3.12.4-1";
    a_disconnect_ends_the_connection v31: "3.14" v311: "3.14.4-1 3.14.4-2" v5: "3.14.4-2";
    nothing_is_processed_after_a_disconnect v311: "3.14.4-2" v5: "3.14.4-1";
    a_disconnect_may_bear_a_reason_and_properties v5: "3.14.4-3";
    a_wrong_disconnect_is_malformed v5: "3.14.1-1 4.13.1-1";
    a_disconnect_fits_the_maximum_packet_size v5: "3.14.2-3 3.14.2-4 3.1.2-24";
    an_unasked_auth_ends_the_connection v5: "4.12.0-7 3.15.1-1 3.15.2-1";
    re_authentication_without_a_method_ends_the_connection v5: "4.12.1-1 4.12.1-2";
}

fn each_pingreq_is_answered(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    for _ in 0..5 {
        client.ping();
    }
    client.send(&pingreq().repeat(50));
    for _ in 0..50 {
        assert_eq!(client.next(), Packet::Pingresp);
    }
}

fn a_disconnect_ends_the_connection(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    client.send(&[0xE0, 0]);
    assert!(client.closed().0.is_empty());
}

fn nothing_is_processed_after_a_disconnect(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    let after = e2e::mqtt::Publish::new(&topic, "never").written(mqtt.version());
    let mut client = mqtt.connect("a");
    client.send(&[vec![0xE0, 0], after, pingreq()].concat());
    assert!(client.closed().0.is_empty());
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}

fn a_disconnect_may_bear_a_reason_and_properties(mqtt: &Scope) {
    let properties = Properties::default().text(property::REASON_STRING, "why").user("a", "b");
    for body in [vec![], vec![0], vec![0, 0], [vec![0], properties.written()].concat()] {
        let mut client = mqtt.connect("a");
        client.send(&packet(0xE0, &body));
        assert!(client.closed().0.is_empty(), "{body:02x?}");
    }
}

fn a_wrong_disconnect_is_malformed(mqtt: &Scope) {
    let twice = Properties::default().text(property::REASON_STRING, "a").text(property::REASON_STRING, "b");
    let alias = Properties::default().two(property::TOPIC_ALIAS, 1);
    for body in [[vec![0], twice.written()].concat(), [vec![0], alias.written()].concat(), vec![0, 9]] {
        mqtt.ends_on("a", &packet(0xE0, &body), MALFORMED);
    }
}

fn a_disconnect_fits_the_maximum_packet_size(mqtt: &Scope) {
    let properties = Properties::default().four(property::MAXIMUM_PACKET_SIZE, 30);
    let mut client = mqtt.endpoint.connect_as(&Connect { properties, ..mqtt.request("a") });
    client.send(&packet(0xF0, &[]));
    let came = client.closed_raw();
    if let Some((disconnect, length)) = first_packet(mqtt.version(), &came).unwrap() {
        assert!(matches!(disconnect, Packet::Disconnect { .. }), "{disconnect:?}");
        assert!(length <= 30, "{length} bytes");
    }
}

fn an_unasked_auth_ends_the_connection(mqtt: &Scope) {
    let method = Properties::default().text(property::AUTHENTICATION_METHOD, "PLAIN");
    let whole = packet(0xF0, &[vec![0x18], method.written()].concat());
    for bytes in [packet(0xF0, &[]), packet(0xF0, &[0, 0]), packet(0xF0, &[0x42, 0]), whole] {
        mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x8C]);
    }
}

fn re_authentication_without_a_method_ends_the_connection(mqtt: &Scope) {
    let method = Properties::default().text(property::AUTHENTICATION_METHOD, "PLAIN");
    let bytes = packet(0xF0, &[vec![0x19], method.written()].concat());
    mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x87, 0x8C]);
}
