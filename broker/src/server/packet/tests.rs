use super::*;

fn framed(bytes: &[u8]) -> Frame {
    let (header, whole) = frame(bytes, 1 << 20).unwrap().unwrap();
    assert_eq!(whole, bytes.len());
    Frame { first: bytes[0], body: Bytes::copy_from_slice(&bytes[header..]) }
}

fn connect(bytes: &[u8]) -> Result<Connect, Fault> {
    read_connect(&framed(bytes))
}

fn packet(version: Version, bytes: &[u8]) -> Result<Packet, Fault> {
    read(&framed(bytes), version)
}

#[test]
fn a_header_is_complete_too_large_or_malformed() {
    assert_eq!(frame(b"", 100), Ok(None));
    assert_eq!(frame(b"\x30", 100), Ok(None));
    assert_eq!(frame(b"\x30\x80", 100), Ok(None));
    assert_eq!(frame(b"\x30\x05", 100), Ok(Some((2, 7))));
    assert_eq!(
        frame(b"\x30\x80\x01", 130),
        Err(Fault::new(Reason::PACKET_TOO_LARGE, "the packet is too large"))
    );
    assert_eq!(frame(b"\x30\x80\x01", 131), Ok(Some((3, 131))));
    assert_eq!(frame(b"\x30\xff\xff\xff\xff", 100).unwrap_err().reason, Reason::MALFORMED);
    assert_eq!(
        frame(b"\xc0\x80\x00", 100).unwrap_err().reason,
        Reason::MALFORMED,
        "a length longer than need be"
    );
}

