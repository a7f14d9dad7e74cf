//! PUBLISH: what a server refuses, and what it delivers.

use e2e::mqtt::{Packet, Publish, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    qos_3_ends_the_connection v31: "2.1" v311: "3.3.1-4" v5: "3.3.1-4";
    a_repeat_at_qos_0_is_never_delivered_as_one v311: "3.3.1-2 3.3.1-3" v5: "3.3.1-2 3.3.1-3 4.3.1-1";
    a_repeat_at_qos_1_is_delivered_as_a_first v31: "3.3" v311: "3.3.1-3" v5: "3.3.1-3 4.3.2-2";
    packet_identifier_0_ends_the_connection v311: "2.3.1-1" v5: "2.2.1-3";
    a_topic_with_wildcards_ends_the_connection v311: "3.3.2-2 4.7.1-1" v5: "3.3.2-2 4.7.0-1";
    an_empty_topic_ends_the_connection v311: "4.7.3-1" v5: "4.7.3-1 3.3.2-1";
    a_topic_that_is_not_utf8_ends_the_connection v31: "2.5" v311: "3.3.2-1 1.5.3-1" v5: "3.3.2-1 1.5.4-1";
    a_topic_with_nul_ends_the_connection v311: "4.7.3-2 1.5.3-2" v5: "4.7.3-2 1.5.4-2";
    a_topic_is_delivered_as_it_came v311: "3.3.2-3 1.5.3-3 4.7.3-4" v5: "3.3.2-3 1.5.4-3 4.7.3-4";
    a_payload_is_delivered_as_it_came v31: "3.3" v311: "3.3.5-1" v5: "3.3.4-2";
    each_qos_has_its_answer v31: "4" v311: "3.3.4-1 2.3.1-6 4.3.2-2 4.3.3-2" v5: "3.3.4-1 2.2.1-5 4.3.2-4 4.3.3-8 4.3.3-11";
    the_smaller_qos_is_delivered v31: "3.8" v311: "3.8.4-6 2.3.1-5" v5: "3.8.4-8 2.2.1-2";
    packet_identifiers_of_the_server_are_unused_ones v311: "2.3.1-4 4.3.2-1" v5: "2.2.1-4 4.3.2-1 4.3.3-1";
    an_identifier_is_free_after_its_puback v31: "4" v311: "4.3.2-2 2.3.1-2" v5: "4.3.2-5";
    the_maximum_qos_holds v5: "3.2.2-9 3.2.2-10 3.2.2-11";
}

fn qos_3_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &Publish::new("a", "b").qos(3, 1).written(mqtt.version()), MALFORMED);
}

fn a_repeat_at_qos_0_is_never_delivered_as_one(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    // The server may end this connection; the reader refuses a PUBLISH at QoS 0 with DUP.
    publisher.send(&Publish::new(&topic, "again").again().written(mqtt.version()));
    mqtt.publish(&mut mqtt.connect("other"), &topic, "last", 1);
    while subscriber.next_publish().text() != "last" {}
}

fn a_repeat_at_qos_1_is_delivered_as_a_first(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    publisher.publish(&Publish::new(&topic, "again").qos(1, 7).again());
    assert!(!subscriber.hear("again").dup);
}

fn packet_identifier_0_ends_the_connection(mqtt: &Scope) {
    for qos in [1, 2] {
        mqtt.ends_on("a", &Publish::new("a", "b").qos(qos, 0).written(mqtt.version()), MALFORMED);
    }
}

fn a_topic_with_wildcards_ends_the_connection(mqtt: &Scope) {
    for topic in ["#", "+", "a/#", "a/+/b", "a#", "+a"] {
        for qos in [0, 1] {
            let bytes = Publish::new(topic, "b").qos(qos, 1).written(mqtt.version());
            mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x90]);
        }
    }
}

fn an_empty_topic_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &Publish::new("", "b").qos(1, 1).written(mqtt.version()), &[0x81, 0x82, 0x90]);
}

fn a_topic_that_is_not_utf8_ends_the_connection(mqtt: &Scope) {
    for bytes in [&b"\xFF"[..], b"a\xC0\x80", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE2\x82"] {
        let publish = Publish { topic: bytes.into(), ..Publish::new("", "b") }.qos(1, 1);
        mqtt.ends_on("a", &publish.written(mqtt.version()), &[0x81, 0x82, 0x90]);
    }
}

fn a_topic_with_nul_ends_the_connection(mqtt: &Scope) {
    for topic in ["\0", "a\0b", "a/\0"] {
        let bytes = Publish::new(topic, "b").qos(1, 1).written(mqtt.version());
        mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x90]);
    }
}

fn a_topic_is_delivered_as_it_came(mqtt: &Scope) {
    let (mut publisher, mut subscriber) = mqtt.pair(&mqtt.topic("#"), 0);
    for name in ["\u{feff}a", "a\u{feff}", " a ", "A", "a", "a//b", "a/", "/a/", "é", "e\u{301}", "😀"] {
        let topic = mqtt.topic(name);
        mqtt.publish(&mut publisher, &topic, name, 1);
        assert_eq!(subscriber.hear(name).topic, topic);
    }
}

fn a_payload_is_delivered_as_it_came(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    let all: Vec<u8> = (0..=255).collect();
    for payload in [Vec::new(), vec![0], all.clone(), all.repeat(200)] {
        publisher.publish(&Publish::new(&topic, &payload).qos(1, 0));
        let publish = subscriber.next_publish();
        subscriber.acknowledge(&publish);
        assert!(publish.payload == payload, "{} bytes", payload.len());
    }
}

fn each_qos_has_its_answer(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    for id in [1, 2, 255, 256, 65_535] {
        for qos in 0..3 {
            let reason = publisher.publish(&Publish::new(&mqtt.topic("a"), "x").qos(qos, id));
            assert!(matches!(reason, 0x00 | 0x10), "reason {reason:#04x}");
        }
    }
}

fn the_smaller_qos_is_delivered(mqtt: &Scope) {
    for granted in 0..3 {
        let topic = mqtt.topic(&granted.to_string());
        let (mut publisher, mut subscriber) = mqtt.pair(&topic, granted);
        for published in 0..3 {
            mqtt.publish(&mut publisher, &topic, "x", published);
            assert_eq!(subscriber.hear("x").qos, published.min(granted));
        }
    }
}

fn packet_identifiers_of_the_server_are_unused_ones(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    let mut held = Vec::new();
    for _ in 0..10 {
        mqtt.publish(&mut publisher, &topic, "x", 1);
        let id = subscriber.next_publish().id;
        assert!(!held.contains(&id), "{id} is in use: {held:?}");
        held.push(id);
    }
}

fn an_identifier_is_free_after_its_puback(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    for payload in ["one", "two", "two"] {
        publisher.publish(&Publish::new(&topic, payload).qos(1, 7).again());
        subscriber.hear(payload);
    }
}

fn the_maximum_qos_holds(mqtt: &Scope) {
    let (mut client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a"));
    assert!(client.subscribe(&mqtt.topic("a"), 2) <= 2, "any QoS may be asked for");
    let Some(most) = connack.number(property::MAXIMUM_QOS) else { return };
    client.send(&Publish::new(&mqtt.topic("a"), "x").qos(most as u8 + 1, 9).written(mqtt.version()));
    match client.next() {
        Packet::Disconnect { reason, .. } => assert_eq!(reason, 0x9B),
        other => panic!("{other:?}"),
    }
}
