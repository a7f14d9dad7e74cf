//! CONNECT: each field and flag, and what is refused.

use e2e::mqtt::{Connect, Properties, Will, packet, property, text};

use crate::suite::{Scope, cases};

cases! {
    the_reserved_flag_is_refused v311: "3.1.2-3 3.1.4-1" v5: "3.1.2-3 3.1.4-1";
    flags_of_a_will_without_a_will_are_refused v311: "3.1.2-11 3.1.2-13 3.1.2-15" v5: "3.1.2-11 3.1.2-13";
    a_will_at_qos_3_is_refused v311: "3.1.2-14" v5: "3.1.2-12";
    a_will_at_each_qos_is_accepted v31: "3" v311: "3.1.2-14" v5: "3.1.2-12 3.1.2-7";
    a_will_that_is_missing_is_refused v311: "3.1.2-9" v5: "3.1.2-9";
    the_flags_of_user_and_password_are_checked
        v311: "3.1.2-18 3.1.2-19 3.1.2-20 3.1.2-21" v5: "3.1.2-16 3.1.2-17 3.1.2-18 3.1.2-19";
    a_password_without_a_user_needs_mqtt_5 v311: "3.1.2-22" v5: "3.1.2-19";
    fields_come_in_order v31: "3" v311: "3.1.3-1 3.1.3-3" v5: "3.1.3-1 3.1.3-3";
    a_client_id_that_is_not_utf8_is_refused v311: "3.1.3-4 1.5.3-1 1.5.3-2" v5: "3.1.3-4 3.1.3-8 1.5.4-1 1.5.4-2";
    a_topic_of_a_will_that_is_not_utf8_is_refused v311: "3.1.3-10" v5: "3.1.3-11";
    a_user_that_is_not_utf8_is_refused v311: "3.1.3-11" v5: "3.1.3-12";
    a_topic_of_a_will_is_a_topic_name v311: "4.7.1-1 4.7.3-1 4.7.3-2" v5: "4.7.0-1 4.7.3-1 4.7.3-2";
    client_ids_of_letters_and_digits_are_accepted v31: "3" v311: "3.1.3-5" v5: "3.1.3-5";
    client_ids_of_any_character_are_accepted v311: "3.1.3-4" v5: "3.1.3-4";
    an_empty_client_id_gets_a_unique_one v311: "3.1.3-6" v5: "3.1.3-6 3.1.3-7 3.2.2-16";
    an_empty_client_id_needs_a_clean_session v311: "3.1.3-7 3.1.3-8 3.1.3-9 3.2.2-4 3.2.2-5";
    an_assigned_client_id_can_be_resumed v5: "3.1.3-7 3.2.2-3";
    bytes_after_the_last_field_are_refused v311: "3.1.4-1" v5: "3.1.4-1";
    a_connect_cut_short_is_refused v311: "3.1.4-1" v5: "3.1.4-1";
    a_wrong_property_is_refused v5: "3.1.4-1 2.2.2-2 4.13.1-1";
    a_wrong_property_of_a_will_is_refused v5: "3.1.4-1 4.13.1-1";
    user_properties_may_repeat v5: "1.5.7-1";
}

