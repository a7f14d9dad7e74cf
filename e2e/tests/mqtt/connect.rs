//! CONNECT: who is accepted, and what becomes of the connection before.

use std::time::{Duration, Instant};

use e2e::mqtt::{Connect, Packet, Properties, Publish, Subscribe, Version, ack, pingreq, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    the_first_packet_is_connect v31: "3" v311: "3.1.0-1 3.2.0-1" v5: "3.1.0-1 3.14.0-1";
    a_second_connect_ends_the_connection v311: "3.1.0-2" v5: "3.1.0-2 4.13.1-1";
    another_protocol_name_is_refused v311: "3.1.2-1" v5: "3.1.2-1";
    another_protocol_level_is_refused v311: "3.1.2-2 3.2.2-4 3.2.2-5" v5: "3.1.2-2";
    a_bridge_is_accepted v31: "bridge" v311: "bridge";
    what_follows_a_refused_connect_is_not_processed v311: "3.1.4-5" v5: "3.1.4-6";
    packets_may_follow_before_the_connack v31: "3" v311: "3.2.0-1 3.1.4-4" v5: "3.2.0-1 3.2.0-2 3.1.4-5";
    a_client_takes_its_id_over v31: "3" v311: "3.1.4-2 3.1.3-2" v5: "3.1.4-3 3.1.3-2 3.14.2-1 3.14.2-2 3.14.4-1 3.14.4-2";
    versions_take_over_from_each_other v311: "3.1.4-2" v5: "3.1.4-3";
    a_silent_client_is_cut_off_after_its_keep_alive v31: "3" v311: "3.1.2-24" v5: "3.1.2-22 3.2.2-22";
    what_is_sent_to_a_client_does_not_keep_it_alive v311: "3.1.2-24" v5: "3.1.2-22";
    a_client_without_a_keep_alive_may_be_silent v31: "3" v311: "3.1.2-24";
    any_packet_keeps_a_client_alive v31: "3" v311: "3.1.2-24" v5: "3.1.2-22";
    enhanced_authentication_is_refused v5: "4.12.0-1 4.12.0-4 3.1.4-2 4.13.2-1";
    nothing_of_authentication_comes_unasked v5: "4.12.0-6 3.1.2-28";
    a_packet_of_a_client_never_comes_from_the_server_first v5: "3.2.0-1";
}

fn the_first_packet_is_connect(mqtt: &Scope) {
    let version = mqtt.version();
    let packets = [
        pingreq(),
        Publish::new("a", "b").written(version),
        Subscribe::new(1, &[("a", 0)]).written(version),
        ack(4, 1, 0),
        vec![0xE0, 0],
        vec![0x20, 2, 0, 0],
    ];
    for packet in packets {
        let mut client = mqtt.endpoint.open();
        client.send(&packet);
        assert!(client.closed_raw().is_empty(), "nothing comes before a CONNACK");
    }
}

fn a_second_connect_ends_the_connection(mqtt: &Scope) {
    let connect = mqtt.request("twice");
    let mut client = mqtt.endpoint.connect_as(&connect);
    client.send(&connect.written());
    mqtt.ended(&mut client, MALFORMED);
}

fn another_protocol_name_is_refused(mqtt: &Scope) {
    for protocol in ["", "mqtt", "MQTX", "MQT", "MQTTT", "MQIsd"] {
        mqtt.refused(&Connect { protocol, ..mqtt.request("name") }.written(), &[1, 0x84]);
    }
}

fn another_protocol_level_is_refused(mqtt: &Scope) {
    for level in [0, 1, 2, 6, 7, 99, 127] {
        let mut client = mqtt.endpoint.open();
        client.send(&Connect { level, ..mqtt.request("level") }.written());
        let came = client.closed_raw();
        let refused = matches!(came.as_slice(), [0x20, 2, 0, 1] | [0x20, _, 0, 0x84, ..]);
        assert!(refused || (mqtt.is_v5() && came.is_empty()), "level {level}: {came:02x?}");
    }
}

/// Mosquitto's bridges set the highest bit of the level.
fn a_bridge_is_accepted(mqtt: &Scope) {
    let request = mqtt.request("bridge");
    let mut bridge = mqtt.endpoint.connect_as(&Connect { level: request.level | 0x80, ..request });
    let mut other = mqtt.connect("other");
    bridge.subscribe(&mqtt.topic("in"), 1);
    mqtt.publish(&mut other, &mqtt.topic("in"), "across", 1);
    bridge.hear("across");
}

fn what_follows_a_refused_connect_is_not_processed(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let refused = Connect { flip: 1, ..mqtt.request("refused") };
    let publish = Publish::new(&topic, "never").retained().written(mqtt.version());
    let mut client = mqtt.endpoint.open();
    client.send(&[refused.written(), publish].concat());
    client.closed_raw();
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    mqtt.nothing_came(&mut publisher, &mut subscriber);
}

