//! Shared subscriptions of MQTT 5.

use e2e::mqtt::{Client, Connect, Packet, Publish, Subscribe, ack};

use crate::suite::{Scope, cases};

cases! {
    each_message_goes_to_one_member v5: "4.8.2-1 4.8.2-2";
    groups_are_apart v5: "4.8.2-2";
    every_member_of_every_group_has_its_turn v5: "4.8.2-2";
    a_shared_and_a_plain_subscription_are_apart v5: "4.8.2-2 3.3.4-2";
    a_wrong_share_name_is_refused v5: "4.8.2-1 4.8.2-2";
    the_granted_qos_holds v5: "4.8.2-3 3.8.4-8";
    no_retained_messages_are_sent v5: "3.3.1-9";
    a_member_that_leaves_gets_no_more v5: "3.10.4-2";
    a_member_that_is_cut_off_completes_its_messages v5: "4.8.2-4 4.4.0-1";
    a_message_that_a_member_refuses_goes_to_nobody_else v5: "4.8.2-6 4.4.0-2";
    a_session_that_ends_takes_its_qos_2_messages_along v5: "4.8.2-5";
}

fn member(mqtt: &Scope, name: &str, group: &str, qos: u8) -> Client {
    let mut member = mqtt.connect(name);
    let filter = format!("$share/{group}/{}", mqtt.topic("+"));
    assert_eq!(member.subscribe(&filter, qos), qos);
    member
}

/// The payloads that have come once nothing more comes.
fn heard(mqtt: &Scope, member: &mut Client) -> Vec<String> {
    let marker = mqtt.topic("marker/x");
    let mut heard = Vec::new();
    member.send(&Subscribe::new(9, &[(&marker, 0)]).written(mqtt.version()));
    member.send(&Publish::new(&marker, "marker").written(mqtt.version()));
    loop {
        match member.next() {
            Packet::Publish(publish) if publish.topic == marker => return heard,
            Packet::Publish(publish) => {
                member.acknowledge(&publish);
                heard.push(publish.text());
            }
            Packet::Suback(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn each_message_goes_to_one_member(mqtt: &Scope) {
    let mut members: Vec<_> = (0..3).map(|number| member(mqtt, &number.to_string(), "g", 1)).collect();
    let mut publisher = mqtt.connect("publisher");
    for number in 0..60 {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), &format!("{number:02}"), 1);
    }
    let each: Vec<Vec<String>> = members.iter_mut().map(|member| heard(mqtt, member)).collect();
    let mut all = each.concat();
    all.sort();
    assert_eq!(all, (0..60).map(|number| format!("{number:02}")).collect::<Vec<_>>());
    assert!(each.iter().all(|heard| !heard.is_empty()), "a member gets nothing: {each:?}");
}

fn groups_are_apart(mqtt: &Scope) {
    let (mut one, mut two) = (member(mqtt, "one", "g", 1), member(mqtt, "two", "h", 1));
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "x", 1);
    one.hear("x");
    two.hear("x");
}

/// A server may choose as it likes, but one that lets members go without is of no use for sharing work.
fn every_member_of_every_group_has_its_turn(mqtt: &Scope) {
    let names = ["g1", "g2", "h1", "h2"];
    let mut members = names.map(|name| member(mqtt, name, &name[..1], 1));
    let mut publisher = mqtt.connect("publisher");
    for number in 0..20 {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), &number.to_string(), 1);
    }
    let counts = members.each_mut().map(|member| heard(mqtt, member).len());
    assert_eq!((counts[0] + counts[1], counts[2] + counts[3]), (20, 20), "{counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "a member gets nothing: {counts:?}");
}

fn a_shared_and_a_plain_subscription_are_apart(mqtt: &Scope) {
    let mut client = member(mqtt, "a", "g", 1);
    client.subscribe(&mqtt.topic("a"), 1);
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "x", 1);
    // For the one and for the other.
    client.hear("x");
    client.hear("x");
    client.unsubscribe(&mqtt.topic("a"));
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "y", 1);
    client.hear("y");
}

