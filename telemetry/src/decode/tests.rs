use crate::text::is_invisible;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::MAX_SEQ;

fn received_at() -> Timestamp {
    "2026-01-15T10:30:01.5Z".parse().unwrap()
}

fn message(payload: impl AsRef<[u8]>) -> Message {
    Message {
        topic: "temperature/lab".into(),
        payload: Bytes::copy_from_slice(payload.as_ref()),
        received_at: received_at(),
    }
}

fn one(payload: &str) -> Reading {
    let decoded = message(payload).decode();
    assert_eq!(decoded.rejected, [], "{payload}");
    decoded.readings.into_iter().next().unwrap()
}

fn reason(payload: impl AsRef<[u8]>) -> String {
    let decoded = message(payload).decode();
    assert_eq!(decoded.readings, []);
    assert_eq!(decoded.rejected.len(), 1);
    decoded.rejected.into_iter().next().unwrap().reason
}

#[test]
fn a_bare_number_takes_the_brokers_time() {
    for (payload, value) in [
        ("23.5", 23.5),
        (" -4\n", -4.0),
        ("1e3", 1000.0),
        ("0", 0.0),
        ("18446744073709551615", 1.8446744073709552e19),
    ] {
        let reading = one(payload);
        assert_eq!((reading.value, reading.measured_at), (value, received_at()), "{payload}");
        assert_eq!((reading.unit, reading.boot, reading.seq), (None, None, None));
    }
}

