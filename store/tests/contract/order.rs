//! Pages give everything, once, in one order.

use std::cmp::Ordering;

use proptest::prelude::*;
use store::{Cursor, ReadingQuery, Store, TimeRange};
use telemetry::{Reading, Series};

use super::{ALL, CASES, all_pages, at, batch, everything, fresh, reading};

fn order(a: &Reading, b: &Reading) -> Ordering {
    fn key(r: &Reading) -> impl Ord {
        let (device, metric) = (r.series.device().to_owned(), r.series.metric().to_owned());
        (r.measured_at, device, metric, r.boot.is_some(), r.boot, r.seq.is_some(), r.seq)
    }
    key(a).cmp(&key(b)).then_with(|| a.value.total_cmp(&b.value))
}

fn ask(limit: usize) -> ReadingQuery {
    ReadingQuery {
        device: None,
        metric: None,
        range: ALL,
        limit,
        after: None,
        scope: telemetry::Scope::all(),
    }
}

async fn pages(store: &dyn Store, query: ReadingQuery) -> Vec<Reading> {
    all_pages(store, query).await.into_iter().map(|stored| stored.reading).collect()
}

#[tokio::test]
async fn a_reading_from_the_future_is_the_newest_only_where_there_is_no_other() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let now = jiff::Timestamp::now().as_microsecond();
    let day = 86_400_000_000;
    let stamped = |topic, micros, value| Reading { received_at: at(micros), ..reading(topic, micros, value) };
    let present = stamped("temperature/a", now - 1_000_000, 1.0);
    let ahead = stamped("temperature/b", now + day, 2.0);
    let readings = [present.clone(), stamped("temperature/a", now + day, 3.0), ahead.clone()];
    store.write(&batch(readings)).await.unwrap();
    assert_eq!(store.latest().await.unwrap(), [present, ahead]);
}

#[tokio::test]
async fn pages_of_any_size_give_everything_in_order() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let mut expected = Vec::new();
    for device in ["b", "a", "a/c", "B", "a-1"] {
        for metric in ["temperature", "humidity"] {
            for micros in [3, 1, 2, 1] {
                let base = reading(&format!("{metric}/{device}"), micros, 1.0);
                expected.push(Reading { seq: Some(micros as u64), ..base.clone() });
                expected.push(Reading { value: -1.0, ..base.clone() });
                expected.push(base);
            }
        }
    }
    store.write(&batch(expected.clone())).await.unwrap();
    expected.sort_by(order);
    expected.dedup();
    assert_eq!(expected.len(), 5 * 2 * 9);
    for limit in [1, 2, 7, 89, 90, 91, usize::MAX] {
        assert_eq!(pages(store, ask(limit)).await, expected, "limit {limit}");
    }
    let whole = store.readings(ask(90)).await.unwrap();
    assert_eq!(whole.next, None, "nothing follows a page that is just full");
    assert_eq!(store.readings(ask(0)).await.unwrap().readings.len(), 1);
}

#[tokio::test]
async fn an_empty_store_has_one_empty_page() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let page = store.readings(ask(10)).await.unwrap();
    assert_eq!((page.readings.len(), page.next), (0, None));
}

#[tokio::test]
async fn a_range_includes_its_start_and_excludes_its_end() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.write(&batch((0..10).map(|micros| reading("temperature/a", micros, 1.0)))).await.unwrap();
    let nanos = |nanos| jiff::Timestamp::from_nanosecond(nanos).unwrap();
    for (from, to, count) in [
        (at(0), at(10), 10),
        (at(3), at(5), 2),
        (at(3), at(3), 0),
        (at(5), at(3), 0),
        (nanos(2_001), nanos(5_001), 3),
        (nanos(1_999), nanos(4_999), 3),
    ] {
        let query = ReadingQuery { range: TimeRange { from, to }, ..ask(3) };
        assert_eq!(pages(store, query).await.len(), count, "{from} {to}");
    }
}

#[tokio::test]
async fn a_cursor_outlives_its_reading_and_sees_what_comes_behind_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    store.write(&batch([reading("temperature/b", 1, 1.0), reading("temperature/b", 2, 1.0)])).await.unwrap();
    let cursor = Cursor::after(&reading("temperature/b", 1, 1.5));
    let late = [
        reading("temperature/a", 1, 1.0),
        reading("temperature/c", 1, 1.0),
        reading("temperature/b", 1, 2.0),
    ];
    store.write(&batch(late.clone())).await.unwrap();
    let rest = pages(store, ReadingQuery { after: Some(cursor), ..ask(1) }).await;
    assert_eq!(rest, [late[2].clone(), late[1].clone(), reading("temperature/b", 2, 1.0)]);
}