fn a_wrong_share_name_is_refused(mqtt: &Scope) {
    for filter in
        ["$share//a", "$share/g", "$share/g/", "$share/+/a", "$share/g#/a", "$share/g+h/a", "$share/g/a#"]
    {
        let mut client = mqtt.connect("a");
        client.send(&Subscribe::new(1, &[(filter, 0)]).written(mqtt.version()));
        match client.next_within(e2e::SOON) {
            Ok(Packet::Suback(suback)) => assert_eq!(suback.codes, [0x8F], "{filter:?}"),
            Ok(Packet::Disconnect { reason, .. }) => assert!([0x81, 0x82, 0x8F].contains(&reason)),
            Err(true) => {}
            other => panic!("{filter:?}: {other:?}"),
        }
    }
}

fn the_granted_qos_holds(mqtt: &Scope) {
    for granted in 0..3 {
        let group = granted.to_string();
        let mut member = member(mqtt, &group, &group, granted);
        for published in 0..3 {
            mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "x", published);
            assert_eq!(member.hear("x").qos, published.min(granted));
        }
    }
}

fn no_retained_messages_are_sent(mqtt: &Scope) {
    let mut publisher = mqtt.connect("publisher");
    publisher.publish(&Publish::new(&mqtt.topic("a"), "kept").qos(1, 0).retained());
    let mut member = member(mqtt, "a", "g", 1);
    assert_eq!(heard(mqtt, &mut member), Vec::<String>::new());
    publisher.publish(&Publish::new(&mqtt.topic("a"), "").qos(1, 0).retained());
}

fn a_member_that_leaves_gets_no_more(mqtt: &Scope) {
    let (mut one, mut two) = (member(mqtt, "one", "g", 1), member(mqtt, "two", "g", 1));
    one.unsubscribe(&format!("$share/g/{}", mqtt.topic("+")));
    let mut publisher = mqtt.connect("publisher");
    for payload in ["x", "y", "z"] {
        mqtt.publish(&mut publisher, &mqtt.topic("a"), payload, 1);
        two.hear(payload);
    }
    assert_eq!(heard(mqtt, &mut one), Vec::<String>::new());
}

fn a_member_that_is_cut_off_completes_its_messages(mqtt: &Scope) {
    let connect = mqtt.request("only").lasting(600);
    let mut only = mqtt.endpoint.connect_as(&connect);
    only.subscribe(&format!("$share/g/{}", mqtt.topic("+")), 2);
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "x", 2);
    let first = only.next_publish();
    let mut only = mqtt.endpoint.connect_as(&connect);
    let again = only.hear("x");
    assert_eq!((again.id, again.dup), (first.id, true));
    mqtt.endpoint.connect_as(&Connect { clean: true, ..mqtt.request("only") }).disconnect();
}

/// A message that is with one of two members, the one first.
fn with_one_of_two(mqtt: &Scope) -> (Client, e2e::mqtt::Received, Client) {
    let (mut one, mut two) = (member(mqtt, "one", "g", 2), member(mqtt, "two", "g", 2));
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), "x", 2);
    loop {
        if let Ok(Packet::Publish(publish)) = one.next_within(std::time::Duration::from_millis(20)) {
            return (one, publish, two);
        }
        std::mem::swap(&mut one, &mut two);
    }
}

fn a_message_that_a_member_refuses_goes_to_nobody_else(mqtt: &Scope) {
    let (mut one, publish, mut two) = with_one_of_two(mqtt);
    one.send(&ack(5, publish.id, 0x83));
    one.ping();
    assert_eq!(heard(mqtt, &mut two), Vec::<String>::new());
}

fn a_session_that_ends_takes_its_qos_2_messages_along(mqtt: &Scope) {
    let (one, _, mut two) = with_one_of_two(mqtt);
    // Its session ends with its connection.
    one.disconnect();
    assert_eq!(heard(mqtt, &mut two), Vec::<String>::new());
}
