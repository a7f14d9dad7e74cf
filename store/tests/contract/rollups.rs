//! What is summed up gives the same answers as the readings themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use store::{Bucket, Change, LedgerQuery, Renaming, Store, Summary, TimeBuckets, TimeRange};
use telemetry::{Reading, Series};

use super::registry::change;
use super::{CASES, at, batch, everything, fresh, reading};

/// The last one comes from the one before it, where one device is another one.
const SERIES: [&str; 5] = ["temperature/a", "temperature/b", "humidity/a", "pressure/b", "pressure/a"];
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A midnight in UTC in November 2023.
const START: i64 = 1_699_920_000 * SECOND;

/// What may happen to what is stored.
#[derive(Debug, Clone)]
enum Event {
    /// So many readings of a series, a number of seconds apart.
    Write { series: usize, from: i64, count: i64, every: i64 },
    /// All that is to be summed up when so many hours have passed is, or only a step of it.
    RollUp { hours: i64, whole: bool },
    /// All that is stored is old.
    Purge,
    /// What a device measured in the first hours is erased.
    Erase,
    /// One device is another one, too.
    Merge,
}

fn event() -> impl Strategy<Value = Event> {
    let every = prop::sample::select(vec![1, 10, 600, 4_000]);
    prop_oneof![
        4 => (0..SERIES.len() - 1, 0..5 * DAY / SECOND, 1_i64..1_000, every)
            .prop_map(|(series, from, count, every)| Event::Write { series, from, count, every }),
        4 => (0_i64..160, any::<bool>()).prop_map(|(hours, whole)| Event::RollUp { hours, whole }),
        1 => Just(Event::Purge),
        1 => Just(Event::Erase),
        1 => Just(Event::Merge),
    ]
}

async fn happen(store: &dyn Store, event: &Event, number: i64) {
    match *event {
        Event::Write { series, from, count, every } => {
            let readings = (0..count).map(|i| {
                let measured_at = START + (from + i * every) * SECOND + number;
                // What is received last is not erased.
                let received_at = at(1_700_000_000_000_000 + i);
                let (boot, seq) = (Some((from % 3) as u64), (i % 11 > 0).then_some((from + i) as u64));
                let value = ((i * 7 + number) % 50) as f64;
                Reading { received_at, boot, seq, ..reading(SERIES[series], measured_at, value) }
            });
            store.write(&batch(readings)).await.unwrap();
        }
        Event::RollUp { hours, whole: false } => {
            store.roll_up(at(START + hours * HOUR)).await.unwrap();
        }
        Event::RollUp { hours, whole: true } => roll_up(store, at(START + hours * HOUR)).await,
        Event::Purge => drop(store.purge(Timestamp::now()).await.unwrap()),
        Event::Merge => merge(store).await,
        Event::Erase => drop(store.erase("a", at(1_700_000_000_000_100)).await.unwrap()),
    }
}

async fn merge(store: &dyn Store) {
    let renaming = Renaming { old: "b".into(), new: "a".into(), at: at(START), merge: true };
    // Again, it is one already.
    change(store, Change::RenameDevice(renaming)).await;
    for alias in store.aliases().await.unwrap() {
        store.move_history(&alias).await.unwrap();
    }
}

/// Until nothing is left to be summed up.
pub(crate) async fn roll_up(store: &dyn Store, now: Timestamp) {
    while store.roll_up(now).await.unwrap().is_behind {}
}

/// What the readings themselves come to.
fn expected(readings: &[Reading], series: &str, range: TimeRange, points: usize) -> Vec<Bucket> {
    let cut = TimeBuckets::new(range, points);
    let mut buckets: BTreeMap<Timestamp, (Timestamp, Vec<f64>)> = BTreeMap::new();
    for reading in readings.iter().filter(|reading| reading.series.to_string() == series) {
        if (range.from..range.to).contains(&reading.measured_at) {
            let TimeRange { from, to } = cut.bounds(reading.measured_at);
            buckets.entry(from).or_insert((to, vec![])).1.push(reading.value);
        }
    }
    let bucket = |(from, (to, values)): (_, (_, Vec<f64>))| Bucket {
        from,
        to,
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        mean: values.iter().sum::<f64>() / values.len() as f64,
        count: values.len() as u64,
    };
    buckets.into_iter().map(bucket).collect()
}

/// But for the last digits of a mean.
fn assert_equal(found: &[Bucket], expected: &[Bucket], about: &str) {
    let exact = |bucket: &Bucket| (bucket.from, bucket.to, bucket.min, bucket.max, bucket.count);
    let both: [Vec<_>; 2] = [found, expected].map(|buckets| buckets.iter().map(exact).collect());
    assert_eq!(both[0], both[1], "{about}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.mean - expected.mean).abs() < 1e-9, "{about}: {found:?}, not {expected:?}");
    }
}

