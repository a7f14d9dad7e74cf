//! Retained messages.

use std::time::Duration;

use std::collections::HashSet;

use e2e::mqtt::{Client, Properties, Publish, property};

use crate::suite::{Scope, cases};

cases! {
    a_retained_message_greets_new_subscribers v31: "3.3" v311: "3.3.1-5 3.3.1-6 3.3.1-8" v5: "3.3.1-5 3.3.1-9";
    the_newest_replaces_the_one_before v31: "3.3" v311: "3.3.1-5 3.3.1-7" v5: "3.3.1-5";
    an_empty_one_removes_it v31: "3.3" v311: "3.3.1-10 3.3.1-11" v5: "3.3.1-6 3.3.1-7";
    an_empty_one_is_delivered v311: "3.3.1-10" v5: "3.3.1-6";
    a_message_that_is_not_retained_changes_nothing v311: "3.3.1-12" v5: "3.3.1-8";
    the_flag_is_cleared_for_known_subscribers v31: "3.3" v311: "3.3.1-9" v5: "3.3.1-12";
    it_outlives_its_publisher v31: "3.3" v311: "3.1.2-7" v5: "3.3.1-5";
    it_comes_at_the_smaller_qos v311: "3.3.1-5 3.8.4-6" v5: "3.8.4-8";
    wildcards_find_all v31: "3.3" v311: "3.3.1-6" v5: "3.3.1-9";
    each_level_is_a_message_of_its_own v311: "3.3.1-6" v5: "3.3.1-9";
    one_at_qos_0_is_retained_too v311: "3.3.1-7" v5: "3.3.1-5";
    it_expires v5: "3.3.2-5";
    its_expiry_counts_down v5: "3.3.2-6";
    however_many_all_come v31: "3.3" v311: "3.3.1-6" v5: "3.3.1-9";
    a_large_one_is_kept_whole v311: "3.3.1-5" v5: "3.3.1-5";
}

fn retain(client: &mut Client, topic: &str, payload: &str, qos: u8) {
    let reason = client.publish(&Publish::new(topic, payload).qos(qos, 0).retained());
    assert!(reason < 0x80, "reason {reason:#04x}");
}

/// What a new subscriber gets.
fn greeted(mqtt: &Scope, filter: &str, payloads: &[&str]) {
    let mut subscriber = mqtt.connect("new");
    subscriber.subscribe(filter, 1);
    let mut came: Vec<String> = payloads
        .iter()
        .map(|_| {
            let publish = subscriber.next_publish();
            subscriber.acknowledge(&publish);
            assert!(publish.retain);
            publish.text()
        })
        .collect();
    came.sort();
    assert_eq!(came, payloads);
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut subscriber);
}

fn a_retained_message_greets_new_subscribers(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    for qos in 0..3 {
        retain(&mut publisher, &topic, "kept", qos);
        greeted(mqtt, &topic, &["kept"]);
        retain(&mut publisher, &topic, "", qos);
        greeted(mqtt, &topic, &[]);
    }
}

fn the_newest_replaces_the_one_before(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut one, mut two) = (mqtt.connect("one"), mqtt.connect("two"));
    retain(&mut one, &topic, "old", 1);
    retain(&mut two, &topic, "new", 0);
    greeted(mqtt, &topic, &["new"]);
    retain(&mut one, &topic, "newest", 2);
    greeted(mqtt, &topic, &["newest"]);
    retain(&mut one, &topic, "", 0);
}

fn an_empty_one_removes_it(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    for qos in 0..3 {
        retain(&mut publisher, &topic, "kept", 1);
        retain(&mut publisher, &topic, "", qos);
        greeted(mqtt, &topic, &[]);
    }
}

fn an_empty_one_is_delivered(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    retain(&mut publisher, &topic, "", 1);
    assert!(!subscriber.hear("").retain);
}

fn a_message_that_is_not_retained_changes_nothing(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &topic, "passing", 1);
    greeted(mqtt, &topic, &[]);
    retain(&mut publisher, &topic, "kept", 1);
    mqtt.publish(&mut publisher, &topic, "passing", 1);
    mqtt.publish(&mut publisher, &topic, "", 1);
    greeted(mqtt, &topic, &["kept"]);
    retain(&mut publisher, &topic, "", 1);
}

fn the_flag_is_cleared_for_known_subscribers(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 1);
    retain(&mut publisher, &topic, "x", 1);
    assert!(!subscriber.hear("x").retain);
    retain(&mut publisher, &topic, "", 1);
}

