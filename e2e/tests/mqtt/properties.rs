//! The properties of PUBLISH in MQTT 5: forwarded unaltered, or refused; topic aliases.

use e2e::mqtt::{Connect, Properties, Publish, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    properties_are_forwarded_unaltered v5: "3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-20";
    user_properties_are_forwarded_in_order v5: "3.3.2-17 3.3.2-18";
    properties_are_kept_with_a_retained_message v5: "3.3.2-4 3.3.2-17 3.3.2-20";
    a_message_expires_unsent v5: "3.3.2-5";
    the_time_in_the_server_is_taken_off_the_expiry v5: "3.3.2-6";
    wrong_properties_end_the_connection v5: "3.3.2-13 3.3.2-14 3.3.2-19 3.3.4-6 4.13.1-1";
    properties_cut_short_end_the_connection v5: "2.2.2-2 4.13.1-1";
    an_alias_stands_for_its_topic v5: "3.3.2-12";
    an_alias_can_be_changed v5: "3.3.2-12";
    an_alias_of_0_or_above_the_maximum_ends_the_connection v5: "3.3.2-8 3.3.2-9 3.2.2-17 3.2.2-18";
    an_unknown_alias_ends_the_connection v5: "3.3.2-7 4.13.1-1";
    aliases_end_with_the_connection v5: "3.3.2-7";
    a_message_sent_again_names_its_topic v5: "3.3.2-7 4.4.0-1";
    an_alias_is_not_forwarded v5: "3.1.2-27 3.3.2-11";
    aliases_of_the_server_stay_below_the_maximum v5: "3.1.2-26 3.1.2-27 3.3.2-11";
}

fn all() -> Properties {
    use property as p;
    let properties = Properties::default().byte(p::PAYLOAD_FORMAT, 1).text(p::CONTENT_TYPE, "text/plain");
    let properties = properties.text(p::RESPONSE_TOPIC, "re/ply").text(p::CORRELATION_DATA, b"\0\xFF1");
    properties.user("b", "2").user("a", "1").user("b", "").user("", "x")
}

fn came_unaltered(publish: &e2e::mqtt::Received) {
    use property as p;
    assert_eq!(publish.all(p::PAYLOAD_FORMAT), [[1]]);
    assert_eq!(publish.all(p::CONTENT_TYPE), [b"text/plain"]);
    assert_eq!(publish.all(p::RESPONSE_TOPIC), [b"re/ply"]);
    assert_eq!(publish.all(p::CORRELATION_DATA), [b"\0\xFF1"]);
    let user: [&[u8]; 4] = [b"b=2", b"a=1", b"b=", b"=x"];
    assert_eq!(publish.all(p::USER), user);
}

fn properties_are_forwarded_unaltered(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 2);
    for qos in 0..3 {
        publisher.publish(&Publish::new(&topic, "x").qos(qos, 0).with(all()));
        came_unaltered(&subscriber.hear("x"));
    }
}

fn user_properties_are_forwarded_in_order(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    let many = (0..50).fold(Properties::default(), |all, n| all.user(&format!("k{}", n % 3), &n.to_string()));
    publisher.publish(&Publish::new(&topic, "x").with(many));
    let publish = subscriber.hear("x");
    let wanted: Vec<String> = (0..50).map(|n| format!("k{}={n}", n % 3)).collect();
    let came: Vec<_> = publish.all(property::USER).into_iter().map(String::from_utf8_lossy).collect();
    assert_eq!(came, wanted);
}

fn properties_are_kept_with_a_retained_message(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&Publish::new(&topic, "x").retained().with(all()));
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&topic, 0);
    came_unaltered(&subscriber.hear("x"));
    publisher.publish(&Publish::new(&topic, "").retained());
}

fn expiring(topic: &str, payload: &str, seconds: u32) -> Publish {
    let expiry = Properties::default().four(property::MESSAGE_EXPIRY, seconds);
    Publish::new(topic, payload).qos(1, 0).with(expiry)
}

/// Begins a session that is subscribed to a filter and away: nothing is sent to the connection that it had.
fn away(mqtt: &Scope, filter: &str) {
    let mut client = mqtt.resume("away");
    client.subscribe(filter, 1);
    client.disconnect();
}