#[test]
fn an_object_may_have_every_field() {
    let reading = one(
        r#"{"value": 23.5, "unit": "celsius", "measured_at": "2026-01-15T10:30:00.250Z", "boot": 7, "seq": 1042, "rssi": -60}"#,
    );
    assert_eq!(reading.series.device(), "lab");
    assert_eq!(reading.unit.as_deref(), Some("celsius"));
    assert_eq!(reading.measured_at, "2026-01-15T10:30:00.25Z".parse().unwrap());
    assert_eq!((reading.boot, reading.seq), (Some(7), Some(1042)));
    assert_eq!(one(r#"{"value": 1, "unit": null, "seq": null}"#).unit, None);
}

#[test]
fn a_time_is_rfc_3339_or_unix_milliseconds() {
    for time in [
        r#""2026-01-15T10:30:00.250Z""#,
        r#""2026-01-15T11:30:00.25+01:00""#,
        "1768473000250",
        "1768473000250.0",
        r#""2026-01-15T10:30:00.250000999Z""#,
    ] {
        let reading = one(&format!(r#"{{"value":1,"measured_at":{time}}}"#));
        assert_eq!(reading.measured_at.to_string(), "2026-01-15T10:30:00.25Z", "{time}");
    }
}

#[test]
fn an_array_keeps_its_good_readings_and_rejects_the_others_alone() {
    let decoded = message(r#"[{"value":1},{"unit":"celsius"},{"value":1}, 5]"#).decode();
    let times: Vec<i64> = decoded
        .readings
        .iter()
        .map(|r| r.measured_at.as_microsecond() - received_at().as_microsecond())
        .collect();
    assert_eq!(times, [0, 2]);
    let rejected: Vec<_> = decoded.rejected.iter().map(|r| (r.reason.as_str(), r.payload.as_ref())).collect();
    assert_eq!(rejected[0], ("reading 2 of 4: there is no value", br#"{"unit":"celsius"}"#.as_slice()));
    assert!(rejected[1].0.starts_with("reading 4 of 4: an element of an array must be an object"));
}

#[test]
fn a_fixed_element_gets_the_time_that_it_would_have_had() {
    let batch = message(r#"[{"value":1},{"val":1},{"value":1}]"#);
    let whole = message(r#"[{"value":1},{"value":1},{"value":1}]"#).decode().readings;
    let reason = &batch.decode().rejected[0].reason;
    let fixed = message(r#"{"value":1}"#).again(reason, received_at()).decode_at(received_at()).readings;
    assert_eq!(fixed[0].measured_at, whole[1].measured_at);
    assert!(batch.decode().readings.iter().all(|good| good.measured_at != fixed[0].measured_at));
    let own = message(r#"{"value":1,"measured_at":1768473000250}"#)
        .again(reason, received_at())
        .decode_at(received_at())
        .readings;
    assert_eq!(own[0].measured_at.as_millisecond(), 1_768_473_000_250);
    assert_eq!(
        message("1").again("the payload is empty", received_at()).decode_at(received_at()).readings[0]
            .measured_at,
        received_at()
    );
}

#[test]
fn every_kind_of_bad_payload_has_its_reason() {
    for (payload, expected) in [
        ("", "the payload is empty"),
        ("  ", "the payload is empty"),
        ("hello", "not JSON"),
        ("NaN", "not JSON: publish nothing while there is no value"),
        ("-Infinity", "not JSON: publish nothing while there is no value"),
        ("1e999", "number out of range"),
        ("23,5", "the payload is not JSON: write 23.5, with a point"),
        ("1.234,5", "not JSON"),
        ("23.5 °C", r#"the payload is not JSON: write {"value":23.5,"unit":"°C"}"#),
        ("45%", r#"write {"value":45.0,"unit":"%"}"#),
        ("+5.25", "the payload is not JSON: write 5.25"),
        (".5", "write 0.5"),
        ("\"23.5\"", "the payload is a text: write 23.5, without quotation marks"),
        ("\"on\"", "must be a number or an object"),
        ("23.5\0", "the payload ends with a NUL byte: publish it without its last byte"),
        ("23\u{1}", "the payload has the control character '\\u{1}'"),
        ("true", "must be a number or an object"),
        ("null", "must be a number or an object"),
        ("{}", "there is no value"),
        (r#"{"value":null}"#, "there is no value"),
        (r#"{"value":"23.5"}"#, "value"),
        (r#"{"value":1,"value":2}"#, "duplicate field"),
        (r#"{"value":1e999}"#, "number out of range"),
        (r#"{"value":1,"measured_at":"yesterday"}"#, "measured_at"),
        (r#"{"value":1,"measured_at":"2026-01-15T10:30:00"}"#, "measured_at"),
        (r#"{"value":1,"measured_at":1e300}"#, "measured_at"),
        (r#"{"value":1,"measured_at":"0000-01-01T00:00:00Z"}"#, "measured_at"),
        (r#"{"value":1,"measured_at":"2026-01-15T10:35:02Z"}"#, "5 minutes ahead"),
        (r#"{"value":1,"measured_at":"9999-12-30T22:00:00.999999999Z"}"#, "5 minutes ahead"),
        (
            r#"{"value":1,"measured_at":1764385200}"#,
            "1764385200 looks like Unix seconds: write milliseconds, 1764385200000",
        ),
        (
            r#"{"value":1,"measured_at":1764385200000123}"#,
            "looks like Unix microseconds: write milliseconds, 1764385200000",
        ),
        (
            r#"{"value":1,"measured_at":1764385200000123456}"#,
            "looks like Unix nanoseconds: write milliseconds, 1764385200000",
        ),
        (r#"{"value":1,"measured_at":0}"#, "measured_at 0: the device's clock was never set"),
        (
            r#"{"value":1,"measured_at":"1970-01-01T00:00:12Z"}"#,
            "measured_at 1970-01-01T00:00:12Z: the device's clock was never set",
        ),
        (r#"{"temp":21.3}"#, r#"there is no value: call it "value", not "temp""#),
        (r#"{"value":1,"time":5}"#, r#"the field "time" is not known: call it "measured_at""#),
        (r#"{"value":1,"seq":-1}"#, "seq"),
        (r#"{"value":1,"boot":1.5}"#, "boot"),
        (r#"{"value":1,"seq":9223372036854775808}"#, "seq"),
        (r#"{"value":1,"unit":7}"#, "unit"),
        (r#"{"value":1,"unit":"a\u0000b"}"#, "unit"),
        (r#"{"value":1} x"#, "not JSON"),
        ("[]", "the array is empty"),
        ("[1", "not JSON"),
    ] {
        let reason = reason(payload);
        assert!(reason.contains(expected), "{payload:?}: {reason:?} lacks {expected:?}");
    }
    assert!(reason(b"\xff\xfe23").contains("not UTF-8"));
    assert!(reason(format!(r#"{{"value":1,"unit":"{}"}}"#, "x".repeat(65))).contains("unit"));
}

#[test]
fn limits_are_exact() {
    let padded = |bytes: usize| format!("1{}", " ".repeat(bytes - 1));
    assert_eq!(one(&padded(MAX_PAYLOAD_BYTES)).value, 1.0);
    assert!(reason(padded(MAX_PAYLOAD_BYTES + 1)).contains("65537 bytes"));
    let many = |n: usize| format!("[{}]", vec!["{}"; n].join(","));
    assert_eq!(message(many(MAX_READINGS)).decode().rejected.len(), MAX_READINGS);
    assert!(reason(many(MAX_READINGS + 1)).contains("10001 readings"));
    assert_eq!(one(r#"{"value":1,"measured_at":"2026-01-15T10:35:01.5Z"}"#).value, 1.0);
    assert!(reason(r#"{"value":1,"measured_at":"2026-01-15T10:35:01.500001Z"}"#).contains("ahead"));
}

#[test]
fn a_bad_topic_rejects_the_message() {
    let decoded = Message { topic: "temperature/lab.1".into(), ..message("1") }.decode();
    assert!(decoded.rejected[0].reason.contains("'.'"), "{:?}", decoded.rejected);
    let Rejected { topic, payload, received_at: at, .. } = &decoded.rejected[0];
    assert_eq!(
        (topic.as_str(), payload.as_ref(), *at),
        ("temperature/lab.1", b"1".as_slice(), received_at())
    );
}

prop_compose! {
    fn any_reading()(
        value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        unit in prop::option::of("[^\\p{Cc}]{0,16}".prop_filter("visible", |unit| !unit.contains(is_invisible))),
        // What is earlier is refused as of a clock that was never set.
        micros in 7 * 86_400_000_000..received_at().as_microsecond(),
        boot in prop::option::of(0..=MAX_SEQ),
        seq in prop::option::of(0..=MAX_SEQ),
    ) -> Reading {
        Reading {
            series: Series::parse("temperature/lab").unwrap(), value, unit, boot, seq,
            measured_at: Timestamp::from_microsecond(micros).unwrap(), received_at: received_at(),
        }
    }
}

proptest! {
    #[test]
    fn every_reading_reads_back_as_written(reading in any_reading()) {
        let decoded = message(reading.to_payload()).decode();
        prop_assert_eq!((decoded.readings, decoded.rejected), (vec![reading], vec![]));
    }

    #[test]
    fn no_bytes_panic_and_none_vanish(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let decoded = message(&payload).decode();
        prop_assert!(decoded.readings.len() + decoded.rejected.len() > 0);
    }

    #[test]
    fn no_json_like_text_panics(text in r#"[\[\]{}",:0-9eE.+-]{0,12}(value|unit|seq|boot|measured_at)?[\[\]{}",:0-9eE.+ -]{0,24}"#) {
        let decoded = message(&text).decode();
        for reading in decoded.readings {
            prop_assert!(reading.value.is_finite());
            prop_assert_eq!(message(reading.to_payload()).decode().readings, vec![reading]);
        }
    }
}
