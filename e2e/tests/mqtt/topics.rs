//! Which topics a filter matches.

use e2e::mqtt::Packet;

use crate::suite::{Scope, cases};

cases! {
    filters_match_as_the_specification_says v31: "appendix A" v311: "4.7.1-2 4.7.1-3 4.7.3-4" v5: "4.7.1-1 4.7.1-2 4.7.3-4 3.3.2-3";
    wildcards_at_the_beginning_do_not_match_dollar_topics v311: "4.7.2-1" v5: "4.7.2-1";
    topics_of_many_levels_are_matched v311: "4.7.3-3" v5: "4.7.3-3";
}

/// A filter, topics that it matches, and topics that it does not.
const MATCHES: &[(&str, &[&str], &[&str])] = &[
    ("a", &["a"], &["A", "a/", "/a", "a/b", "aa"]),
    ("a/b/c", &["a/b/c"], &["a/b", "a/b/c/", "a/b/C"]),
    ("a/#", &["a", "a/", "a/b", "a/b/c", "a//"], &["aa", "b", "/a"]),
    ("#", &["a", "/", "a/b", "/a"], &[]),
    ("+", &["a", " "], &["/", "a/", "/a", "a/b"]),
    ("a/+", &["a/", "a/b"], &["a", "a/b/", "a/b/c"]),
    ("+/+", &["/a", "a/", "/", "a/b"], &["a", "a/b/c"]),
    ("/+", &["/a", "/"], &["a", "a/b", "/a/b"]),
    ("a/+/c", &["a/b/c", "a//c"], &["a/c", "a/b/b/c", "a/b/d"]),
    ("+/b/#", &["a/b", "a/b/c", "/b"], &["b", "a/c"]),
    ("a//b", &["a//b"], &["a/b", "a/ /b"]),
    ("a/+/#", &["a/b", "a/", "a/b/c"], &["a", "b/b"]),
];

fn filters_match_as_the_specification_says(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    for (number, (filter, matched, others)) in MATCHES.iter().enumerate() {
        let below = |topic: &str| mqtt.topic(&format!("{number}/{topic}"));
        let mut subscriber = mqtt.connect(&number.to_string());
        subscriber.subscribe(&below(filter), 1);
        let topics: Vec<String> = matched.iter().chain(*others).map(|topic| below(topic)).collect();
        for topic in &topics {
            mqtt.publish(&mut publisher, topic, "x", 1);
        }
        for topic in *matched {
            assert_eq!(subscriber.hear("x").topic, below(topic), "{filter}");
        }
        mqtt.nothing_came(&mut publisher, &mut subscriber);
    }
}

fn wildcards_at_the_beginning_do_not_match_dollar_topics(mqtt: &Scope) {
    let (mut publisher, mut subscriber) = (mqtt.connect("publisher"), mqtt.connect("subscriber"));
    let last = mqtt.topic("last");
    let dollar = mqtt.topic("a").replace('/', "");
    let subscribe = e2e::mqtt::Subscribe::new(1, &[("#", 0), (&format!("+/{dollar}"), 0)]);
    subscriber.send(&subscribe.written(mqtt.version()));
    // A server may refuse to take it, or end the connection.
    let publish = e2e::mqtt::Publish::new(&format!("${dollar}/{dollar}"), "x");
    publisher.send(&publish.written(mqtt.version()));
    let _ = publisher.next_within(crate::suite::A_MOMENT);
    // Of all that other cases publish meanwhile, a server may leave messages out.
    let mut other = mqtt.connect("other");
    for _ in 0..20 {
        mqtt.publish(&mut other, &last, "last", 1);
        while let Ok(packet) = subscriber.next_within(crate::suite::A_MOMENT) {
            match packet {
                Packet::Publish(publish) if publish.topic == last => return,
                Packet::Publish(publish) => assert!(!publish.topic.starts_with('$'), "{}", publish.topic),
                Packet::Suback(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("the last message never comes");
}

fn topics_of_many_levels_are_matched(mqtt: &Scope) {
    let topic = mqtt.topic(&"x/".repeat(30));
    let (mut publisher, mut subscriber) = mqtt.pair(&topic, 0);
    subscriber.subscribe(&format!("{}#", mqtt.topic("x/+/")), 0);
    mqtt.publish(&mut publisher, &topic, "deep", 1);
    assert_eq!(subscriber.hear("deep").topic, topic);
}