const NOT_UTF8: [&[u8]; 6] =
    [b"\xFF", b"a\xC0\x80", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE2\x82", b"a\0b"];

fn the_reserved_flag_is_refused(mqtt: &Scope) {
    mqtt.refused(&Connect { flip: 1, ..mqtt.request("a") }.written(), &[]);
}

fn flags_of_a_will_without_a_will_are_refused(mqtt: &Scope) {
    for flip in [0x08, 0x10, 0x18, 0x20] {
        mqtt.refused(&Connect { flip, ..mqtt.request("a") }.written(), &[]);
    }
}

fn a_will_at_qos_3_is_refused(mqtt: &Scope) {
    let will = Will { qos: 3, ..Will::new(&mqtt.topic("a"), "will") };
    mqtt.refused(&mqtt.request("a").with_will(will).written(), &[]);
}

fn a_will_at_each_qos_is_accepted(mqtt: &Scope) {
    for (qos, retain) in [(0, false), (1, true), (2, false)] {
        let will = Will { qos, retain, ..Will::new(&mqtt.topic("a"), "") };
        mqtt.endpoint.connect_as(&mqtt.request("a").with_will(will)).disconnect();
    }
}

fn a_will_that_is_missing_is_refused(mqtt: &Scope) {
    // The flag says that there is one.
    mqtt.refused(&Connect { flip: 0x04, ..mqtt.request("a") }.written(), &[]);
    let topic_only = Connect { flip: 0x04, trailing: text("topic"), ..mqtt.request("a") };
    mqtt.refused(&topic_only.written(), &[]);
}

fn the_flags_of_user_and_password_are_checked(mqtt: &Scope) {
    let request = || mqtt.request("a");
    let named = || Connect { user: Some("user".into()), ..request() };
    let both = || Connect { password: Some("password".into()), ..named() };
    // A flag without its field, and a field without its flag.
    for flip in [0x80, 0xC0] {
        mqtt.refused(&Connect { flip, ..request() }.written(), &[]);
    }
    mqtt.refused(&Connect { flip: 0x40, ..named() }.written(), &[]);
    mqtt.refused(&Connect { flip: 0x80, ..named() }.written(), &[]);
    mqtt.refused(&Connect { flip: 0x40, ..both() }.written(), &[]);
    mqtt.refused(&Connect { flip: 0xC0, ..both() }.written(), &[]);
}

fn a_password_without_a_user_needs_mqtt_5(mqtt: &Scope) {
    let connect = Connect { password: Some(b"\0\xFF".to_vec()), ..mqtt.request("a") };
    match mqtt.is_v5() {
        true => mqtt.endpoint.connect_as(&connect).ping(),
        false => mqtt.refused(&connect.written(), &[]),
    }
}

fn fields_come_in_order(mqtt: &Scope) {
    let (user, password) = (Some("user".into()), Some(b"\0\xFF".to_vec()));
    let will = Will { qos: 2, retain: true, ..Will::new(&mqtt.topic("a"), "") };
    let connect = Connect { user, password, keep_alive: 60, ..mqtt.request("a") };
    mqtt.endpoint.connect_as(&connect.with_will(will)).ping();
}

fn a_client_id_that_is_not_utf8_is_refused(mqtt: &Scope) {
    for bytes in NOT_UTF8 {
        mqtt.refused(&Connect { client_id: bytes.into(), ..mqtt.request("a") }.written(), &[2]);
    }
}

fn a_topic_of_a_will_that_is_not_utf8_is_refused(mqtt: &Scope) {
    for bytes in NOT_UTF8 {
        let will = Will { topic: bytes.into(), ..Will::new("", "will") };
        mqtt.refused(&mqtt.request("a").with_will(will).written(), &[]);
    }
}

fn a_user_that_is_not_utf8_is_refused(mqtt: &Scope) {
    for bytes in NOT_UTF8 {
        mqtt.refused(&Connect { user: Some(bytes.into()), ..mqtt.request("a") }.written(), &[4]);
    }
}

fn a_topic_of_a_will_is_a_topic_name(mqtt: &Scope) {
    for topic in ["", "#", "a/#", "+/a", "a/+", "a\0"] {
        let connect = mqtt.request("a").with_will(Will::new(topic, "will"));
        mqtt.refused(&connect.written(), &[5]);
    }
}

fn client_ids_of_letters_and_digits_are_accepted(mqtt: &Scope) {
    for id in ["Z", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"] {
        let own = format!("{id}{}", mqtt.version() as u8);
        let client_id = own[own.len().saturating_sub(23)..].into();
        mqtt.endpoint.connect_as(&Connect { client_id, ..mqtt.request("") }).ping();
    }
}

fn client_ids_of_any_character_are_accepted(mqtt: &Scope) {
    let long = "x".repeat(200);
    for id in ["gw/1", "a\\b", "..", "a b", "Gerät", "日本", "%2F", "+#", "'\"", "\u{feff}", &long] {
        let connect = mqtt.request(id).lasting(600);
        mqtt.endpoint.connect_as(&connect).disconnect();
        let (client, connack) = mqtt.endpoint.try_connect(&connect);
        assert!(connack.session_present, "{id:?}");
        client.disconnect();
        mqtt.connect(id).disconnect();
    }
}

fn an_empty_client_id_gets_a_unique_one(mqtt: &Scope) {
    let connect = Connect { client_id: Vec::new(), ..mqtt.request("") };
    let (mut first, one) = mqtt.endpoint.try_connect(&connect);
    let (mut second, two) = mqtt.endpoint.try_connect(&connect);
    // Neither took the other's id over.
    first.ping();
    second.ping();
    let assigned = |connack: &e2e::mqtt::Connack| {
        let mut these = connack.properties.iter().filter(|these| these.id == property::ASSIGNED_CLIENT_ID);
        these.next().map(|property| property.value.clone()).unwrap_or_default()
    };
    if mqtt.is_v5() {
        assert!(!assigned(&one).is_empty() && assigned(&one) != assigned(&two), "{one:?} {two:?}");
    }
}

fn an_empty_client_id_needs_a_clean_session(mqtt: &Scope) {
    let connect = Connect { client_id: Vec::new(), clean: false, ..mqtt.request("") };
    let mut client = mqtt.endpoint.open();
    client.send(&connect.written());
    assert_eq!(client.closed_raw(), [0x20, 2, 0, 2]);
}

fn an_assigned_client_id_can_be_resumed(mqtt: &Scope) {
    let unnamed = Connect { client_id: Vec::new(), ..mqtt.request("") }.lasting(600);
    let (client, connack) = mqtt.endpoint.try_connect(&unnamed);
    let mut assigned = connack.properties.iter().filter(|these| these.id == property::ASSIGNED_CLIENT_ID);
    let client_id = assigned.next().expect("an assigned client id").value.clone();
    client.disconnect();
    let named = Connect { client_id, ..mqtt.request("") }.lasting(600);
    assert!(mqtt.endpoint.try_connect(&named).1.session_present);
    mqtt.endpoint
        .connect_as(&Connect { clean: true, properties: Properties::default(), ..named })
        .disconnect();
}

fn bytes_after_the_last_field_are_refused(mqtt: &Scope) {
    for trailing in [vec![0], text("more"), vec![7; 300]] {
        mqtt.refused(&Connect { trailing, ..mqtt.request("a") }.written(), &[]);
    }
}

fn a_connect_cut_short_is_refused(mqtt: &Scope) {
    let connect = Connect { user: Some("u".into()), password: Some("p".into()), ..mqtt.request("a") };
    let whole = connect.with_will(Will::new("t", "w")).written();
    // One byte of length is enough for this packet.
    let body = &whole[2..];
    for length in 0..body.len() {
        mqtt.refused(&packet(0x10, &body[..length]), &[1]);
    }
}

fn a_wrong_property_is_refused(mqtt: &Scope) {
    use property as p;
    let none = Properties::default;
    let wrong = [
        none().two(p::RECEIVE_MAXIMUM, 0),
        none().four(p::MAXIMUM_PACKET_SIZE, 0),
        none().byte(p::REQUEST_PROBLEM, 2),
        none().byte(p::REQUEST_RESPONSE, 2),
        none().text(p::AUTHENTICATION_DATA, "without a method"),
        none().four(p::SESSION_EXPIRY, 1).four(p::SESSION_EXPIRY, 1),
        none().two(p::RECEIVE_MAXIMUM, 9).two(p::RECEIVE_MAXIMUM, 9),
        none().two(p::TOPIC_ALIAS_MAXIMUM, 9).two(p::TOPIC_ALIAS_MAXIMUM, 9),
        none().two(p::TOPIC_ALIAS, 1),
        none().four(p::WILL_DELAY, 1),
        none().byte(0x00, 0),
        none().byte(0x7F, 0),
        none().with(p::SESSION_EXPIRY, &[0]),
        none().with(p::USER, &[0, 1, b'a']),
        none().user("a\0", "b"),
    ];
    for properties in wrong {
        mqtt.refused(&Connect { properties, ..mqtt.request("a") }.written(), &[]);
    }
}

fn a_wrong_property_of_a_will_is_refused(mqtt: &Scope) {
    use property as p;
    let none = Properties::default;
    let wrong = [
        none().byte(p::PAYLOAD_FORMAT, 2),
        none().four(p::WILL_DELAY, 1).four(p::WILL_DELAY, 1),
        none().four(p::SESSION_EXPIRY, 1),
        none().text(p::RESPONSE_TOPIC, "a/#"),
        none().text(p::CONTENT_TYPE, b"\xFF"),
    ];
    for properties in wrong {
        let will = Will { properties, ..Will::new("t", "w") };
        mqtt.refused(&mqtt.request("a").with_will(will).written(), &[]);
    }
}

fn user_properties_may_repeat(mqtt: &Scope) {
    let properties = Properties::default().user("a", "1").user("a", "1").user("", "");
    mqtt.endpoint.connect_as(&Connect { properties, ..mqtt.request("a") }).ping();
}