/// Between times of which no two are equally far apart, some not even a minute.
async fn check_summaries(store: &dyn Store, readings: &[Reading], series: &str, range: TimeRange) {
    let length = range.to.as_microsecond() - range.from.as_microsecond();
    let times: Vec<_> =
        (0..=8_i64).map(|i| at(range.from.as_microsecond() + length * i.pow(3) / 512)).collect();
    let series = Series::parse(series).unwrap();
    let found = store.summaries(&series, &times).await.unwrap();
    let mut found = found.into_iter().peekable();
    for (from, to) in times.iter().zip(&times[1..]) {
        let is_inside =
            |reading: &&Reading| reading.series == series && (from..to).contains(&&reading.measured_at);
        let values: Vec<_> = readings.iter().filter(is_inside).map(|reading| reading.value).collect();
        let Some(Summary { count, min, max, mean, first, last, .. }) =
            found.next_if(|summary| (summary.from, summary.to) == (*from, *to))
        else {
            assert!(values.is_empty(), "{series} has no summary from {from} to {to}");
            continue;
        };
        assert_eq!((count as usize, first, last), (values.len(), values[0], values[values.len() - 1]));
        let bounds = values.iter().fold((f64::MAX, f64::MIN), |(min, max), v| (v.min(min), v.max(max)));
        assert_eq!((min, max), bounds);
        assert!((mean - values.iter().sum::<f64>() / values.len() as f64).abs() < 1e-9);
    }
    assert_eq!(found.next(), None);
    let inside =
        readings.iter().filter(|r| r.series == series && (range.from..range.to).contains(&r.measured_at));
    let expected: Vec<_> = inside.map(|reading| (reading.measured_at, reading.value)).take(100).collect();
    assert_eq!(store.values(&series, range, 100).await.unwrap(), expected);
}

async fn check(store: &dyn Store, queries: &[(i64, i64, usize)]) {
    check_since(store, at(START), queries).await;
}

/// Of each query where its range begins, how long it is, and its points.
pub(crate) async fn check_since(store: &dyn Store, start: Timestamp, queries: &[(i64, i64, usize)]) {
    let readings = everything(store).await;
    for (from, length, points) in queries {
        let from = start.as_microsecond() + from;
        let range = TimeRange { from: at(from), to: at(from + length) };
        for series in SERIES {
            let (metric, device) = series.split_once('/').unwrap();
            let found = store.buckets(device, metric, range, *points).await.unwrap();
            let about = format!("{series} {range:?} in {points}");
            assert_equal(&found, &expected(&readings, series, range, *points), &about);
            check_summaries(store, &readings, series, range).await;
        }
    }
    // The ledger has no points: two ranges are enough.
    for (from, length, _) in queries.iter().take(2) {
        let from = start.as_microsecond() + from;
        check_ledger(store, TimeRange { from: at(from), to: at(from + length) }).await;
    }
}

async fn check_ledger(store: &dyn Store, range: TimeRange) {
    for device in [None, Some("a"), Some("b")] {
        let counted = async |full| {
            let query = LedgerQuery { device: device.map(str::to_owned), range, full };
            store.completeness(query).await.unwrap()
        };
        assert_eq!(counted(false).await, counted(true).await, "{device:?} {range:?}");
    }
}

#[tokio::test]
async fn minutes_hours_and_days_are_answered_alike() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    // Many readings in an hour, few, and none; a day later as well.
    for (from, count, every) in [(100, 1_500, 5), (30_000, 40, 100), (100_000, 1_500, 5), (40_000, 3, 5_000)]
    {
        happen(store, &Event::Write { series: 0, from, count, every }, 0).await;
    }
    let minute = 60 * SECOND;
    let queries = [
        (0, 3 * DAY, 3),
        (HOUR / 2 + 7, 2 * DAY, 30),
        (0, 3 * DAY, 1),
        (0, DAY, 1_000),
        (0, 4 * HOUR, 50),
        (7 * minute + 1, 3 * HOUR, 180),
        (0, DAY, 5_000),
    ];
    check(store, &queries).await;
    for hours in [2, 10, 30, 72] {
        roll_up(store, at(START + hours * HOUR)).await;
        check(store, &queries).await;
    }
    assert!(!store.roll_up(at(START + 72 * HOUR)).await.unwrap().is_behind);
    // A reading that comes late, and one that is there already.
    store.write(&batch([reading(SERIES[0], START + 500 * SECOND + 3, -99.0)])).await.unwrap();
    happen(store, &Event::Write { series: 0, from: 100, count: 1, every: 5 }, 0).await;
    check(store, &queries).await;
    roll_up(store, at(START + 72 * HOUR)).await;
    check(store, &queries).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn answers_are_those_of_the_readings_after_any_history(
        events in prop::collection::vec(event(), 1..10),
        queries in prop::collection::vec(
            (-DAY..5 * DAY, 1..8 * DAY, prop::sample::select(vec![1_usize, 2, 24, 200, 1_000])), 4,
        ),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return };
            let store = &*fresh.store;
            for (number, event) in (0..).zip(&events) {
                happen(store, event, number).await;
                if number % 3 == 2 {
                    check(store, &queries).await;
                }
            }
            roll_up(store, at(START + 160 * HOUR)).await;
            check(store, &queries).await;
        });
    }
}
