//! The options of a subscription in MQTT 5: No Local, Retain As Published, Retain Handling, and its identifier.

use e2e::mqtt::{Client, Properties, Publish, Received, Subscribe, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    no_local_keeps_a_clients_own_messages_away v5: "3.8.3-3";
    no_local_keeps_nothing_of_others_away v5: "3.8.3-3";
    no_local_on_a_shared_subscription_ends_the_connection v5: "3.8.3-4";
    retain_as_published_keeps_the_flag v5: "3.3.1-13";
    without_it_the_flag_is_cleared v5: "3.3.1-12";
    retain_handling_0_sends_always v5: "3.3.1-9";
    retain_handling_1_sends_to_new_subscriptions v5: "3.3.1-10";
    retain_handling_1_knows_the_subscriptions_of_the_session v5: "3.3.1-10";
    retain_handling_2_never_sends v5: "3.3.1-11";
    the_identifier_comes_with_each_message v5: "3.3.4-3";
    the_identifier_is_replaced v5: "3.8.4-3";
    the_identifier_lasts_with_the_session v5: "3.1.2-5 3.3.4-3";
}

const NO_LOCAL: u8 = 0x04;
const AS_PUBLISHED: u8 = 0x08;
const HANDLING_1: u8 = 0x10;
const HANDLING_2: u8 = 0x20;

fn no_local_keeps_a_clients_own_messages_away(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut client = mqtt.connect("a");
    for qos in 0..3 {
        client.subscribe(&topic, NO_LOCAL | qos);
        mqtt.publish(&mut client, &topic, "own", 2);
        client.ping();
    }
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut client);
}

fn no_local_keeps_nothing_of_others_away(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, NO_LOCAL);
    mqtt.publish(&mut publisher, &topic, "another's", 1);
    subscriber.hear("another's");
    // Without the option the own ones come again.
    subscriber.subscribe(&topic, 0);
    subscriber.send(&Publish::new(&topic, "own").written(mqtt.version()));
    subscriber.hear("own");
}

fn no_local_on_a_shared_subscription_ends_the_connection(mqtt: &Scope) {
    let bytes = Subscribe::new(1, &[("$share/g/a", NO_LOCAL)]).written(mqtt.version());
    mqtt.ends_on("a", &bytes, MALFORMED);
}

fn with_retained(mqtt: &Scope, name: &str) -> (Client, String) {
    let topic = mqtt.topic(name);
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&Publish::new(&topic, "kept").qos(1, 0).retained());
    (publisher, topic)
}

fn clear(publisher: &mut Client, topic: &str) {
    publisher.publish(&Publish::new(topic, "").qos(1, 0).retained());
}

fn flags(mqtt: &Scope, options: u8) -> [bool; 2] {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, options);
    publisher.publish(&Publish::new(&topic, "retained").qos(1, 0).retained());
    publisher.publish(&Publish::new(&topic, "not").qos(1, 0));
    let flags = ["retained", "not"].map(|payload| subscriber.hear(payload).retain);
    clear(&mut publisher, &topic);
    flags
}

fn retain_as_published_keeps_the_flag(mqtt: &Scope) {
    assert_eq!(flags(mqtt, AS_PUBLISHED), [true, false]);
}

fn without_it_the_flag_is_cleared(mqtt: &Scope) {
    assert_eq!(flags(mqtt, 1), [false, false]);
}

fn retain_handling_0_sends_always(mqtt: &Scope) {
    let (mut publisher, topic) = with_retained(mqtt, "a");
    let mut subscriber = mqtt.connect("subscriber");
    for options in [0, AS_PUBLISHED, 1] {
        subscriber.subscribe(&topic, options);
        // In answer to a subscription the flag is always set.
        assert!(subscriber.hear("kept").retain);
    }
    clear(&mut publisher, &topic);
}

fn retain_handling_1_sends_to_new_subscriptions(mqtt: &Scope) {
    let (mut publisher, topic) = with_retained(mqtt, "a");
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&topic, HANDLING_1);
    subscriber.hear("kept");
    subscriber.subscribe(&topic, HANDLING_1);
    mqtt.nothing_came(&mut publisher, &mut subscriber);
    subscriber.unsubscribe(&topic);
    subscriber.subscribe(&topic, HANDLING_1 | 1);
    subscriber.hear("kept");
    clear(&mut publisher, &topic);
}

fn retain_handling_1_knows_the_subscriptions_of_the_session(mqtt: &Scope) {
    let (mut publisher, topic) = with_retained(mqtt, "a");
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe(&topic, HANDLING_1);
    subscriber.hear("kept");
    subscriber.disconnect();
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe(&topic, HANDLING_1);
    mqtt.nothing_came(&mut publisher, &mut subscriber);
    mqtt.connect("subscriber").disconnect();
    clear(&mut publisher, &topic);
}

fn retain_handling_2_never_sends(mqtt: &Scope) {
    let (mut publisher, topic) = with_retained(mqtt, "a");
    let mut subscriber = mqtt.connect("subscriber");
    for _ in 0..2 {
        subscriber.subscribe(&topic, HANDLING_2);
        mqtt.nothing_came(&mut publisher, &mut subscriber);
    }
    clear(&mut publisher, &topic);
}

fn identifiers(publish: &Received) -> Vec<u32> {
    let these = publish.properties.iter().filter(|property| property.id == property::SUBSCRIPTION_ID);
    these.map(e2e::mqtt::Property::number).collect()
}

fn identified(filter: &str, id: u32) -> Subscribe {
    Subscribe::new(0, &[(filter, 1)]).with(Properties::default().variable(property::SUBSCRIPTION_ID, id))
}

fn the_identifier_comes_with_each_message(mqtt: &Scope) {
    let (mut publisher, topic) = with_retained(mqtt, "a");
    let mut subscriber = mqtt.connect("subscriber");
    for id in [1, 127, 128, 16_383, 16_384, 2_097_152, 268_435_455] {
        subscriber.subscribe_with(&identified(&topic, id));
        assert_eq!(identifiers(&subscriber.hear("kept")), [id]);
        mqtt.publish(&mut publisher, &topic, "x", 1);
        assert_eq!(identifiers(&subscriber.hear("x")), [id]);
    }
    clear(&mut publisher, &topic);
}

fn the_identifier_is_replaced(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    for id in [Some(7), Some(8), None] {
        match id {
            Some(id) => subscriber.subscribe_with(&identified(&topic, id)),
            None => subscriber.subscribe_with(&Subscribe::new(0, &[(&topic, 0)])),
        };
        mqtt.publish(&mut publisher, &topic, "x", 1);
        assert_eq!(identifiers(&subscriber.hear("x")), Vec::from_iter(id));
    }
}

fn the_identifier_lasts_with_the_session(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = mqtt.resume("subscriber");
    subscriber.subscribe_with(&identified(&topic, 99));
    subscriber.disconnect();
    let mut publisher = mqtt.connect("publisher");
    mqtt.publish(&mut publisher, &topic, "away", 1);
    let mut subscriber = mqtt.resume("subscriber");
    assert_eq!(identifiers(&subscriber.hear("away")), [99]);
    mqtt.publish(&mut publisher, &topic, "back", 1);
    assert_eq!(identifiers(&subscriber.hear("back")), [99]);
    mqtt.connect("subscriber").disconnect();
}
