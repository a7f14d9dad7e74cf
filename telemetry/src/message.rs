//! A message as the broker took it, and the readings in it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::element::Element;
use crate::payload::{self, Said};
use crate::{Reading, Series};

/// Bytes in a payload, at most.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Readings in one message, at most.
pub const MAX_READINGS: usize = 10_000;

/// How far a device's clock may be ahead of the broker's.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(5 * 60);

/// What was published on a collected topic; nothing of it has been judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Bytes,
    /// When the broker took it; a redelivery bears the same time.
    pub received_at: Timestamp,
}

/// All that a message held: every byte of it is in a reading or in a rejection.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub readings: Vec<Reading>,
    pub rejected: Vec<Rejected>,
}

/// A payload, or one element of an array, that is no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// A sentence for the device's maker: what is wrong, where it helps with the way to mend it.
    pub reason: String,
    pub payload: Bytes,
}

impl Message {
    /// Reads a bare number, an object or an array of objects.
    ///
    /// One bad element of an array is rejected alone, so that a batch does not lose its good readings.
    #[must_use]
    pub fn decode(&self) -> Decoded {
        let mut decoded = Decoded { readings: Vec::with_capacity(1), rejected: Vec::new() };
        self.decode_into(&mut decoded);
        decoded
    }

    /// As [`Message::decode`], behind what is there already.
    pub fn decode_into(&self, decoded: &mut Decoded) {
        if let Err(reason) = self.read_into(decoded) {
            decoded.rejected.push(Rejected { reason, payload: self.payload.clone() });
        }
    }

    /// Reads what was rejected for this reason once more, as it was or mended.
    ///
    /// An element of an array that has no time of its own gets the time that it would have had in its array.
    #[must_use]
    pub fn decode_again(mut self, reason: &str) -> Decoded {
        let index = Element::named_in(reason).map_or(0, |element| element.index.min(MAX_READINGS));
        self.received_at += Duration::from_micros(index as u64);
        self.decode()
    }

    /// Adds nothing where it fails.
    fn read_into(&self, decoded: &mut Decoded) -> Result<(), String> {
        let series = Series::parse(&self.topic).map_err(|e| e.to_string())?;
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(format!(
                "the payload has {} bytes: at most {MAX_PAYLOAD_BYTES} are taken",
                self.payload.len()
            ));
        }
        let text =
            std::str::from_utf8(&self.payload).map_err(|e| format!("the payload is not UTF-8: {e}"))?;
        match text.trim_ascii_start().as_bytes().first() {
            None => Err("the payload is empty".into()),
            Some(b'[') => self.read_array(&series, text, decoded),
            Some(_) => {
                decoded.readings.push(self.reading(series, payload::read(text)?, 0)?);
                Ok(())
            }
        }
    }

    fn read_array(&self, series: &Series, text: &str, decoded: &mut Decoded) -> Result<(), String> {
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|e| format!("the payload is not JSON: {e}"))?;
        if elements.is_empty() {
            return Err("the array is empty: it holds no reading".into());
        }
        if elements.len() > MAX_READINGS {
            return Err(format!("{} readings in one message: at most {MAX_READINGS}", elements.len()));
        }
        for (index, element) in elements.iter().enumerate() {
            let said = payload::read_object(element.get());
            match said.and_then(|said| self.reading(series.clone(), said, index)) {
                Ok(reading) => decoded.readings.push(reading),
                Err(reason) => decoded.rejected.push(Rejected {
                    reason: format!("{}: {reason}", Element { index, count: elements.len() }),
                    payload: Bytes::copy_from_slice(element.get().as_bytes()),
                }),
            }
        }
        Ok(())
    }

    /// Adds what the device left out.
    ///
    /// Readings without a time in one array are a microsecond apart, so that equal values stay two readings.
    fn reading(&self, series: Series, said: Said, index: usize) -> Result<Reading, String> {
        let measured_at = match said.measured_at {
            Some(measured_at) => measured_at,
            None => whole_microseconds(self.received_at) + Duration::from_micros(index as u64),
        };
        if measured_at > self.received_at + MAX_CLOCK_AHEAD {
            return Err(format!(
                "measured_at {measured_at} is more than 5 minutes ahead of the broker's clock ({:.3}): set the device's clock",
                self.received_at
            ));
        }
        Ok(Reading {
            series,
            value: said.value,
            unit: said.unit,
            measured_at,
            received_at: self.received_at,
            boot: said.boot,
            seq: said.seq,
        })
    }
}

pub(crate) fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).expect("a time's whole microseconds are a time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_SEQ;
    use proptest::prelude::*;

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
    fn an_object_says_what_it_knows() {
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
        let rejected: Vec<_> =
            decoded.rejected.iter().map(|r| (r.reason.as_str(), r.payload.as_ref())).collect();
        assert_eq!(rejected[0], ("reading 2 of 4: there is no value", br#"{"unit":"celsius"}"#.as_slice()));
        assert!(rejected[1].0.starts_with("reading 4 of 4: an element of an array must be an object"));
    }

    #[test]
    fn a_mended_element_gets_the_time_that_it_would_have_had() {
        let batch = message(r#"[{"value":1},{"val":1},{"value":1}]"#);
        let whole = message(r#"[{"value":1},{"value":1},{"value":1}]"#).decode().readings;
        let reason = &batch.decode().rejected[0].reason;
        let mended = message(r#"{"value":1}"#).decode_again(reason).readings;
        assert_eq!(mended[0].measured_at, whole[1].measured_at);
        assert!(batch.decode().readings.iter().all(|kept| kept.measured_at != mended[0].measured_at));
        let own = message(r#"{"value":1,"measured_at":1768473000250}"#).decode_again(reason).readings;
        assert_eq!(own[0].measured_at.as_millisecond(), 1_768_473_000_250);
        assert_eq!(message("1").decode_again("the payload is empty").readings[0].measured_at, received_at());
    }

    #[test]
    fn every_kind_of_bad_payload_has_its_reason() {
        for (payload, expected) in [
            ("", "the payload is empty"),
            ("  ", "the payload is empty"),
            ("hello", "not JSON"),
            ("NaN", "not JSON"),
            ("-Infinity", "not JSON"),
            ("1e999", "number out of range"),
            ("23,5", "not JSON"),
            ("\"23.5\"", "must be a number or an object"),
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
        assert_eq!(decoded.rejected[0].payload.as_ref(), b"1");
    }

    prop_compose! {
        fn any_reading()(
            value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
            unit in prop::option::of("[^\\p{Cc}]{0,16}"),
            micros in 0..received_at().as_microsecond(),
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
            prop_assert_eq!(message(reading.to_payload()).decode(), Decoded { readings: vec![reading], rejected: vec![] });
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
}
