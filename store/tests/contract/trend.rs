//! Buckets hide no spike and leave out no reading.

use proptest::prelude::*;
use store::{Bucket, TimeRange};

use super::{ALL, CASES, at, batch, fresh, reading};

const DEVICE: &str = "a";
const METRIC: &str = "temperature";
const TOPIC: &str = "temperature/a";

#[tokio::test]
async fn a_spike_stays_visible() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let values = (0..1000).map(|i| reading(TOPIC, i, if i == 537 { 99.0 } else { 20.0 }));
    store.write(&batch(values)).await.unwrap();
    store.write(&batch([reading("temperature/b", 537, -99.0)])).await.unwrap();
    let range = TimeRange { from: at(0), to: at(1000) };
    let buckets = store.buckets(DEVICE, METRIC, range, 10).await.unwrap();
    assert_eq!(buckets.len(), 10);
    let spike = Bucket { from: at(500), to: at(600), min: 20.0, max: 99.0, mean: 20.79, count: 100 };
    assert_eq!(buckets[5], spike);
    assert!(buckets.iter().filter(|bucket| **bucket != spike).all(|bucket| bucket.max == 20.0));
}

#[tokio::test]
async fn stretches_without_a_reading_are_left_out() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.write(&batch([reading(TOPIC, 1, 1.0), reading(TOPIC, 99, 2.0)])).await.unwrap();
    let range = TimeRange { from: at(0), to: at(100) };
    let bounds = |buckets: Vec<Bucket>| buckets.iter().map(|b| (b.from, b.to)).collect::<Vec<_>>();
    let buckets = store.buckets(DEVICE, METRIC, range, 3).await.unwrap();
    assert_eq!(bounds(buckets), [(at(0), at(34)), (at(68), at(100))]);
    assert_eq!(bounds(store.buckets(DEVICE, METRIC, ALL, 1).await.unwrap()), [(ALL.from, ALL.to)]);
    for (device, metric, from, to) in
        [("b", METRIC, 0, 100), (DEVICE, "humidity", 0, 100), (DEVICE, METRIC, 5, 5)]
    {
        let range = TimeRange { from: at(from), to: at(to) };
        assert_eq!(store.buckets(device, metric, range, 3).await.unwrap(), []);
    }
}

#[tokio::test]
async fn huge_values_have_a_mean() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let huge = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    store.write(&batch((0..).zip(huge).map(|(i, value)| reading(TOPIC, i, value)))).await.unwrap();
    let buckets = store.buckets(DEVICE, METRIC, TimeRange { from: at(0), to: at(4) }, 2).await.unwrap();
    assert_eq!(buckets.iter().map(|bucket| bucket.mean).collect::<Vec<_>>(), [f64::MAX, f64::MIN]);
    let one = store.buckets(DEVICE, METRIC, TimeRange { from: at(0), to: at(4) }, 1).await.unwrap();
    assert!(one[0].mean.is_finite());
}

#[tokio::test]
async fn the_extent_is_from_the_oldest_to_the_newest() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.time_bounds(DEVICE, METRIC).await.unwrap(), None);
    store.write(&batch([5, -3, 9].map(|micros| reading(TOPIC, micros, 1.0)))).await.unwrap();
    store.write(&batch([reading("temperature/b", 50, 1.0)])).await.unwrap();
    assert_eq!(store.time_bounds(DEVICE, METRIC).await.unwrap(), Some((at(-3), at(9))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_reading_of_the_range_is_in_one_bucket(
        rows in prop::collection::btree_map(-50_i64..150, -1e6..1e6, 0..150),
        asked in prop::collection::vec((-60_i64..160, 0_i64..200, 0_usize..60), 8),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return Ok(()) };
    let store = &*fresh.store;
            let readings = rows.iter().map(|(micros, value)| reading(TOPIC, *micros, *value));
            store.write(&batch(readings)).await.unwrap();
            for (from, length, points) in asked {
                let range = TimeRange { from: at(from), to: at(from + length) };
                let buckets = store.buckets(DEVICE, METRIC, range, points).await.unwrap();
                let in_range = rows.range(from..from + length).count() as u64;
                prop_assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), in_range);
                prop_assert!(buckets.len() <= points.max(1));
                prop_assert!(buckets.windows(2).all(|pair| pair[0].to <= pair[1].from));
                for bucket in buckets {
                    prop_assert!(range.from <= bucket.from && bucket.to <= range.to);
                    let inside = rows.range(bucket.from.as_microsecond()..bucket.to.as_microsecond());
                    let inside: Vec<f64> = inside.map(|row| *row.1).collect();
                    let mean = inside.iter().sum::<f64>() / inside.len() as f64;
                    prop_assert_eq!(bucket.count, inside.len() as u64);
                    prop_assert_eq!(bucket.min, inside.iter().copied().fold(f64::INFINITY, f64::min));
                    prop_assert_eq!(bucket.max, inside.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                    prop_assert!((bucket.mean - mean).abs() < 1e-6);
                }
            }
            Ok(())
        })?;
    }
}
