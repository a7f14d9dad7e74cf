//! Flow control in MQTT 5: Receive Maximum in both directions, and Maximum Packet Size.

use e2e::mqtt::{Client, Connect, Packet, Publish, ack, property};

use crate::suite::{A_MOMENT, Scope, cases};

cases! {
    no_more_than_the_receive_maximum_is_in_flight v5: "3.3.4-9 4.9.0-1 4.9.0-2";
    qos_2_counts_until_its_pubcomp v5: "3.3.4-9 4.9.0-2";
    other_packets_are_not_held_back v5: "3.3.4-10 4.9.0-3";
    a_refused_message_makes_room v5: "3.3.4-9 4.4.0-2";
    what_is_resent_counts v5: "3.3.4-9 4.9.0-1";
    each_connection_has_a_quota_of_its_own v5: "4.9.0-1 3.3.4-9";
    a_client_that_exceeds_the_receive_maximum_is_cut_off v5: "3.3.4-7 4.13.1-1";
    qos_1_frees_the_receive_maximum v5: "3.3.4-7 4.9.0-3";
    a_packet_above_the_clients_maximum_is_left_out v5: "3.1.2-24 3.1.2-25";
    a_packet_above_the_maximum_is_left_out_of_a_queue v5: "3.1.2-24 3.1.2-25";
    others_get_what_is_too_large_for_one v5: "3.1.2-25";
}

fn limited(mqtt: &Scope, receive_maximum: u16) -> Connect {
    let connect = mqtt.request("subscriber").lasting(600);
    let properties = connect.properties.two(property::RECEIVE_MAXIMUM, receive_maximum);
    Connect { properties, ..connect }
}

fn subscriber(mqtt: &Scope, receive_maximum: u16) -> Client {
    let mut subscriber = mqtt.endpoint.connect_as(&limited(mqtt, receive_maximum));
    subscriber.subscribe(&mqtt.topic("a"), 2);
    subscriber
}

fn published(mqtt: &Scope, count: usize, qos: u8) {
    let mut publisher = mqtt.connect("publisher");
    for number in 0..count {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), &number.to_string(), qos);
    }
}

fn forget(mqtt: &Scope) {
    mqtt.connect("subscriber").disconnect();
}

fn no_more_than_the_receive_maximum_is_in_flight(mqtt: &Scope) {
    let mut subscriber = subscriber(mqtt, 2);
    published(mqtt, 6, 1);
    let mut held = vec![subscriber.next_publish(), subscriber.next_publish()];
    for number in 2..6 {
        subscriber.hears_nothing(A_MOMENT / 4);
        subscriber.acknowledge(&held.remove(0));
        held.push(subscriber.next_publish());
        assert_eq!(held[1].text(), number.to_string());
    }
    forget(mqtt);
}

fn qos_2_counts_until_its_pubcomp(mqtt: &Scope) {
    let mut subscriber = subscriber(mqtt, 1);
    published(mqtt, 2, 2);
    let first = subscriber.next_publish();
    subscriber.send(&ack(5, first.id, 0));
    subscriber.expect_ack(6, first.id);
    subscriber.hears_nothing(A_MOMENT);
    subscriber.send(&ack(7, first.id, 0));
    subscriber.hear("1");
    forget(mqtt);
}

fn other_packets_are_not_held_back(mqtt: &Scope) {
    let mut subscriber = subscriber(mqtt, 1);
    published(mqtt, 2, 1);
    let first = subscriber.next_publish();
    subscriber.ping();
    subscriber.subscribe(&mqtt.topic("c"), 0);
    subscriber.unsubscribe(&mqtt.topic("c"));
    for qos in 0..3 {
        mqtt.publish(&mut subscriber, &mqtt.topic("d"), "own", qos);
    }
    subscriber.acknowledge(&first);
    subscriber.hear("1");
    forget(mqtt);
}

fn a_refused_message_makes_room(mqtt: &Scope) {
    let mut subscriber = subscriber(mqtt, 1);
    published(mqtt, 1, 1);
    published(mqtt, 1, 2);
    published(mqtt, 1, 1);
    for kind in [4, 5, 4] {
        let publish = subscriber.next_publish();
        subscriber.hears_nothing(A_MOMENT / 4);
        subscriber.send(&ack(kind, publish.id, 0x80));
    }
    subscriber.ping();
    forget(mqtt);
}

