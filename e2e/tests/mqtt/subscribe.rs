//! SUBSCRIBE and SUBACK.

use e2e::mqtt::{Packet, Properties, Publish, Subscribe, packet, property, text};

use crate::suite::{A_MOMENT, MALFORMED, Scope, cases};

cases! {
    a_suback_answers_each_filter_in_order
        v31: "3.9" v311: "3.8.4-1 3.8.4-2 3.8.4-4 3.8.4-5 2.3.1-7" v5: "3.8.4-1 3.8.4-2 3.8.4-5 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2 2.2.1-6";
    no_filter_ends_the_connection v311: "3.8.3-3" v5: "3.8.3-2";
    packet_identifier_0_ends_the_connection v311: "2.3.1-1" v5: "2.2.1-3";
    reserved_options_end_the_connection v311: "3.8.3-4" v5: "3.8.3-5";
    a_filter_that_is_not_utf8_ends_the_connection v311: "3.8.3-1 1.5.3-1 1.5.3-2" v5: "3.8.3-1 1.5.4-1 1.5.4-2";
    a_wrong_filter_is_refused v311: "4.7.1-2 4.7.1-3 4.7.3-1" v5: "4.7.1-1 4.7.1-2 4.7.3-1";
    wildcards_are_supported v31: "appendix A" v311: "3.8.3-2" v5: "3.8.4-7";
    a_second_subscription_replaces_the_first v31: "3.8" v311: "3.8.4-3" v5: "3.8.4-3";
    a_replaced_subscription_brings_retained_messages_again v311: "3.8.4-3" v5: "3.8.4-4";
    replacing_a_subscription_loses_nothing v311: "3.8.4-3" v5: "3.8.4-4";
    a_wrong_property_ends_the_connection v5: "4.13.1-1";
    many_filters_fit_one_packet v311: "3.8.4-4 3.8.4-5" v5: "3.8.4-5 3.8.4-6";
}

fn a_suback_answers_each_filter_in_order(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    let (a, b, c) = (mqtt.topic("a"), mqtt.topic("b/#"), mqtt.topic("+/c"));
    for id in [1, 10, 65_535] {
        let subscribe = Subscribe::new(id, &[(&a, 2), (&b, 0), (&c, 1), (&a, 1)]);
        assert_eq!(client.subscribe_with(&subscribe), [2, 0, 1, 1]);
    }
    // They count one after the other.
    mqtt.publish(&mut mqtt.connect("publisher"), &a, "x", 2);
    assert_eq!(client.hear("x").qos, 1);
}

fn no_filter_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &Subscribe::new(1, &[]).written(mqtt.version()), MALFORMED);
}

fn packet_identifier_0_ends_the_connection(mqtt: &Scope) {
    mqtt.ends_on("a", &Subscribe::new(0, &[("a", 0)]).written(mqtt.version()), MALFORMED);
}

fn reserved_options_end_the_connection(mqtt: &Scope) {
    let wrong: &[u8] = match mqtt.is_v5() {
        true => &[0x03, 0x30, 0x40, 0x80, 0xC1],
        false => &[0x03, 0x04, 0x08, 0x10, 0x80],
    };
    for options in wrong {
        let bytes = Subscribe::new(1, &[("a", 0), ("b", *options)]).written(mqtt.version());
        mqtt.ends_on("a", &bytes, MALFORMED);
    }
}

fn a_filter_that_is_not_utf8_ends_the_connection(mqtt: &Scope) {
    for filter in [&b"\xFF"[..], b"a\xC0\x80", b"\xED\xA0\x80", b"\xE2\x82", b"a\0b"] {
        let subscribe = Subscribe { filters: vec![(filter.into(), 0)], ..Subscribe::new(1, &[]) };
        mqtt.ends_on("a", &subscribe.written(mqtt.version()), &[0x81, 0x82, 0x8F]);
    }
}

