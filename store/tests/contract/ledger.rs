//! The ledger tells what is missing, what is there twice and what came late.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use store::{Boot, LedgerQuery, TimeRange};
use telemetry::{MAX_SEQ, Reading};

use super::{ALL, CASES, at, batch, fresh, reading};

const ALL_DEVICES: LedgerQuery = LedgerQuery { device: None, range: ALL, full: false };

/// Taken at once.
fn numbered(topic: &str, boot: u64, seq: u64, micros: i64) -> Reading {
    Reading { boot: Some(boot), seq: Some(seq), received_at: at(micros), ..reading(topic, micros, 1.0) }
}

/// A boot without a gap.
fn boot(device: &str, boot: u64, (first, last): (u64, u64), newest: i64) -> Boot {
    Boot {
        device: device.into(),
        boot,
        first,
        last,
        stored: last - first + 1,
        repeated: 0,
        delayed: 0,
        missing: 0,
        missing_ranges: Vec::new(),
        oldest_measured_at: at(newest),
        newest_measured_at: at(newest),
    }
}

#[tokio::test]
async fn what_has_no_number_is_in_no_ledger() {
    let Some(fresh) = fresh().await else { return };
    let base = reading("temperature/a", 1, 1.0);
    let half = [Reading { boot: Some(1), ..base.clone() }, Reading { seq: Some(1), ..base.clone() }, base];
    fresh.store.write(&batch(half)).await.unwrap();
    assert_eq!(fresh.store.completeness(ALL_DEVICES).await.unwrap(), []);
}

#[tokio::test]
async fn gaps_are_named_in_each_boot_by_itself() {
    let Some(fresh) = fresh().await else { return };
    let (a, b) = ("temperature/a", "temperature/a-b");
    let readings =
        [(a, 2, 5), (a, 2, 6), (a, 2, 9), (a, 2, 12), (a, 0, 0), (b, 7, MAX_SEQ), (b, 7, 0), (a, 10, 3)];
    let readings = (1..).zip(readings).map(|(micros, (topic, boot, seq))| numbered(topic, boot, seq, micros));
    fresh.store.write(&batch(readings)).await.unwrap();
    let expected = [
        boot("a", 0, (0, 0), 5),
        Boot {
            stored: 4,
            missing: 4,
            missing_ranges: vec![7..=8, 10..=11],
            oldest_measured_at: at(1),
            ..boot("a", 2, (5, 12), 4)
        },
        boot("a", 10, (3, 3), 8),
        Boot {
            stored: 2,
            missing: MAX_SEQ - 1,
            missing_ranges: vec![1..=MAX_SEQ - 1],
            oldest_measured_at: at(6),
            ..boot("a-b", 7, (0, MAX_SEQ), 7)
        },
    ];
    assert_eq!(fresh.store.completeness(ALL_DEVICES).await.unwrap(), expected);
    let of_one = LedgerQuery { device: Some("a-b".into()), range: ALL, full: false };
    assert_eq!(fresh.store.completeness(of_one).await.unwrap(), expected[3..]);
    let of_a_time = LedgerQuery { device: None, range: TimeRange { from: at(2), to: at(4) }, full: true };
    let part = Boot {
        stored: 2,
        missing: 2,
        missing_ranges: vec![7..=8],
        oldest_measured_at: at(2),
        ..boot("a", 2, (6, 9), 3)
    };
    assert_eq!(fresh.store.completeness(of_a_time).await.unwrap(), [part]);
}

