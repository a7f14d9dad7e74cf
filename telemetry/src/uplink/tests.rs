use proptest::prelude::*;

use super::*;
use crate::journal::{GoneNumbers, JournalRun};
use crate::number_set::NumberSet;
use crate::payload::MAX_SEQ;
use jiff::Timestamp;

fn reading() -> impl Strategy<Value = Reading> {
    (
        prop::sample::select(vec!["temperature/lab", "co2/lab", "power/hall/rack_1"]),
        prop_oneof![
            (-5_000_i32..5_000).prop_map(|n| f64::from(n) / 10.0),
            prop::num::f64::NORMAL,
            Just(-0.0)
        ],
        prop::option::of(prop::sample::select(vec!["celsius", "°C"])),
        -1_000_000_000_000_i64..2_000_000_000_000_000,
        -1_000_000_i64..100_000_000,
        prop::option::of(prop_oneof![0_u64..5, Just(MAX_SEQ)]),
        prop::option::of(prop_oneof![0_u64..5_000, Just(MAX_SEQ)]),
    )
        .prop_map(|(series, value, unit, measured_at, delay, boot, seq)| Reading {
            series: Series::parse(series).unwrap(),
            value,
            unit: unit.map(str::to_owned),
            measured_at: Timestamp::from_microsecond(measured_at).unwrap(),
            received_at: Timestamp::from_microsecond(measured_at + delay).unwrap(),
            boot,
            seq,
        })
}

fn batch(readings: Vec<Reading>) -> UplinkBatch {
    let count = readings.len() as u64;
    let mut numbers = NumberSet::default();
    numbers.insert(5..=4 + count / 2);
    numbers.insert(100_000..=99_999 + count - count / 2);
    let gone = vec![
        GoneNumbers { numbers: 1..=2, reason: Gone::Deleted },
        GoneNumbers { numbers: 4..=4, reason: Gone::Refused },
    ];
    let told_at = Timestamp::from_second(1_767_225_600).unwrap();
    let report = UplinkReport { run: JournalRun(7), told_at, last: 200_000, unsent: 3, numbers, gone };
    UplinkBatch { report, readings }
}

fn in_order(mut readings: Vec<Reading>) -> Vec<String> {
    readings.sort_by_key(|reading| format!("{reading:?}"));
    readings.iter().map(|reading| format!("{reading:?}")).collect()
}

proptest! {
    #[test]
    fn a_batch_comes_back_as_it_was(readings in prop::collection::vec(reading(), 0..60)) {
        let batch = batch(readings);
        let back = UplinkBatch::unpack(&batch.pack()).unwrap();
        prop_assert_eq!(&back.report, &batch.report);
        let bits = |readings: &[Reading]| {
            let mut bits: Vec<_> = readings.iter().map(|reading| reading.value.to_bits()).collect();
            bits.sort_unstable();
            bits
        };
        prop_assert_eq!(bits(&back.readings), bits(&batch.readings));
        prop_assert_eq!(in_order(back.readings), in_order(batch.readings));
    }

    #[test]
    fn a_damaged_batch_is_refused(
        readings in prop::collection::vec(reading(), 1..30),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
        is_cut in any::<bool>(),
    ) {
        let mut payload = batch(readings).pack().to_vec();
        let at = at.index(payload.len());
        if is_cut { payload.truncate(at) } else { payload[at] ^= change }
        // zlib's header has bits that mean nothing to a reader.
        prop_assert!(UplinkBatch::unpack(&payload).is_err() || (4..6).contains(&at));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = UplinkBatch::unpack(&bytes);
        let mut zlib = flate2::write::ZlibEncoder::new(b"MUP\x01".to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zlib, &bytes).unwrap();
        let _ = UplinkBatch::unpack(&zlib.finish().unwrap());
    }
}