fn what_is_resent_counts(mqtt: &Scope) {
    let mut before = subscriber(mqtt, 4);
    published(mqtt, 4, 1);
    for _ in 0..4 {
        before.next_publish();
    }
    drop(before);
    let mut subscriber = mqtt.endpoint.connect_as(&limited(mqtt, 2));
    let first = subscriber.next_publish();
    subscriber.next_publish();
    subscriber.hears_nothing(A_MOMENT);
    subscriber.acknowledge(&first);
    assert_eq!(subscriber.next_publish().text(), "2");
    forget(mqtt);
}

fn each_connection_has_a_quota_of_its_own(mqtt: &Scope) {
    let mut narrow = subscriber(mqtt, 1);
    published(mqtt, 5, 1);
    narrow.next_publish();
    narrow.hears_nothing(A_MOMENT / 4);
    drop(narrow);
    let mut wide = mqtt.endpoint.connect_as(&limited(mqtt, 3));
    let held: Vec<_> = (0..3).map(|_| wide.next_publish()).collect();
    wide.hears_nothing(A_MOMENT / 4);
    held.iter().for_each(|publish| wide.acknowledge(publish));
    wide.hear("3");
    wide.hear("4");
    forget(mqtt);
}

fn a_client_that_exceeds_the_receive_maximum_is_cut_off(mqtt: &Scope) {
    let (mut client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a"));
    let most = connack.number(property::RECEIVE_MAXIMUM).unwrap_or(65_535) as u16;
    assert!(most < 2_000, "each client may have {most} messages in flight");
    for id in 1..=most + 1 {
        client.send(&Publish::new(&mqtt.topic("a"), "x").qos(2, id).written(mqtt.version()));
    }
    let mut packets = client.closed().0;
    assert!(matches!(packets.pop(), Some(Packet::Disconnect { reason: 0x93, .. })), "{:?}", packets.last());
}

fn qos_1_frees_the_receive_maximum(mqtt: &Scope) {
    let (mut client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a"));
    let most = connack.number(property::RECEIVE_MAXIMUM).unwrap_or(100).min(100) as u16;
    for _ in 0..3 {
        for id in 1..=most {
            client.send(&Publish::new(&mqtt.topic("a"), "x").qos(1, id).written(mqtt.version()));
        }
        for id in 1..=most {
            client.expect_ack(4, id);
        }
    }
}

fn small(mqtt: &Scope) -> Connect {
    let connect = mqtt.request("subscriber").lasting(600);
    let properties = connect.properties.four(property::MAXIMUM_PACKET_SIZE, 200);
    Connect { properties, ..connect }
}

fn two_of_which_one_is_large(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    for qos in 0..3 {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), &"large".repeat(100), qos);
    }
    mqtt.publish(&mut publisher, &mqtt.topic("a"), "small", 1);
}

fn a_packet_above_the_clients_maximum_is_left_out(mqtt: &Scope) {
    let mut subscriber = mqtt.endpoint.connect_as(&small(mqtt));
    subscriber.subscribe(&mqtt.topic("a"), 2);
    // As often as the Receive Maximum would allow and more: it counts as delivered.
    for _ in 0..20 {
        two_of_which_one_is_large(mqtt);
        subscriber.hear("small");
    }
    forget(mqtt);
}

fn a_packet_above_the_maximum_is_left_out_of_a_queue(mqtt: &Scope) {
    let mut subscriber = mqtt.endpoint.connect_as(&small(mqtt));
    subscriber.subscribe(&mqtt.topic("a"), 2);
    subscriber.disconnect();
    two_of_which_one_is_large(mqtt);
    let mut subscriber = mqtt.endpoint.connect_as(&small(mqtt));
    subscriber.hear("small");
    subscriber.ping();
    forget(mqtt);
}

fn others_get_what_is_too_large_for_one(mqtt: &Scope) {
    let mut one = mqtt.endpoint.connect_as(&small(mqtt));
    one.subscribe(&mqtt.topic("a"), 0);
    let mut other = mqtt.connect("other");
    other.subscribe(&mqtt.topic("a"), 0);
    two_of_which_one_is_large(mqtt);
    one.hear("small");
    for _ in 0..3 {
        other.hear(&"large".repeat(100));
    }
    other.hear("small");
    forget(mqtt);
}