fn packets_may_follow_before_the_connack(mqtt: &Scope) {
    let (version, topic) = (mqtt.version(), mqtt.topic("a"));
    let mut client = mqtt.endpoint.open();
    let subscribe = Subscribe::new(1, &[(&topic, 1)]).written(version);
    let publish = Publish::new(&topic, "early").qos(1, 2).written(version);
    client.send(&[mqtt.request("eager").written(), subscribe, publish, pingreq()].concat());
    assert!(matches!(client.next(), Packet::Connack(connack) if connack.code == 0));
    assert!(matches!(client.next(), Packet::Suback(suback) if suback.id == 1));
    let mut came = [client.next(), client.next(), client.next()].map(|packet| match packet {
        Packet::Publish(publish) => publish.text(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
    });
    came.sort();
    assert_eq!(came, ["Ack", "Pingresp", "early"]);
}

fn a_client_takes_its_id_over(mqtt: &Scope) {
    let mut first = mqtt.connect("same");
    let mut second = mqtt.connect("same");
    mqtt.ended(&mut first, &[0x8E]);
    second.ping();
}

fn versions_take_over_from_each_other(mqtt: &Scope) {
    let other = if mqtt.is_v5() { Version::V311 } else { Version::V5 };
    let mut first = mqtt.connect("same");
    let mut endpoint = mqtt.endpoint;
    endpoint.version = other;
    let mut second = endpoint.connect(&mqtt.id("same"));
    mqtt.ended(&mut first, &[0x8E]);
    second.ping();
}

fn a_silent_client_is_cut_off_after_its_keep_alive(mqtt: &Scope) {
    let start = Instant::now();
    let mut client = mqtt.endpoint.connect_as(&Connect { keep_alive: 1, ..mqtt.request("silent") });
    mqtt.ended(&mut client, &[0x8D]);
    let lasted = start.elapsed();
    assert!(lasted > Duration::from_millis(1_000), "within its keep-alive, after {lasted:?}");
}

fn what_is_sent_to_a_client_does_not_keep_it_alive(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut client = mqtt.endpoint.connect_as(&Connect { keep_alive: 1, ..mqtt.request("listener") });
    client.subscribe(&topic, 0);
    let mut publisher = mqtt.connect("publisher");
    let start = Instant::now();
    let ended = || start.elapsed() > e2e::SOON;
    let closed = std::iter::from_fn(|| (!ended()).then_some(())).find_map(|()| {
        mqtt.publish(&mut publisher, &topic, "x", 1);
        (0..2).find_map(|_| match client.next_within(Duration::from_millis(50)) {
            Ok(Packet::Disconnect { reason, .. }) => {
                assert_eq!(reason, 0x8D);
                Some(())
            }
            Ok(_) | Err(false) => None,
            Err(true) => Some(()),
        })
    });
    assert!(closed.is_some(), "it is still connected after {:?}", start.elapsed());
}

fn a_client_without_a_keep_alive_may_be_silent(mqtt: &Scope) {
    let mut client = mqtt.connect("silent");
    client.hears_nothing(Duration::from_millis(2_500));
    client.ping();
}

fn any_packet_keeps_a_client_alive(mqtt: &Scope) {
    let mut client = mqtt.endpoint.connect_as(&Connect { keep_alive: 2, ..mqtt.request("lively") });
    for turn in 0..4 {
        client.hears_nothing(Duration::from_millis(1_200));
        match turn % 2 {
            0 => client.ping(),
            _ => mqtt.publish(&mut client, &mqtt.topic("a"), "alive", 1),
        }
    }
}

fn enhanced_authentication_is_refused(mqtt: &Scope) {
    let properties = Properties::default().text(property::AUTHENTICATION_METHOD, "NONE-SUCH");
    let connect = Connect { properties, ..mqtt.request("method") };
    let (mut client, connack) = mqtt.endpoint.try_connect(&connect);
    assert!([0x8C, 0x87].contains(&connack.code), "{connack:?}");
    assert!(client.closed_raw().is_empty());
}

fn nothing_of_authentication_comes_unasked(mqtt: &Scope) {
    for request_response in [0, 1] {
        let properties = Properties::default().byte(property::REQUEST_RESPONSE, request_response);
        let connect = Connect { properties, ..mqtt.request("plain") };
        let (_client, connack) = mqtt.endpoint.try_connect(&connect);
        assert_eq!(connack.number(property::AUTHENTICATION_METHOD), None);
        let information = connack.number(property::RESPONSE_INFORMATION);
        assert!(request_response == 1 || information.is_none(), "{connack:?}");
    }
}

fn a_packet_of_a_client_never_comes_from_the_server_first(mqtt: &Scope) {
    let mut client = mqtt.endpoint.open();
    client.hears_nothing(crate::suite::A_MOMENT);
    client.send(&mqtt.request("late").written());
    assert!(matches!(client.next(), Packet::Connack(_)));
}
