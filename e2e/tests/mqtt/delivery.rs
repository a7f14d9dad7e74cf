//! Delivery: order, overlapping subscriptions, and one publish for many.

use std::collections::HashMap;

use e2e::mqtt::{Endpoint, Properties, Publish, Subscribe, Version, property};

use crate::suite::{Scope, cases};

cases! {
    messages_of_a_topic_come_in_order v31: "4" v311: "4.6.0-5 4.6.0-6" v5: "4.6.0-5 4.6.0-6";
    messages_reach_every_subscriber v31: "4" v311: "4.5.0-1 4.3.1-1" v5: "4.5.0-1";
    overlapping_subscriptions_deliver_the_largest_qos v311: "3.3.5-1" v5: "3.3.4-2";
    overlapping_subscriptions_name_their_identifiers v5: "3.3.4-3 3.3.4-4 3.3.4-5";
    messages_pass_between_versions v31: "4" v311: "3.3.5-1" v5: "3.3.4-2";
    a_publisher_hears_itself v31: "4" v311: "4.5.0-1" v5: "4.5.0-1";
    a_message_without_subscribers_is_acknowledged v311: "3.3.4-1" v5: "3.3.4-1 3.4.2-1 3.5.2-1";
}

fn messages_of_a_topic_come_in_order(mqtt: &Scope) {
    for qos in 0..3 {
        let topic = mqtt.topic(&qos.to_string());
        let (mut publisher, mut subscriber) = mqtt.pair(&topic, qos);
        for number in 0..60 {
            let publish = Publish::new(&topic, number.to_string()).qos(1, number + 1);
            publisher.send(&publish.written(mqtt.version()));
        }
        let mut ids = (1..=60).map(|id| publisher.expect_ack(4, id));
        assert_eq!(ids.by_ref().count(), 60);
        for number in 0..60 {
            subscriber.hear(&number.to_string());
        }
    }
}

fn messages_reach_every_subscriber(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscribers: Vec<_> = (0..20).map(|n| mqtt.connect(&n.to_string())).collect();
    for (number, subscriber) in subscribers.iter_mut().enumerate() {
        subscriber.subscribe(&topic, (number % 3) as u8);
    }
    mqtt.publish(&mut mqtt.connect("publisher"), &topic, "all", 2);
    for subscriber in &mut subscribers {
        subscriber.hear("all");
    }
}

fn overlapping_subscriptions_deliver_the_largest_qos(mqtt: &Scope) {
    let mut subscriber = mqtt.connect("subscriber");
    let (one, two, all) = (mqtt.topic("a"), mqtt.topic("+"), mqtt.topic("#"));
    subscriber.subscribe_with(&Subscribe::new(0, &[(&one, 0), (&two, 2), (&all, 1)]));
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &one, "x", 2);
    mqtt.publish(&mut publisher, &one, "last", 2);
    // One copy with the largest QoS, or one copy for each subscription.
    let mut largest = 0;
    loop {
        let publish = subscriber.next_publish();
        subscriber.acknowledge(&publish);
        match publish.text().as_str() {
            "x" => largest = largest.max(publish.qos),
            _ => break,
        }
    }
    assert_eq!(largest, 2);
}

fn overlapping_subscriptions_name_their_identifiers(mqtt: &Scope) {
    let mut subscriber = mqtt.connect("subscriber");
    let topic = mqtt.topic("a");
    for (number, filter) in [(1, topic.clone()), (128, mqtt.topic("+")), (268_435_455, mqtt.topic("#"))] {
        let id = Properties::default().variable(property::SUBSCRIPTION_ID, number);
        subscriber.subscribe_with(&Subscribe::new(0, &[(&filter, 0)]).with(id));
    }
    subscriber.subscribe(&format!("{topic}/#"), 0);
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &topic, "x", 0);
    mqtt.publish(&mut publisher, &topic, "last", 0);
    let mut seen: HashMap<u32, usize> = HashMap::new();
    loop {
        let publish = subscriber.next_publish();
        if publish.text() == "last" {
            break;
        }
        for property in publish.properties.iter().filter(|these| these.id == property::SUBSCRIPTION_ID) {
            *seen.entry(property.number()).or_default() += 1;
        }
    }
    assert_eq!(seen, HashMap::from([(1, 1), (128, 1), (268_435_455, 1)]));
}

/// What only MQTT 5 has comes to subscribers of MQTT 5, and nothing of it to others.
fn messages_pass_between_versions(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let versions = [Version::V31, Version::V311, Version::V5];
    let client = |name: &str, version: Version| {
        let endpoint = Endpoint { version, ..mqtt.endpoint };
        endpoint.connect(&mqtt.id(&format!("{name}{}", version as u8)))
    };
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&topic, 2);
    let properties = Properties::default().text(property::CONTENT_TYPE, "text/plain").user("a", "1");
    for version in versions {
        let mut publisher = client("publisher", version);
        for qos in 0..3 {
            let publish = Publish::new(&topic, "x").qos(qos, 0).with(properties.clone());
            assert!(publisher.publish(&publish) < 0x80);
            let heard = subscriber.hear("x");
            assert_eq!((heard.qos, heard.topic.as_str()), (qos, topic.as_str()));
            let types = heard.all(property::CONTENT_TYPE);
            let is_both_v5 = mqtt.is_v5() && version == Version::V5;
            assert_eq!(types, if is_both_v5 { vec![&b"text/plain"[..]] } else { Vec::new() });
        }
    }
}

fn a_publisher_hears_itself(mqtt: &Scope) {
    let mut client = mqtt.connect("a");
    client.subscribe(&mqtt.topic("a"), 0);
    client.send(&Publish::new(&mqtt.topic("a"), "echo").written(mqtt.version()));
    client.hear("echo");
}

fn a_message_without_subscribers_is_acknowledged(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    for qos in [1, 2] {
        let reason = publisher.publish(&Publish::new(&mqtt.topic("nobody"), "x").qos(qos, 0));
        assert!(matches!(reason, 0x00 | 0x10), "reason {reason:#04x}");
    }
}