#[tokio::test]
async fn the_latest_reading_is_the_newest_measured_not_the_newest_written() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let numbered = |boot, seq| Reading { boot, seq, ..reading("temperature/a", 5, 1.0) };
    for (written, newest) in [
        (numbered(None, None), numbered(None, None)),
        (reading("temperature/a", 4, 9.0), numbered(None, None)),
        (numbered(None, Some(0)), numbered(None, Some(0))),
        (numbered(Some(1), Some(1)), numbered(Some(1), Some(1))),
        (numbered(Some(0), Some(2)), numbered(Some(1), Some(1))),
        (numbered(Some(1), Some(0)), numbered(Some(1), Some(1))),
        (reading("temperature/a", 6, 2.0), reading("temperature/a", 6, 2.0)),
    ] {
        store.write(&batch([written])).await.unwrap();
        assert_eq!(store.latest().await.unwrap(), [newest]);
    }
    let others =
        [reading("temperature/b", 1, 1.0), reading("humidity/b", 1, 1.0), reading("temperature/B", 1, 1.0)];
    store.write(&batch(others)).await.unwrap();
    let topics: Vec<_> = store.latest().await.unwrap().iter().map(|r| r.series.to_string()).collect();
    assert_eq!(topics, ["temperature/B", "temperature/a", "humidity/b", "temperature/b"]);
}

prop_compose! {
    fn some_reading()(
        metric in prop::sample::select(vec!["temperature", "humidity"]),
        device in prop::sample::select(vec!["a", "b", "a/b", "a-b"]),
        micros in -3_i64..6,
        boot in prop::option::of(0_u64..2),
        seq in prop::option::of(0_u64..3),
        value in prop::sample::select(vec![-1.5, 0.0, 2.0]),
    ) -> Reading {
        Reading { boot, seq, ..reading(&format!("{metric}/{device}"), micros, value) }
    }
}

prop_compose! {
    fn some_query()(
        device in prop::option::of(prop::sample::select(vec!["a", "a/b", "none"])),
        metric in prop::option::of(prop::sample::select(vec!["temperature", "humidity"])),
        from in -4_i64..6,
        length in 0_i64..10,
        limit in 1_usize..9,
    ) -> ReadingQuery {
        let range = TimeRange { from: at(from), to: at(from + length) };
        ReadingQuery { device: device.map(Into::into), metric: metric.map(Into::into), range, limit, after: None, scope: telemetry::Scope::all() }
    }
}

fn asked_for(query: &ReadingQuery, reading: &Reading) -> bool {
    query.device.as_deref().is_none_or(|device| device == reading.series.device())
        && query.metric.as_deref().is_none_or(|metric| metric == reading.series.metric())
        && (query.range.from..query.range.to).contains(&reading.measured_at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn pages_put_together_are_the_sorted_set(
        mut readings in prop::collection::vec(some_reading(), 0..120),
        queries in prop::collection::vec(some_query(), 8),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return Ok(()) };
    let store = &*fresh.store;
            store.write(&batch(readings.clone())).await.unwrap();
            readings.sort_by(order);
            readings.dedup();
            prop_assert_eq!(everything(store).await, readings.clone());
            for query in queries {
                let expected: Vec<_> = readings.iter().filter(|r| asked_for(&query, r)).cloned().collect();
                prop_assert_eq!(pages(store, query.clone()).await, expected, "{:?}", query);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_last_readings_are_those_just_before_a_time_in_order() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let series = Series::parse("temperature/a").unwrap();
    assert_eq!(store.last(&series, at(9), 5).await.unwrap(), []);
    let one = |micros: i64, value: f64| reading("temperature/a", micros, value);
    let other = reading("humidity/a", 3, 50.0);
    let all = [one(1, 1.0), one(2, 2.0), one(2, 3.0), one(4, 4.0), one(5, 5.0), other];
    store.write(&batch(all.clone())).await.unwrap();
    let last = async |before: i64, limit| store.last(&series, at(before), limit).await.unwrap();
    assert_eq!(last(9, 3).await, all[2..5]);
    assert_eq!(last(5, 9).await, all[..4]);
    assert_eq!(last(1, 9).await, []);
    assert_eq!(last(9, 0).await, []);
}