#[test]
fn every_version_connects() {
    let v31 = connect(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a").unwrap();
    assert_eq!(
        (v31.version, v31.clean_start, v31.keep_alive, v31.client_id.as_str()),
        (Version::V31, true, 60, "a")
    );
    let v311 = connect(b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x00\x00\x01a").unwrap();
    assert_eq!((v311.version, v311.session_expiry), (Version::V311, u32::MAX));
    let bridge = connect(b"\x10\x0d\x00\x04MQTT\x84\x02\x00\x00\x00\x01a").unwrap();
    assert!(bridge.is_bridge && bridge.version == Version::V311);
    let v5 = connect(b"\x10\x13\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x01a").unwrap();
    assert_eq!((v5.version, v5.session_expiry), (Version::V5, 10));
}

#[test]
fn a_connect_that_breaks_a_rule_is_refused_with_its_reason() {
    let cases: [(&[u8], Reason, &str); 8] = [
        (b"\x10\x0d\x00\x04MQTT\x06\x02\x00\x00\x00\x01a", Reason::UNSUPPORTED_VERSION, "level 6"),
        (b"\x10\x0d\x00\x04MQTX\x04\x02\x00\x00\x00\x01a", Reason::MALFORMED, "name"),
        (b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x00\x00\x01a", Reason::MALFORMED, "reserved flag"),
        (b"\x10\x0d\x00\x04MQTT\x04\x42\x00\x00\x00\x01a", Reason::MALFORMED, "password alone"),
        (b"\x10\x0d\x00\x04MQTT\x04\x22\x00\x00\x00\x01a", Reason::MALFORMED, "will retain alone"),
        (b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x01ab", Reason::MALFORMED, "trailing"),
        (
            b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x03\x21\x00\x00\x00\x01a",
            Reason::PROTOCOL_ERROR,
            "receive maximum 0",
        ),
        (
            b"\x10\x12\x00\x04MQTT\x05\x02\x00\x3c\x04\x17\x01\x17\x01\x00\x01a",
            Reason::PROTOCOL_ERROR,
            "twice",
        ),
    ];
    for (bytes, reason, name) in cases {
        assert_eq!(connect(bytes).unwrap_err().reason, reason, "{name}");
    }
    assert!(read_connect(&framed(b"\xc0\x00")).is_err(), "PINGREQ first");
}

#[test]
fn a_publish_is_read_without_copying_its_payload() {
    let frame = framed(b"\x32\x08\x00\x01t\x00\x07abc");
    let Packet::Publish(publish) = read(&frame, Version::V311).unwrap() else { panic!() };
    assert_eq!((publish.topic.as_str(), publish.packet_id, &publish.payload[..]), ("t", 7, &b"abc"[..]));
    assert_eq!(publish.payload.as_ptr(), frame.body[5..].as_ptr());
}

#[test]
fn what_a_client_must_not_send_is_refused() {
    use Version::{V5, V311};
    let cases: [(Version, &[u8], Reason, &str); 25] = [
        (V311, b"\x36\x05\x00\x01t\x00\x01", Reason::MALFORMED, "quality 3"),
        (V311, b"\x38\x03\x00\x01t", Reason::MALFORMED, "duplicate of quality 0"),
        (V311, b"\x32\x05\x00\x01t\x00\x00", Reason::PROTOCOL_ERROR, "packet id 0"),
        (V311, b"\x30\x03\x00\x01+", Reason::TOPIC_INVALID, "wildcard"),
        (V311, b"\x30\x03\x00\x01\x00", Reason::MALFORMED, "NUL"),
        (V311, b"\x30\x03\x00\x01\xff", Reason::MALFORMED, "not UTF-8"),
        (V311, b"\x30\x02\x00\x00", Reason::PROTOCOL_ERROR, "no topic"),
        (V311, b"\x30\x02\x00\x05", Reason::MALFORMED, "short"),
        (V5, b"\x30\x07\x00\x01t\x03\x23\x00\x00", Reason::TOPIC_ALIAS_INVALID, "alias 0"),
        (V5, b"\x30\x06\x00\x01t\x02\x0b\x01", Reason::PROTOCOL_ERROR, "subscription identifier"),
        (V5, b"\x30\x06\x00\x01t\x02\x01\x02", Reason::PROTOCOL_ERROR, "payload format 2"),
        (V311, b"\x80\x06\x00\x01\x00\x01t\x00", Reason::MALFORMED, "flags of SUBSCRIBE"),
        (V311, b"\x82\x06\x00\x00\x00\x01t\x00", Reason::PROTOCOL_ERROR, "packet id 0"),
        (V311, b"\x82\x02\x00\x01", Reason::PROTOCOL_ERROR, "no filter"),
        (V311, b"\x82\x06\x00\x01\x00\x01t\x03", Reason::MALFORMED, "quality 3"),
        (V311, b"\x82\x06\x00\x01\x00\x01t\x04", Reason::MALFORMED, "options before MQTT 5"),
        (V5, b"\x82\x09\x00\x01\x02\x0b\x00\x00\x01t\x00", Reason::PROTOCOL_ERROR, "identifier 0"),
        (V5, b"\x82\x07\x00\x01\x00\x00\x01t\x30", Reason::PROTOCOL_ERROR, "retain handling 3"),
        (V311, b"\xc0\x01a", Reason::MALFORMED, "PINGREQ with a body"),
        (V311, b"\xd0\x00", Reason::PROTOCOL_ERROR, "PINGRESP"),
        (V311, b"\xe0\x01\x00", Reason::MALFORMED, "DISCONNECT with a body"),
        (V311, b"\x60\x02\x00\x01", Reason::MALFORMED, "flags of PUBREL"),
        (V5, b"\x40\x03\x00\x01\x42", Reason::PROTOCOL_ERROR, "an unknown reason"),
        (V5, b"\xe0\x01\x8e", Reason::PROTOCOL_ERROR, "a reason of the server"),
        (V5, b"\x30\x06\x00\x01t\x80\x00x", Reason::MALFORMED, "a length of properties that is too long"),
    ];
    for (version, bytes, reason, name) in cases {
        assert_eq!(packet(version, bytes).unwrap_err().reason, reason, "{name}");
    }
}

#[test]
fn properties_go_on_to_subscribers_as_they_came() {
    // expiry 5, content type "c", user property a=b
    let bytes = b"\x30\x15\x00\x01t\x10\x02\x00\x00\x00\x05\x03\x00\x01c\x26\x00\x01a\x00\x01b1";
    let Packet::Publish(publish) = packet(Version::V5, bytes).unwrap() else { panic!() };
    assert_eq!(publish.forwarded.expiry, Some(5));
    assert_eq!(&publish.forwarded.properties[..], b"\x03\x00\x01c\x26\x00\x01a\x00\x01b");
}

#[test]
fn what_is_written_can_be_read() {
    let mut out = Vec::new();
    let mut encoder = Encoder {
        out: &mut out,
        written: &mut Written::default(),
        version: Version::V5,
        most: 100,
        wants_problems: true,
    };
    let message = Message {
        duplicate: true,
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: "t",
        packet_id: 9,
        alias: None,
        expiry: Some(5),
        identifiers: &[],
        properties: b"\x03\x00\x01c",
        payload: b"abc",
    };
    assert!(encoder.publish(&message));
    let payload = [0; 100];
    assert!(!encoder.publish(&Message { payload: &payload, ..message }), "larger than the client takes");
    let Packet::Publish(publish) = packet(Version::V5, &out).unwrap() else { panic!() };
    assert_eq!((publish.packet_id, publish.duplicate, publish.retain), (9, true, true));
    assert_eq!((publish.forwarded.expiry, &publish.payload[..]), (Some(5), &b"abc"[..]));
}

#[test]
fn acknowledgements_are_short_unless_there_is_something_to_say() {
    let mut out = Vec::new();
    let mut encoder = Encoder {
        out: &mut out,
        written: &mut Written::default(),
        version: Version::V5,
        most: 100,
        wants_problems: true,
    };
    encoder.puback(7, Reason::SUCCESS, "never");
    encoder.puback(8, Reason::NOT_AUTHORIZED, "no");
    encoder.wants_problems = false;
    encoder.puback(9, Reason::NOT_AUTHORIZED, "no");
    assert_eq!(out, b"\x40\x02\x00\x07\x40\x09\x00\x08\x87\x05\x1f\x00\x02no\x40\x04\x00\x09\x87\x00");
}

#[test]
fn a_request_may_be_sent_again_in_mqtt_3_1_only() {
    for again in [&b"\x6a\x02\x00\x07"[..], b"\x8a\x06\x00\x07\x00\x01a\x00", b"\xaa\x05\x00\x07\x00\x01a"] {
        assert!(read(&framed(again), Version::V31).is_ok(), "{again:x?}");
        assert!(read(&framed(again), Version::V311).is_err(), "{again:x?}");
    }
}