#[tokio::test]
async fn a_number_counts_once_over_all_metrics() {
    let Some(fresh) = fresh().await else { return };
    let base = numbered("temperature/a", 1, 1, 10);
    let readings = [
        base.clone(),
        base.clone(),
        Reading { value: 2.0, ..base.clone() },
        Reading { measured_at: at(9), ..base },
        numbered("humidity/a", 1, 1, 8),
        numbered("humidity/a", 1, 2, 7),
    ];
    fresh.store.write(&batch(readings)).await.unwrap();
    let expected = Boot { repeated: 3, oldest_measured_at: at(7), ..boot("a", 1, (1, 2), 10) };
    assert_eq!(fresh.store.completeness(ALL_DEVICES).await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_reading_that_was_taken_late_is_late() {
    let Some(fresh) = fresh().await else { return };
    let minute = store::DELAYED_AFTER.as_micros() as i64;
    let taken_after = |seq: u64, delay| Reading {
        received_at: at(seq as i64 + delay),
        ..numbered("temperature/a", 1, seq, seq as i64)
    };
    let readings =
        [taken_after(1, minute), taken_after(2, minute + 1), taken_after(3, -1), taken_after(4, 9 * minute)];
    fresh.store.write(&batch(readings)).await.unwrap();
    assert_eq!(
        fresh.store.completeness(ALL_DEVICES).await.unwrap(),
        [Boot { delayed: 2, oldest_measured_at: at(1), ..boot("a", 1, (1, 4), 4) }]
    );
}

#[tokio::test]
async fn the_first_gaps_are_named_and_all_are_counted() {
    let Some(fresh) = fresh().await else { return };
    let every_other = (0..300).map(|i| numbered("temperature/a", 1, i * 2, 1));
    fresh.store.write(&batch(every_other)).await.unwrap();
    let boots = fresh.store.completeness(ALL_DEVICES).await.unwrap();
    assert_eq!((boots[0].stored, boots[0].missing, boots[0].expected()), (300, 299, 599));
    let named: Vec<RangeInclusive<u64>> = (0..100).map(|i| i * 2 + 1..=i * 2 + 1).collect();
    assert_eq!(boots[0].missing_ranges, named);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn the_ledger_is_what_counting_by_hand_gives(
        rows in prop::collection::btree_set((0_u64..3, 0_u64..20, 0_i64..3, any::<bool>()), 0..60),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return Ok(()) };
            let topic = |humid: bool| if humid { "humidity/a" } else { "temperature/a" };
            let readings = rows.iter().map(|(boot, seq, micros, humid)| numbered(topic(*humid), *boot, *seq, *micros));
            fresh.store.write(&batch(readings)).await.unwrap();
            let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (boot, seq, ..) in &rows {
                expected.entry(*boot).or_default().push(*seq);
            }
            let boots = fresh.store.completeness(ALL_DEVICES).await.unwrap();
            prop_assert_eq!(boots.len(), expected.len());
            for (found, (boot, seqs)) in boots.iter().zip(expected) {
                let distinct: BTreeSet<u64> = seqs.iter().copied().collect();
                prop_assert_eq!(found.boot, boot);
                prop_assert_eq!(found.stored, distinct.len() as u64);
                prop_assert_eq!(found.repeated, (seqs.len() - distinct.len()) as u64);
                let missing: Vec<u64> = (found.first..=found.last).filter(|seq| !distinct.contains(seq)).collect();
                prop_assert_eq!(found.missing_ranges.iter().cloned().flatten().collect::<Vec<_>>(), missing);
                prop_assert_eq!(found.stored + found.missing, found.expected());
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_newest_readings_of_a_device_are_found_by_their_time() {
    let Some(fresh) = fresh().await else { return };
    let readings = (1..=10).map(|micros| numbered("temperature/a", 1, micros, micros.cast_signed()));
    let more = (1..=3).map(|micros| numbered("humidity/a", 2, micros, micros.cast_signed()));
    fresh.store.write(&batch(readings.chain(more))).await.unwrap();
    for (device, most, expected) in [
        ("a", 100, jiff::Timestamp::MIN),
        ("a", 20, jiff::Timestamp::MIN),
        // Four of each series: the fifth newest is where it begins.
        ("a", 8, at(6)),
        ("a", 0, at(9)),
        ("b", 8, jiff::Timestamp::MIN),
    ] {
        assert_eq!(fresh.store.counted_from(device, most).await.unwrap(), expected, "{device}, {most}");
    }
}