fn a_message_expires_unsent(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    away(mqtt, &topic);
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&expiring(&topic, "short-lived", 1));
    publisher.publish(&expiring(&topic, "long-lived", 600));
    publisher.hears_nothing(std::time::Duration::from_millis(2_100));
    mqtt.resume("away").hear("long-lived");
    mqtt.connect("away").disconnect();
}

fn the_time_in_the_server_is_taken_off_the_expiry(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    away(mqtt, &topic);
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&expiring(&topic, "x", 600));
    publisher.hears_nothing(std::time::Duration::from_millis(2_100));
    let left = mqtt.resume("away").hear("x").number(property::MESSAGE_EXPIRY);
    assert!(matches!(left, Some(1..=598)), "{left:?}");
    mqtt.connect("away").disconnect();
}

fn wrong_properties_end_the_connection(mqtt: &Scope) {
    use property as p;
    let none = Properties::default;
    let wrong = [
        none().variable(p::SUBSCRIPTION_ID, 1),
        none().byte(p::PAYLOAD_FORMAT, 2),
        none().byte(p::PAYLOAD_FORMAT, 0).byte(p::PAYLOAD_FORMAT, 0),
        none().text(p::RESPONSE_TOPIC, "a/#"),
        none().text(p::RESPONSE_TOPIC, "+"),
        none().text(p::RESPONSE_TOPIC, b"\xFF"),
        none().text(p::CONTENT_TYPE, b"\xFF"),
        none().text(p::CONTENT_TYPE, "a\0"),
        none().four(p::MESSAGE_EXPIRY, 1).four(p::MESSAGE_EXPIRY, 1),
        none().four(p::SESSION_EXPIRY, 1),
        none().two(p::RECEIVE_MAXIMUM, 1),
        none().byte(0x7F, 1),
        none().with(p::USER, &[0, 1, 0xFF, 0, 0]),
    ];
    for properties in wrong {
        let bytes = Publish::new(&mqtt.topic("a"), "x").qos(1, 1).with(properties).written(mqtt.version());
        mqtt.ends_on("a", &bytes, &[0x81, 0x82, 0x90]);
    }
}

fn properties_cut_short_end_the_connection(mqtt: &Scope) {
    // A length that the packet does not have, and values that the length does not have.
    for properties in
        [&[0x7F][..], &[0xFF, 0xFF, 0xFF, 0xFF, 1], &[2, property::MESSAGE_EXPIRY, 0], &[1, 0x26]]
    {
        let body = [e2e::mqtt::text("a"), vec![0, 1], properties.to_vec()].concat();
        mqtt.ends_on("a", &e2e::mqtt::packet(0x32, &body), MALFORMED);
    }
}

fn aliased(topic: &str, payload: &str, alias: u16) -> Publish {
    Publish::new(topic, payload).qos(1, 0).with(Properties::default().two(property::TOPIC_ALIAS, alias))
}

/// A publisher, and the largest alias that the server takes; a server may take none.
fn publisher_with_aliases(mqtt: &Scope) -> (e2e::mqtt::Client, u16) {
    let (publisher, connack) = mqtt.endpoint.try_connect(&mqtt.request("publisher"));
    (publisher, connack.number(property::TOPIC_ALIAS_MAXIMUM).unwrap_or_default() as u16)
}

fn an_alias_stands_for_its_topic(mqtt: &Scope) {
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&mqtt.topic("#"), 0);
    let (mut publisher, most) = publisher_with_aliases(mqtt);
    let aliases: Vec<u16> = (1..=most).take(100).chain((most > 100).then_some(most)).collect();
    for &alias in &aliases {
        publisher.publish(&aliased(&mqtt.topic(&alias.to_string()), "first", alias));
        subscriber.hear("first");
    }
    for &alias in aliases.iter().rev() {
        publisher.publish(&aliased("", "second", alias));
        assert_eq!(subscriber.hear("second").topic, mqtt.topic(&alias.to_string()));
    }
}

fn an_alias_can_be_changed(mqtt: &Scope) {
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&mqtt.topic("#"), 0);
    let (mut publisher, most) = publisher_with_aliases(mqtt);
    for name in ["a", "b"].into_iter().take(most.into()) {
        publisher.publish(&aliased(&mqtt.topic(name), "x", 1));
        subscriber.hear("x");
        publisher.publish(&aliased("", "y", 1));
        assert_eq!(subscriber.hear("y").topic, mqtt.topic(name));
    }
}

