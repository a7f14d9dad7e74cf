//! Sessions: what outlives a connection, for how long, and what ends it.

use std::time::Duration;

use e2e::mqtt::{Client, Connect, Properties, Publish, property};

use crate::suite::{MALFORMED, Scope, cases};

cases! {
    subscriptions_outlive_the_connection v31: "3.1" v311: "3.1.2-4 4.1.0-1" v5: "3.1.2-5 3.1.2-23 4.1.0-1";
    messages_wait_in_order v31: "3.1" v311: "3.1.2-5 4.5.0-1" v5: "4.5.0-1 3.1.2-23";
    messages_wait_however_the_connection_ended v311: "3.1.2-5" v5: "3.1.2-23";
    a_clean_session_ends_with_its_connection v31: "3.1" v311: "3.1.2-6" v5: "4.1.0-2 3.1.2-4";
    a_clean_start_discards_what_waits v311: "3.1.2-6" v5: "3.1.2-4 3.1.4-4";
    a_session_is_its_clients_alone v311: "3.1.3-2" v5: "3.1.3-2";
    a_clean_start_begins_a_session_that_lasts v5: "3.1.2-4 3.1.2-23";
    a_session_without_an_expiry_ends_with_its_connection v5: "4.1.0-2";
    a_session_ends_when_it_expires v5: "4.1.0-2 3.1.2-23";
    a_session_does_not_expire_while_it_is_connected v5: "4.1.0-1";
    a_session_without_an_end_lasts v5: "3.1.2-23";
    a_disconnect_changes_the_expiry v5: "4.1.0-2 3.1.2-23";
    a_disconnect_cannot_make_a_session_last v5: "4.13.1-1";
    a_session_can_change_its_version v311: "3.1.2-4" v5: "3.1.2-5";
    a_connection_that_is_taken_over_leaves_its_session v311: "3.1.2-4 3.1.4-2" v5: "3.1.2-5 3.1.4-3";
}

fn subscribed(mqtt: &Scope, connect: &Connect) -> Client {
    let mut client = mqtt.endpoint.connect_as(connect);
    client.subscribe(&mqtt.topic("a"), 1);
    client
}

fn publish(mqtt: &Scope, payload: &str) {
    mqtt.publish(&mut mqtt.connect("publisher"), &mqtt.topic("a"), payload, 1);
}

fn is_present(mqtt: &Scope) -> bool {
    mqtt.endpoint.try_connect(&mqtt.request("client").lasting(600)).1.session_present
}

fn forget(mqtt: &Scope) {
    mqtt.connect("client").disconnect();
}

fn subscriptions_outlive_the_connection(mqtt: &Scope) {
    subscribed(mqtt, &mqtt.request("client").lasting(600)).disconnect();
    let mut back = mqtt.resume("client");
    publish(mqtt, "x");
    back.hear("x");
    forget(mqtt);
}

fn messages_wait_in_order(mqtt: &Scope) {
    subscribed(mqtt, &mqtt.request("client").lasting(600)).disconnect();
    let mut publisher = mqtt.connect("publisher");
    for number in 0..50 {
        let qos = 1 + number % 2;
        mqtt.publish(&mut publisher, &mqtt.topic("a"), &number.to_string(), qos);
    }
    let mut back = mqtt.resume("client");
    for number in 0..50 {
        back.hear(&number.to_string());
    }
    back.ping();
    forget(mqtt);
}

fn messages_wait_however_the_connection_ended(mqtt: &Scope) {
    let mut client = subscribed(mqtt, &mqtt.request("client").lasting(600));
    client.send(&Publish::new("a", "b").qos(3, 1).written(mqtt.version()));
    client.closed();
    publish(mqtt, "one");
    let mut client = mqtt.resume("client");
    client.hear("one");
    client.ping();
    client.end_sending();
    client.closed();
    publish(mqtt, "two");
    mqtt.resume("client").hear("two");
    forget(mqtt);
}

fn a_clean_session_ends_with_its_connection(mqtt: &Scope) {
    subscribed(mqtt, &mqtt.request("client")).disconnect();
    publish(mqtt, "x");
    let (mut client, connack) = mqtt.endpoint.try_connect(&mqtt.request("client").lasting(600));
    assert!(!connack.session_present);
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut client);
    forget(mqtt);
}

fn a_clean_start_discards_what_waits(mqtt: &Scope) {
    subscribed(mqtt, &mqtt.request("client").lasting(600)).disconnect();
    publish(mqtt, "x");
    let mut client = mqtt.connect("client");
    publish(mqtt, "y");
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut client);
}

