//! CONNACK: session present, its codes, and the sizes that it may have.

use e2e::mqtt::{Connect, Properties, first_packet, property};

use crate::suite::{Scope, cases};

cases! {
    a_clean_session_is_never_present v311: "3.2.2-1 3.1.2-6 3.1.4-3" v5: "3.2.2-2 3.1.2-4 3.1.4-4";
    a_session_is_present_where_there_is_one v311: "3.2.2-2 3.2.2-3 3.1.2-4" v5: "3.2.2-3 3.1.2-5 3.1.2-6";
    a_refusal_never_has_a_session v311: "3.2.2-4 3.2.2-5 3.2.2-6" v5: "3.2.2-6 3.2.2-7 3.2.2-8";
    reserved_flags_are_zero v31: "3" v311: "3.2.2-1" v5: "3.2.2-1 2.1.3-1";
    a_connack_fits_the_maximum_packet_size v5: "3.1.2-24 3.2.2-19 3.2.2-20";
    limits_in_the_connack_are_valid v5: "3.2.2-8 3.2.2-9";
}

fn a_clean_session_is_never_present(mqtt: &Scope) {
    mqtt.resume("a").disconnect();
    let (client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a"));
    assert!(!connack.session_present);
    client.disconnect();
    // It has replaced the one before.
    let (client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a").lasting(600));
    assert!(!connack.session_present);
    client.disconnect();
    mqtt.connect("a").disconnect();
}

fn a_session_is_present_where_there_is_one(mqtt: &Scope) {
    for present in [false, true, true] {
        let (client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a").lasting(600));
        assert_eq!(connack.session_present, present);
        client.disconnect();
    }
    mqtt.connect("a").disconnect();
}

fn a_refusal_never_has_a_session(mqtt: &Scope) {
    mqtt.resume("a").disconnect();
    let method = Properties::default().text(property::AUTHENTICATION_METHOD, "NONE-SUCH");
    let request = mqtt.request("a").lasting(600);
    let refused = match mqtt.is_v5() {
        true => Connect { properties: method, ..request },
        false => Connect { level: 9, ..request },
    };
    let mut client = mqtt.endpoint.open();
    client.send(&refused.written());
    let came = client.closed_raw();
    assert!(came.is_empty() || (came[0] == 0x20 && came[2] == 0 && came[3] != 0), "{came:02x?}");
    mqtt.connect("a").disconnect();
}

fn reserved_flags_are_zero(mqtt: &Scope) {
    // The reader refuses everything else.
    mqtt.connect("a").disconnect();
}

fn a_connack_fits_the_maximum_packet_size(mqtt: &Scope) {
    for most in [20, 40, 80] {
        let properties = Properties::default().four(property::MAXIMUM_PACKET_SIZE, most);
        let mut client = mqtt.endpoint.open();
        client.send(&Connect { properties, ..mqtt.request("small") }.written());
        client.send(&[0xE0, 0]);
        let came = client.closed_raw();
        if let Some((_, length)) = first_packet(mqtt.version(), &came).unwrap() {
            assert!(length <= most as usize, "{length} bytes of at most {most}");
        }
    }
}

fn limits_in_the_connack_are_valid(mqtt: &Scope) {
    use property as p;
    let (_client, connack) = mqtt.endpoint.try_connect(&mqtt.request("a"));
    let number = |id| connack.number(id);
    assert_ne!(number(p::RECEIVE_MAXIMUM), Some(0));
    assert_ne!(number(p::MAXIMUM_PACKET_SIZE), Some(0));
    // A server that supports QoS 2 leaves the property out.
    assert!(matches!(number(p::MAXIMUM_QOS), None | Some(0 | 1)));
    for id in [p::RETAIN_AVAILABLE, p::WILDCARD_AVAILABLE, p::SUBSCRIPTION_IDS_AVAILABLE, p::SHARED_AVAILABLE]
    {
        assert!(matches!(number(id), None | Some(0 | 1)), "{connack:?}");
    }
}
