//! QoS 2, from a client to the server and from the server to a client.

use e2e::mqtt::{Client, Packet, Properties, Publish, ack, property};

use crate::suite::{Scope, cases};

cases! {
    a_publish_sent_again_is_delivered_once v31: "4" v311: "4.3.3-2" v5: "4.3.3-10 4.3.3-8";
    a_publish_sent_again_over_a_new_connection_is_delivered_once v311: "4.3.3-2 4.1.0-1" v5: "4.3.3-10 4.1.0-1";
    many_repeats_are_delivered_once v311: "4.3.3-2" v5: "4.3.3-10";
    an_identifier_is_new_after_its_pubcomp v31: "4" v311: "4.3.3-2" v5: "4.3.3-12";
    a_pubrel_sent_again_is_answered_again v31: "4" v311: "4.3.3-2" v5: "4.3.3-11";
    a_clean_start_forgets_what_was_in_flight v311: "3.1.2-6" v5: "3.1.2-4";
    an_identifier_is_new_after_its_session v311: "3.1.2-6" v5: "4.1.0-2";
    identifiers_of_two_clients_are_apart v31: "4" v311: "2.3.1-2" v5: "2.2.1-3";
    identifiers_of_both_directions_are_apart v31: "4" v311: "2.3.1-4" v5: "2.2.1-4";
    many_flows_may_be_open v311: "4.3.3-2" v5: "4.3.3-8 4.9.0-3";
    pubrels_may_come_in_any_order v311: "4.3.3-2" v5: "4.3.3-11";
    a_pubrec_sent_again_is_answered_again v31: "4" v311: "4.3.3-1" v5: "4.3.3-4";
    a_message_of_the_server_is_completed v31: "4" v311: "4.3.3-1" v5: "4.3.3-2 4.3.3-4 4.3.3-6";
    a_refused_pubrec_completes_the_message v5: "4.4.0-2 3.3.4-9";
    a_refused_publish_leaves_its_identifier_free v5: "4.3.3-9";
    an_expired_publish_is_completed v5: "4.3.3-13";
    a_publish_after_its_pubrel_was_lost_is_new_only_after_pubcomp v311: "4.3.3-2" v5: "4.3.3-12";
}

fn send(client: &mut Client, topic: &str, payload: &str, id: u16, again: bool) {
    let publish = Publish { dup: again, ..Publish::new(topic, payload).qos(2, id) };
    client.send(&publish.written(client.version));
}

fn release(client: &mut Client, id: u16) {
    client.send(&ack(6, id, 0));
    client.expect_ack(7, id);
}

/// The subscriber hears these and nothing else.
fn hears(mqtt: &Scope, subscriber: &mut Client, payloads: &[&str]) {
    for payload in payloads {
        subscriber.hear(payload);
    }
    mqtt.nothing_came(&mut mqtt.connect("marking"), subscriber);
}

fn subscriber(mqtt: &Scope, topic: &str) -> Client {
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(topic, 2);
    subscriber
}

fn a_publish_sent_again_is_delivered_once(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), subscriber(mqtt, &topic));
    for again in [false, true] {
        send(&mut publisher, &topic, "once", 7, again);
        publisher.expect_ack(5, 7);
    }
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["once"]);
}

fn a_publish_sent_again_over_a_new_connection_is_delivered_once(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    for again in [false, true] {
        let mut publisher = mqtt.resume("publisher");
        send(&mut publisher, &topic, "once", 7, again);
        publisher.expect_ack(5, 7);
    }
    let mut publisher = mqtt.resume("publisher");
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["once"]);
    mqtt.connect("publisher").disconnect();
}

fn many_repeats_are_delivered_once(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), subscriber(mqtt, &topic));
    for turn in 0..10 {
        send(&mut publisher, &topic, "once", 7, turn > 0);
    }
    for _ in 0..10 {
        publisher.expect_ack(5, 7);
    }
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["once"]);
}

fn an_identifier_is_new_after_its_pubcomp(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), subscriber(mqtt, &topic));
    // Whatever DUP says.
    for (payload, again) in [("one", false), ("two", false), ("two", true)] {
        send(&mut publisher, &topic, payload, 7, again);
        publisher.expect_ack(5, 7);
        release(&mut publisher, 7);
    }
    hears(mqtt, &mut subscriber, &["one", "two", "two"]);
}

fn a_pubrel_sent_again_is_answered_again(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), subscriber(mqtt, &topic));
    send(&mut publisher, &topic, "once", 7, false);
    publisher.expect_ack(5, 7);
    release(&mut publisher, 7);
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["once"]);
}

fn a_clean_start_forgets_what_was_in_flight(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    let mut before = mqtt.resume("publisher");
    send(&mut before, &topic, "before", 7, false);
    before.expect_ack(5, 7);
    let mut after = mqtt.connect("publisher");
    send(&mut after, &topic, "after", 7, true);
    after.expect_ack(5, 7);
    release(&mut after, 7);
    // The one before was handed on at its PUBLISH, or never.
    let first = subscriber.next_publish();
    subscriber.acknowledge(&first);
    match first.text().as_str() {
        "before" => hears(mqtt, &mut subscriber, &["after"]),
        _ => hears(mqtt, &mut subscriber, &[]),
    }
}

fn an_identifier_is_new_after_its_session(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    // Both sessions end with their connections.
    for payload in ["one", "two"] {
        let mut publisher = mqtt.connect("publisher");
        send(&mut publisher, &topic, payload, 7, false);
        publisher.expect_ack(5, 7);
        if payload == "two" {
            release(&mut publisher, 7);
        }
        publisher.disconnect();
    }
    let mut heard = String::new();
    while heard != "two" {
        let publish = subscriber.next_publish();
        subscriber.acknowledge(&publish);
        heard = publish.text();
    }
}