fn it_outlives_its_publisher(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    retain(&mut publisher, &topic, "kept", 1);
    publisher.disconnect();
    mqtt.connect("publisher").disconnect();
    greeted(mqtt, &topic, &["kept"]);
    retain(&mut mqtt.connect("publisher"), &topic, "", 1);
}

fn it_comes_at_the_smaller_qos(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    for published in 0..3 {
        retain(&mut publisher, &topic, "kept", published);
        for granted in 0..3 {
            let mut subscriber = mqtt.connect("subscriber");
            subscriber.subscribe(&topic, granted);
            assert_eq!(subscriber.hear("kept").qos, published.min(granted));
        }
    }
    retain(&mut publisher, &topic, "", 1);
}

fn wildcards_find_all(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    let names = ["a", "a/b", "a/b/c", "b"];
    for name in names {
        retain(&mut publisher, &mqtt.topic(name), name, 1);
    }
    greeted(mqtt, &mqtt.topic("#"), &["a", "a/b", "a/b/c", "b"]);
    greeted(mqtt, &mqtt.topic("a/#"), &["a", "a/b", "a/b/c"]);
    greeted(mqtt, &mqtt.topic("+"), &["a", "b"]);
    greeted(mqtt, &mqtt.topic("+/b"), &["a/b"]);
    greeted(mqtt, &mqtt.topic("+/+/c"), &["a/b/c"]);
    for name in names {
        retain(&mut publisher, &mqtt.topic(name), "", 1);
    }
}

fn each_level_is_a_message_of_its_own(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    retain(&mut publisher, &mqtt.topic("a/b"), "below", 1);
    retain(&mut publisher, &mqtt.topic("a"), "above", 1);
    retain(&mut publisher, &mqtt.topic("a"), "", 1);
    greeted(mqtt, &mqtt.topic("a"), &[]);
    greeted(mqtt, &mqtt.topic("#"), &["below"]);
    retain(&mut publisher, &mqtt.topic("a/b"), "", 1);
}

fn one_at_qos_0_is_retained_too(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    retain(&mut publisher, &topic, "at 1", 1);
    retain(&mut publisher, &topic, "at 0", 0);
    greeted(mqtt, &topic, &["at 0"]);
    retain(&mut publisher, &topic, "", 0);
}

fn expiring(mqtt: &Scope, seconds: u32) -> Client {
    let expiry = Properties::default().four(property::MESSAGE_EXPIRY, seconds);
    let mut publisher = mqtt.connect("publisher");
    let publish = Publish::new(&mqtt.topic("a"), "kept").qos(1, 0).retained();
    publisher.publish(&publish.with(expiry));
    publisher
}

fn it_expires(mqtt: &Scope) {
    let mut publisher = expiring(mqtt, 1);
    publisher.hears_nothing(Duration::from_millis(2_100));
    greeted(mqtt, &mqtt.topic("a"), &[]);
}

fn its_expiry_counts_down(mqtt: &Scope) {
    let mut publisher = expiring(mqtt, 600);
    publisher.hears_nothing(Duration::from_millis(2_100));
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&mqtt.topic("a"), 1);
    let left = subscriber.hear("kept").number(property::MESSAGE_EXPIRY);
    assert!(matches!(left, Some(590..=598)), "{left:?}");
    retain(&mut publisher, &mqtt.topic("a"), "", 1);
}

/// As a home's discovery messages: more than a server likes to queue for one client.
fn however_many_all_come(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    let topics: Vec<_> = (100..220).map(|number| mqtt.topic(&number.to_string())).collect();
    let mut retain_all = |payload: &str| {
        for (id, topic) in (1..).zip(&topics) {
            let publish = Publish::new(topic, payload).qos(1, id).retained();
            publisher.send(&publish.written(mqtt.version()));
        }
        (1..).zip(&topics).for_each(|(id, _)| drop(publisher.expect_ack(4, id)));
    };
    retain_all(&"x".repeat(15_000));
    for qos in [0, 1] {
        let mut subscriber = mqtt.connect("subscriber");
        subscriber.subscribe(&mqtt.topic("+"), qos);
        let mut missing: HashSet<_> = topics.iter().cloned().collect();
        while !missing.is_empty() {
            let publish = subscriber.next_publish();
            subscriber.acknowledge(&publish);
            assert!(publish.retain && missing.remove(&publish.topic), "{}", publish.topic);
        }
    }
    retain_all("");
}

fn a_large_one_is_kept_whole(mqtt: &Scope) {
    let (topic, large) = (mqtt.topic("a"), "x".repeat(50_000));
    let mut publisher = mqtt.connect("publisher");
    retain(&mut publisher, &topic, &large, 1);
    greeted(mqtt, &topic, &[&large]);
    retain(&mut publisher, &topic, "", 1);
}