/// As devices are: 20 of them, one reading a second with jitter, 7 ms on the way.
fn usual(count: usize) -> Vec<Reading> {
    let mut noise = 1_u64;
    let mut random = move |below: u64| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) % below
    };
    (0..count)
        .map(|n| {
            let micros = 1_767_225_600_000_000 + (n / 20) as i64 * 1_000_000 + random(500) as i64;
            let measured_at = Timestamp::from_microsecond(micros).unwrap();
            Reading {
                series: Series::parse(&format!("temperature/device-{}", n % 20)).unwrap(),
                value: (2_000 + random(100)) as f64 / 100.0,
                unit: Some("celsius".into()),
                measured_at,
                received_at: Timestamp::from_microsecond(micros + 700 + random(3_000) as i64).unwrap(),
                boot: Some(7),
                seq: Some((n / 20) as u64),
            }
        })
        .collect()
}

#[test]
fn a_reading_takes_less_than_16_bytes() {
    let packed = batch(usual(5_000)).pack().len();
    assert!(packed < 5_000 * 8, "{} bytes a reading", packed as f64 / 5_000.0);
}

#[test]
fn devices_become_those_of_the_edge() {
    let message = |topic: &str, payload: Bytes| Message {
        topic: topic.into(),
        payload,
        received_at: Timestamp::from_second(1_767_225_700).unwrap(),
    };
    let packed = batch(usual(3)).pack();
    let decoded = decode(&message("uplink/site-a", packed), "site-a");
    assert_eq!(decoded.readings[0].series.as_str(), "temperature/site-a/device-0");
    let receipt = decoded.metadata.unwrap().uplink.unwrap();
    assert_eq!((receipt.edge.as_str(), receipt.report.last), ("site-a", 200_000));
    assert_eq!(decoded.rejected.len(), 1, "one number is told as refused");
    assert!(decoded.rejected[0].reason.contains("site-a") && decoded.rejected[0].payload.ends_with(b": 4"));

    let long = ["x".repeat(64), "y".repeat(64), "z".repeat(64), "w".repeat(50)].join("/");
    let decoded = decode(&message("uplink/long", batch(usual(3)).pack()), &long);
    assert_eq!((decoded.readings.len(), decoded.rejected.len()), (0, 4));
    assert!(decoded.rejected[0].reason.contains("longer than"), "{}", decoded.rejected[0].reason);

    let decoded = decode(&message("uplink/site-a", Bytes::from_static(b"21.5")), "site-a");
    assert_eq!(decoded.rejected[0].reason, "the payload is no batch of an edge");
}

#[test]
fn a_topic_names_the_edge() {
    for (topic, edge) in [
        ("uplink/site-a", Some("site-a")),
        ("uplink/north/site-a", Some("north/site-a")),
        ("uplink", None),
        ("uplink/", None),
        ("uplinks/a", None),
        ("uplink/a b", None),
    ] {
        assert_eq!(uplink_edge(topic), edge, "{topic}");
    }
    assert_eq!(uplink_topic("site-a"), "uplink/site-a");
    assert_eq!(JournalRun(255).to_string(), "00000000000000ff");
    assert_eq!("00000000000000ff".parse(), Ok(JournalRun(255)));
}

#[test]
fn what_is_taken_out_of_a_batch_is_rejected_by_itself() {
    let received_at = Timestamp::from_second(1_767_225_700).unwrap();
    let message = Message { topic: "uplink/site-a".into(), payload: batch(usual(3)).pack(), received_at };
    let mut decoded = decode(&message, "site-a");
    decoded.rejected.clear();
    let taken_out = decoded.readings.split_off(1);
    decoded.reject(&message, &taken_out, "not here");
    decoded.reject(&message, &[], "nothing");
    assert_eq!(decoded.rejected.len(), 2);
    // Resent, each is the reading that it was.
    for (rejected, reading) in decoded.rejected.iter().zip(&taken_out) {
        let again = rejected.message().decode_at(received_at).readings;
        assert_eq!((again.len(), &again[0]), (1, reading));
    }
    let plain = Message { topic: "temperature/lab".into(), payload: "21".into(), received_at };
    let mut decoded = plain.decode();
    let taken_out = decoded.readings.split_off(0);
    decoded.reject(&plain, &taken_out, "not here");
    assert_eq!(decoded.rejected[0].payload, "21");
}
