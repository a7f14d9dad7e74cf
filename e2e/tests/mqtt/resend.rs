//! What a server sends again to a client that comes back, and what it does not.

use e2e::mqtt::{Client, Packet, ack};

use crate::suite::{A_MOMENT, Scope, cases};

cases! {
    an_unacknowledged_message_comes_again v31: "4" v311: "4.4.0-1 3.3.1-1 4.3.2-1" v5: "4.4.0-1 3.3.1-1 4.3.2-3";
    unacknowledged_messages_come_again_in_order v311: "4.6.0-1 4.6.0-4" v5: "4.4.0-1 4.6.0-1";
    an_acknowledged_message_does_not_come_again v31: "4" v311: "4.3.2-2" v5: "4.3.2-3 3.10.4-3";
    a_message_without_a_pubrec_comes_again v311: "4.3.3-1 4.4.0-1" v5: "4.3.3-3 4.4.0-1";
    a_pubrel_without_a_pubcomp_comes_again v311: "4.3.3-1 4.4.0-1" v5: "4.3.3-5 4.3.3-6 4.4.0-1";
    nothing_is_sent_again_on_the_same_connection v311: "4.4.0-1" v5: "4.4.0-1";
    a_message_refused_by_the_client_does_not_come_again v5: "4.4.0-2";
    a_message_in_flight_does_not_expire v5: "4.3.3-7";
    in_flight_messages_come_before_queued_ones v311: "4.6.0-1" v5: "4.6.0-1";
    an_ended_subscription_completes_what_is_in_flight v311: "3.10.4-3" v5: "3.10.4-3";
}

fn subscribed(mqtt: &Scope, options: u8) -> Client {
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe(&mqtt.topic("a"), options);
    subscriber
}

fn published(mqtt: &Scope, payloads: &[&str], qos: u8) {
    let mut publisher = mqtt.connect("publisher");
    for payload in payloads {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), payload, qos);
    }
}

fn an_unacknowledged_message_comes_again(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 1);
    published(mqtt, &["x"], 1);
    let first = subscriber.next_publish();
    assert!(!first.dup);
    for _ in 0..2 {
        // The connection before is cut off, or taken over.
        subscriber = mqtt.resume("subscriber");
        let again = subscriber.next_publish();
        assert_eq!((again.id, again.dup, again.text().as_str()), (first.id, true, "x"));
    }
    subscriber.acknowledge(&first);
    subscriber.ping();
    mqtt.connect("subscriber").disconnect();
}

fn unacknowledged_messages_come_again_in_order(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["1", "2", "3"], 1);
    published(mqtt, &["4", "5"], 2);
    let mut before: Vec<_> = (0..5).map(|_| subscriber.next_publish()).collect();
    // The second is acknowledged.
    subscriber.acknowledge(&before.remove(1));
    subscriber.ping();
    drop(subscriber);
    let mut subscriber = mqtt.resume("subscriber");
    for publish in before {
        let again = subscriber.next_publish();
        assert_eq!((again.id, again.payload, again.dup), (publish.id, publish.payload, true));
    }
    mqtt.connect("subscriber").disconnect();
}

fn an_acknowledged_message_does_not_come_again(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["one"], 1);
    published(mqtt, &["two"], 2);
    subscriber.hear("one");
    subscriber.hear("two");
    subscriber.ping();
    drop(subscriber);
    mqtt.resume("subscriber").ping();
    mqtt.connect("subscriber").disconnect();
}

fn a_message_without_a_pubrec_comes_again(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["x"], 2);
    let first = subscriber.next_publish();
    let mut subscriber = mqtt.resume("subscriber");
    let again = subscriber.hear("x");
    assert_eq!((again.id, again.qos, again.dup), (first.id, 2, true));
    subscriber.ping();
    mqtt.connect("subscriber").disconnect();
}

fn a_pubrel_without_a_pubcomp_comes_again(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["x"], 2);
    let id = subscriber.next_publish().id;
    subscriber.send(&ack(5, id, 0));
    subscriber.expect_ack(6, id);
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.expect_ack(6, id);
    subscriber.send(&ack(7, id, 0));
    subscriber.ping();
    mqtt.resume("subscriber").ping();
    mqtt.connect("subscriber").disconnect();
}

fn nothing_is_sent_again_on_the_same_connection(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["one"], 1);
    published(mqtt, &["two"], 2);
    subscriber.next_publish();
    subscriber.next_publish();
    subscriber.hears_nothing(A_MOMENT * 5);
    mqtt.connect("subscriber").disconnect();
}

fn a_message_refused_by_the_client_does_not_come_again(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 1);
    published(mqtt, &["x"], 1);
    let id = subscriber.next_publish().id;
    subscriber.send(&ack(4, id, 0x80));
    subscriber.ping();
    drop(subscriber);
    mqtt.resume("subscriber").ping();
    mqtt.connect("subscriber").disconnect();
}

fn a_message_in_flight_does_not_expire(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    let expiry = e2e::mqtt::Properties::default().four(e2e::mqtt::property::MESSAGE_EXPIRY, 3);
    let publish = e2e::mqtt::Publish::new(&mqtt.topic("a"), "x").qos(2, 0).with(expiry);
    mqtt.connect("publisher").publish(&publish);
    let id = subscriber.next_publish().id;
    subscriber.hears_nothing(std::time::Duration::from_millis(3_200));
    subscriber.send(&ack(5, id, 0));
    subscriber.expect_ack(6, id);
    mqtt.connect("subscriber").disconnect();
}

fn in_flight_messages_come_before_queued_ones(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 1);
    published(mqtt, &["one"], 1);
    subscriber.next_publish();
    subscriber.end_sending();
    subscriber.closed_raw();
    published(mqtt, &["two", "three"], 1);
    let mut subscriber = mqtt.resume("subscriber");
    for (payload, dup) in [("one", true), ("two", false), ("three", false)] {
        assert_eq!(subscriber.hear(payload).dup, dup);
    }
    mqtt.connect("subscriber").disconnect();
}

fn an_ended_subscription_completes_what_is_in_flight(mqtt: &Scope) {
    let mut subscriber = subscribed(mqtt, 2);
    published(mqtt, &["x"], 2);
    let publish = subscriber.next_publish();
    subscriber.unsubscribe(&mqtt.topic("a"));
    subscriber.send(&ack(5, publish.id, 0));
    assert!(matches!(subscriber.next(), Packet::Ack(ack) if ack.kind == 6 && ack.id == publish.id));
    subscriber.send(&ack(7, publish.id, 0));
    subscriber.ping();
    mqtt.connect("subscriber").disconnect();
}