fn an_alias_of_0_or_above_the_maximum_ends_the_connection(mqtt: &Scope) {
    let (_, most) = publisher_with_aliases(mqtt);
    for alias in [Some(0), most.checked_add(1)].into_iter().flatten() {
        let publish = Publish { id: 1, ..aliased(&mqtt.topic("a"), "x", alias) };
        mqtt.ends_on("a", &publish.written(mqtt.version()), &[0x94, 0x81, 0x82]);
    }
}

fn an_unknown_alias_ends_the_connection(mqtt: &Scope) {
    let publish = Publish { id: 1, ..aliased("", "x", 1) };
    mqtt.ends_on("a", &publish.written(mqtt.version()), &[0x94, 0x81, 0x82]);
}

fn aliases_end_with_the_connection(mqtt: &Scope) {
    let mut first = mqtt.resume("a");
    let (_, most) = publisher_with_aliases(mqtt);
    if most > 0 {
        first.publish(&aliased(&mqtt.topic("a"), "x", 1));
    }
    let mut second = mqtt.resume("a");
    second.send(&Publish { id: 1, ..aliased("", "y", 1) }.written(mqtt.version()));
    mqtt.ended(&mut second, &[0x94, 0x81, 0x82]);
    mqtt.connect("a").disconnect();
}

/// The aliases of the server, too, end with the connection.
fn a_message_sent_again_names_its_topic(mqtt: &Scope) {
    let connect = mqtt.request("subscriber").lasting(600);
    let properties = connect.properties.two(property::TOPIC_ALIAS_MAXIMUM, 5);
    let connect = Connect { properties, ..connect };
    let mut subscriber = mqtt.endpoint.connect_as(&connect);
    let topic = mqtt.topic("a");
    subscriber.subscribe(&topic, 1);
    let mut publisher = mqtt.connect("publisher");
    for payload in ["1", "2", "3"] {
        mqtt.publish(&mut publisher, &topic, payload, 1);
        subscriber.next_publish();
    }
    drop(subscriber);
    let mut subscriber = mqtt.endpoint.connect_as(&connect);
    assert_eq!(subscriber.hear("1").topic, topic);
    subscriber.hear("2");
    subscriber.hear("3");
    mqtt.connect("subscriber").disconnect();
}

fn an_alias_is_not_forwarded(mqtt: &Scope) {
    let topic = mqtt.topic("a");
    let mut subscriber = mqtt.connect("subscriber");
    subscriber.subscribe(&topic, 0);
    let (mut publisher, most) = publisher_with_aliases(mqtt);
    for payload in ["x", "y"].into_iter().take(most.into()) {
        publisher.publish(&aliased(&topic, payload, 1).retained());
        let publish = subscriber.hear(payload);
        assert_eq!((publish.topic.as_str(), publish.number(property::TOPIC_ALIAS)), (topic.as_str(), None));
    }
    publisher.publish(&Publish::new(&topic, "").retained());
}

fn aliases_of_the_server_stay_below_the_maximum(mqtt: &Scope) {
    let properties = Properties::default().two(property::TOPIC_ALIAS_MAXIMUM, 2);
    let mut subscriber = mqtt.endpoint.connect_as(&Connect { properties, ..mqtt.request("subscriber") });
    subscriber.subscribe(&mqtt.topic("#"), 1);
    let mut publisher = mqtt.connect("publisher");
    let mut aliases: [Option<String>; 2] = [None, None];
    for turn in 0..12 {
        let topic = mqtt.topic(&(turn % 4).to_string());
        mqtt.publish(&mut publisher, &topic, "x", 1);
        let publish = subscriber.hear("x");
        match publish.number(property::TOPIC_ALIAS) {
            None => assert_eq!(publish.topic, topic),
            Some(alias @ 1..=2) => {
                let known = &mut aliases[alias as usize - 1];
                if !publish.topic.is_empty() {
                    *known = Some(publish.topic);
                }
                assert_eq!(known.as_deref(), Some(topic.as_str()));
            }
            Some(alias) => panic!("alias {alias} of at most 2"),
        }
    }
}
