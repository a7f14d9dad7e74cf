//! UNSUBSCRIBE and UNSUBACK.

use e2e::mqtt::{Packet, packet, text, unsubscribe};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    no_more_messages_come v31: "3.10" v311: "3.10.4-1 3.10.4-2 3.10.4-4" v5: "3.10.4-1 3.10.4-2 3.10.4-4";
    filters_are_compared_character_by_character v311: "3.10.4-1" v5: "3.10.4-1";
    an_unknown_filter_is_answered v31: "3.10" v311: "3.10.4-5 2.3.1-7" v5: "3.10.4-5 3.11.3-2 2.2.1-6";
    many_filters_are_answered_in_order v311: "3.10.4-6" v5: "3.10.4-6 3.11.3-1";
    no_filter_ends_the_connection v311: "3.10.3-2" v5: "3.10.3-2";
    packet_identifier_0_ends_the_connection v311: "2.3.1-1" v5: "2.2.1-3";
    a_filter_that_is_not_utf8_ends_the_connection v311: "3.10.3-1" v5: "3.10.3-1";
    it_lasts_with_the_session v311: "3.10.4-2" v5: "3.10.4-2";
}

fn no_more_messages_come(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    mqtt.publish(&mut publisher, &topic, "before", 1);
    subscriber.hear("before");
    subscriber.unsubscribe(&topic);
    mqtt.publish(&mut publisher, &topic, "after", 1);
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}

fn filters_are_compared_character_by_character(mqtt: &Scope) {
    let topic = mqtt.topic("a/b");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    for other in ["A/b", "a/b/", "/a/b", "a/+", "#", "a/b/#", "+/b", "a"] {
        subscriber.unsubscribe(&mqtt.topic(other));
    }
    mqtt.publish(&mut publisher, &topic, "still", 1);
    subscriber.hear("still");
    let wildcard = mqtt.topic("c/+");
    subscriber.subscribe(&wildcard, 0);
    subscriber.unsubscribe(&mqtt.topic("c/d"));
    mqtt.publish(&mut publisher, &mqtt.topic("c/d"), "still", 1);
    subscriber.hear("still");
    subscriber.unsubscribe(&wildcard);
    mqtt.publish(&mut publisher, &mqtt.topic("c/d"), "gone", 1);
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}

fn an_unknown_filter_is_answered(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    for id in [1, 10, 65_535] {
        client.send(&unsubscribe(mqtt.version(), id, &[&mqtt.topic("never")]));
        match client.next() {
            Packet::Unsuback(unsuback) => {
                assert_eq!(unsuback.id, id);
                assert_eq!(unsuback.codes, if mqtt.is_v5() { vec![0x11] } else { vec![] });
            }
            other => panic!("{other:?}"),
        }
    }
}

fn many_filters_are_answered_in_order(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    let topics = ["a", "b", "c"].map(|name| mqtt.topic(name));
    client.subscribe(&topics[0], 0);
    client.subscribe(&topics[2], 0);
    let filters = topics.each_ref().map(String::as_str);
    client.send(&unsubscribe(mqtt.version(), 9, &filters));
    match client.next() {
        Packet::Unsuback(unsuback) if mqtt.is_v5() => assert_eq!(unsuback.codes, [0x00, 0x11, 0x00]),
        Packet::Unsuback(unsuback) => assert_eq!(unsuback.id, 9),
        other => panic!("{other:?}"),
    }
    let mut publisher = mqtt.connect("publisher");
    for topic in &topics {
        mqtt.publish(&mut publisher, topic, "gone", 1);
    }
    mqtt.nothing_came(&mut publisher, &mut client);
}

fn no_filter_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &unsubscribe(mqtt.version(), 1, &[]), MALFORMED);
}

fn packet_identifier_0_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &unsubscribe(mqtt.version(), 0, &["a"]), MALFORMED);
}

fn a_filter_that_is_not_utf8_ends_the_connection(mqtt: &Scope) {
    for filter in [&b"\xFF"[..], b"\xED\xA0\x80", b"a\0b"] {
        let head: &[u8] = if mqtt.is_v5() { &[0, 1, 0] } else { &[0, 1] };
        let bytes = packet(0xA2, &[head, &text(filter)].concat());
        mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x8F]);
    }
}

fn it_lasts_with_the_session(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe(&topic, 1);
    subscriber.unsubscribe(&topic);
    subscriber.disconnect();
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &topic, "gone", 1);
    let mut subscriber = mqtt.resume("subscriber");
    mqtt.nothing_came(&mut publisher, &mut subscriber);
    mqtt.connect("subscriber").disconnect();
}