fn identifiers_of_two_clients_are_apart(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    let (mut one, mut two) = (mqtt.connect("one"), mqtt.connect("two"));
    send(&mut one, &topic, "one", 7, false);
    one.expect_ack(5, 7);
    send(&mut two, &topic, "two", 7, false);
    two.expect_ack(5, 7);
    release(&mut one, 7);
    release(&mut two, 7);
    hears(mqtt, &mut subscriber, &["one", "two"]);
}

fn identifiers_of_both_directions_are_apart(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut client = subscriber(mqtt, &topic);
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "down", 2);
    let down = client.next_publish();
    send(&mut client, &mqtt.topic("up"), "up", down.id, false);
    client.expect_ack(5, down.id);
    client.send(&ack(5, down.id, 0));
    client.expect_ack(6, down.id);
    release(&mut client, down.id);
    client.send(&ack(7, down.id, 0));
    client.ping();
}

/// How many publishes at QoS 2 the server takes before it has released one.
fn open_flows(mqtt: &Scope, name: &str) -> (Client, u16) {
    let (client, connack) = mqtt.endpoint.try_connect(&mqtt.request(name));
    let most = connack.number(property::RECEIVE_MAXIMUM).unwrap_or(10);
    (client, most.min(10) as u16)
}

fn many_flows_may_be_open(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    let (mut publisher, flows) = open_flows(mqtt, "publisher");
    for id in 1..=flows {
        send(&mut publisher, &topic, &id.to_string(), id, false);
    }
    for id in 1..=flows {
        publisher.expect_ack(5, id);
    }
    publisher.ping();
    for id in 1..=flows {
        release(&mut publisher, id);
    }
    let all: Vec<String> = (1..=flows).map(|id| id.to_string()).collect();
    hears(mqtt, &mut subscriber, &all.iter().map(String::as_str).collect::<Vec<_>>());
}

fn pubrels_may_come_in_any_order(mqtt: &Scope) {
    let (mut publisher, flows) = open_flows(mqtt, "publisher");
    for id in 1..=flows {
        send(&mut publisher, &mqtt.topic("a"), "x", id, false);
        publisher.expect_ack(5, id);
    }
    for id in (1..=flows).rev() {
        release(&mut publisher, id);
    }
}

fn a_pubrec_sent_again_is_answered_again(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "x", 2);
    let publish = subscriber.next_publish();
    for _ in 0..2 {
        subscriber.send(&ack(5, publish.id, 0));
        assert_eq!(subscriber.expect_ack(6, publish.id).reason, 0);
    }
    subscriber.send(&ack(7, publish.id, 0));
    subscriber.ping();
}

fn a_message_of_the_server_is_completed(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "x", 2);
    let publish = subscriber.next_publish();
    assert_eq!((publish.qos, publish.dup), (2, false));
    subscriber.ping();
    subscriber.send(&ack(5, publish.id, 0));
    subscriber.expect_ack(6, publish.id);
    // Only a new connection makes the server send anything again.
    subscriber.hears_nothing(crate::suite::A_MOMENT);
    subscriber.send(&ack(7, publish.id, 0));
    subscriber.ping();
}

fn a_refused_pubrec_completes_the_message(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe(&topic, 2);
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "x", 2);
    let publish = subscriber.next_publish();
    subscriber.send(&ack(5, publish.id, 0x83));
    subscriber.ping();
    drop(subscriber);
    mqtt.resume("subscriber").ping();
    mqtt.connect("subscriber").disconnect();
}

/// A server may refuse a payload that is not the text that it says it is.
fn a_refused_publish_leaves_its_identifier_free(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), subscriber(mqtt, &topic));
    let text = Properties::default().byte(property::PAYLOAD_FORMAT, 1);
    let wrong = Publish { payload: vec![0xFF], ..Publish::new(&topic, "") }.qos(2, 7).with(text);
    publisher.send(&wrong.written(mqtt.version()));
    if publisher.expect_ack(5, 7).reason < 0x80 {
        return;
    }
    send(&mut publisher, &topic, "right", 7, false);
    assert_eq!(publisher.expect_ack(5, 7).reason, 0);
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["right"]);
}

fn an_expired_publish_is_completed(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    let expiry = Properties::default().four(property::MESSAGE_EXPIRY, 1);
    let publish = Publish::new(&mqtt.topic("a"), "x").qos(2, 7).with(expiry);
    publisher.send(&publish.written(mqtt.version()));
    publisher.expect_ack(5, 7);
    publisher.hears_nothing(std::time::Duration::from_millis(1_200));
    release(&mut publisher, 7);
}

fn a_publish_after_its_pubrel_was_lost_is_new_only_after_pubcomp(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = subscriber(mqtt, &topic);
    let mut publisher = mqtt.resume("publisher");
    send(&mut publisher, &topic, "one", 7, false);
    publisher.expect_ack(5, 7);
    // The PUBREL arrives, and its answer is lost with the connection.
    publisher.send(&ack(6, 7, 0));
    publisher.end_sending();
    publisher.closed_raw();
    let (mut publisher, connack) = mqtt.endpoint.try_connect(&mqtt.request("publisher").lasting(600));
    assert!(connack.session_present);
    publisher.send(&ack(6, 7, 0));
    assert!(matches!(publisher.next(), Packet::Ack(ack) if ack.kind == 7 && ack.id == 7));
    send(&mut publisher, &topic, "two", 7, false);
    publisher.expect_ack(5, 7);
    release(&mut publisher, 7);
    hears(mqtt, &mut subscriber, &["one", "two"]);
    mqtt.connect("publisher").disconnect();
}