fn a_wrong_filter_is_refused(mqtt: &Scope) {
    for filter in ["", "a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "##", "++", "a/+#"] {
        let mut client = mqtt.connect("a");
        client.send(&Subscribe::new(1, &[(filter, 0)]).written(mqtt.version()));
        match client.next_within(e2e::SOON) {
            Ok(Packet::Suback(suback)) => {
                assert_eq!(suback.codes, [if mqtt.is_v5() { 0x8F } else { 0x80 }], "{filter:?}");
            }
            Ok(Packet::Disconnect { reason, .. }) => {
                assert!([0x81, 0x82, 0x8F].contains(&reason), "{filter:?}: {reason:#04x}");
                client.closed();
            }
            Err(true) => {}
            other => panic!("{filter:?}: {other:?}"),
        }
    }
}

fn wildcards_are_supported(mqtt: &Scope) {
    let (mut publisher, mut subscriber) = mqtt.pair(&mqtt.topic("+/b/#"), 0);
    mqtt.publish(&mut publisher, &mqtt.topic("a/b/c/d"), "x", 1);
    subscriber.hear("x");
}

fn a_second_subscription_replaces_the_first(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    for qos in [2, 1, 0, 1] {
        assert_eq!(subscriber.subscribe(&topic, qos), qos);
        mqtt.publish(&mut publisher, &topic, "x", 2);
        assert_eq!(subscriber.hear("x").qos, qos);
    }
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}

fn a_replaced_subscription_brings_retained_messages_again(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&Publish::new(&topic, "kept").qos(1, 0).retained());
    let mut subscriber = mqtt.connect("subscriber");
    for qos in [1, 1, 0] {
        subscriber.subscribe(&topic, qos);
        assert!(subscriber.hear("kept").retain);
    }
    publisher.publish(&Publish::new(&topic, "").qos(1, 0).retained());
}

fn replacing_a_subscription_loses_nothing(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    for number in 0..100u16 {
        let publish = Publish::new(&topic, number.to_string()).qos(1, number + 1);
        publisher.send(&publish.written(mqtt.version()));
        let subscribe = Subscribe::new(number + 1, &[(&topic, 1)]);
        subscriber.send(&subscribe.written(mqtt.version()));
    }
    let mut heard = 0;
    let mut subacks = 0;
    while heard < 100 || subacks < 100 {
        match subscriber.next() {
            Packet::Publish(publish) => {
                assert_eq!(publish.text(), heard.to_string());
                subscriber.acknowledge(&publish);
                heard += 1;
            }
            Packet::Suback(_) => subacks += 1,
            other => panic!("{other:?}"),
        }
    }
    subscriber.hears_nothing(A_MOMENT);
}

fn a_wrong_property_ends_the_connection(mqtt: &Scope) {
    let none = Properties::default;
    let wrong = [
        none().variable(property::SUBSCRIPTION_ID, 0),
        none().variable(property::SUBSCRIPTION_ID, 1).variable(property::SUBSCRIPTION_ID, 2),
        none().two(property::TOPIC_ALIAS, 1),
        none().byte(0x7F, 1),
        none().with(property::SUBSCRIPTION_ID, &[0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    ];
    for properties in wrong {
        let bytes = Subscribe::new(1, &[("a", 0)]).with(properties).written(mqtt.version());
        mqtt.ends_on("a", &bytes, MALFORMED);
    }
    // Properties that are longer than the packet.
    mqtt.ends_on("a", &packet(0x82, &[vec![0, 1, 0x7F], text("a"), vec![0]].concat()), MALFORMED);
}

fn many_filters_fit_one_packet(mqtt: &Scope) {
    let filters: Vec<String> = (0..50).map(|number| mqtt.topic(&number.to_string())).collect();
    let filters: Vec<(&str, u8)> = filters.iter().map(|filter| (filter.as_str(), 1)).collect();
    let mut client = mqtt.connect("a");
    assert_eq!(client.subscribe_with(&Subscribe::new(1, &filters)), vec![1; 50]);
    mqtt.publish(&mut mqtt.connect("publisher"), filters[49].0, "x", 1);
    client.hear("x");
}