fn a_session_is_its_clients_alone(mqtt: &Scope) {
    subscribed(mqtt, &mqtt.request("client").lasting(600)).disconnect();
    publish(mqtt, "x");
    let (mut other, connack) = mqtt.endpoint.try_connect(&mqtt.request("CLIENT").lasting(600));
    assert!(!connack.session_present);
    other.ping();
    mqtt.resume("client").hear("x");
    forget(mqtt);
    mqtt.connect("CLIENT").disconnect();
}

fn expiring(mqtt: &Scope, clean: bool, seconds: u32) -> Connect {
    let properties = Properties::default().four(property::SESSION_EXPIRY, seconds);
    Connect { clean, properties, ..mqtt.request("client") }
}

fn a_clean_start_begins_a_session_that_lasts(mqtt: &Scope) {
    subscribed(mqtt, &expiring(mqtt, true, 600)).disconnect();
    publish(mqtt, "x");
    mqtt.resume("client").hear("x");
    forget(mqtt);
}

fn a_session_without_an_expiry_ends_with_its_connection(mqtt: &Scope) {
    subscribed(mqtt, &Connect { clean: false, ..mqtt.request("client") }).disconnect();
    assert!(!is_present(mqtt));
    subscribed(mqtt, &expiring(mqtt, false, 0)).disconnect();
    assert!(!is_present(mqtt));
    forget(mqtt);
}

fn a_session_ends_when_it_expires(mqtt: &Scope) {
    subscribed(mqtt, &expiring(mqtt, true, 1)).disconnect();
    publish(mqtt, "x");
    let mut waiting = mqtt.connect("waiting");
    waiting.hears_nothing(Duration::from_millis(2_500));
    assert!(!is_present(mqtt));
    forget(mqtt);
}

fn a_session_does_not_expire_while_it_is_connected(mqtt: &Scope) {
    let mut client = subscribed(mqtt, &expiring(mqtt, true, 1));
    client.hears_nothing(Duration::from_millis(2_500));
    publish(mqtt, "x");
    client.hear("x");
    client.ping();
    assert!(is_present(mqtt), "the connection that takes over the session finds it");
    mqtt.ended(&mut client, &[0x8E]);
    forget(mqtt);
}

fn a_session_without_an_end_lasts(mqtt: &Scope) {
    subscribed(mqtt, &expiring(mqtt, true, u32::MAX)).disconnect();
    assert!(is_present(mqtt));
    forget(mqtt);
}

fn a_disconnect_changes_the_expiry(mqtt: &Scope) {
    let expiry = |seconds| Properties::default().four(property::SESSION_EXPIRY, seconds);
    subscribed(mqtt, &expiring(mqtt, true, 600)).disconnect_with(Some(0), &expiry(0));
    assert!(!is_present(mqtt));
    subscribed(mqtt, &expiring(mqtt, true, 1)).disconnect_with(Some(0), &expiry(600));
    mqtt.connect("waiting").hears_nothing(Duration::from_millis(2_500));
    assert!(is_present(mqtt));
    forget(mqtt);
}

fn a_disconnect_cannot_make_a_session_last(mqtt: &Scope) {
    let mut client = subscribed(mqtt, &expiring(mqtt, true, 0));
    let expiry = Properties::default().four(property::SESSION_EXPIRY, 600);
    client.send(&e2e::mqtt::disconnect(Some(0), &expiry));
    mqtt.ended(&mut client, MALFORMED);
    assert!(!is_present(mqtt));
    forget(mqtt);
}

fn a_session_can_change_its_version(mqtt: &Scope) {
    use e2e::mqtt::{Endpoint, Version};
    subscribed(mqtt, &mqtt.request("client").lasting(600)).disconnect();
    publish(mqtt, "x");
    let version = if mqtt.is_v5() { Version::V311 } else { Version::V5 };
    let other = Endpoint { version, ..mqtt.endpoint };
    let connect = Connect::new(version, &mqtt.id("client")).lasting(600);
    let (mut client, connack) = other.try_connect(&connect);
    assert!(connack.session_present);
    client.hear("x");
    client.disconnect();
    forget(mqtt);
}

fn a_connection_that_is_taken_over_leaves_its_session(mqtt: &Scope) {
    let mut first = subscribed(mqtt, &mqtt.request("client").lasting(600));
    let (mut second, connack) = mqtt.endpoint.try_connect(&mqtt.request("client").lasting(600));
    assert!(connack.session_present);
    mqtt.ended(&mut first, &[0x8E]);
    publish(mqtt, "x");
    second.hear("x");
    second.ping();
    forget(mqtt);
}
