//! What edges forward: readings and their numbers are stored together, and whatever comes again changes nothing.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Batch, Store, UplinkRun};
use telemetry::{Gone, GoneNumbers, JournalRun, NumberSet, Reading, UplinkReceipt, UplinkReport};

use super::{CASES, at, everything, fresh, reading};

const RUN: JournalRun = JournalRun(0xfedc_ba98_7654_3210);

fn receipt(edge: &str, numbers: NumberSet, gone: Vec<GoneNumbers>) -> UplinkReceipt {
    let last = numbers.last().unwrap_or(3);
    let report = UplinkReport { run: RUN, told_at: at(1_000), last, unsent: 2, numbers, gone };
    UplinkReceipt { edge: edge.into(), received_at: at(2_000), report }
}

fn numbered(number: u64) -> Reading {
    reading("temperature/site-a/lab", 10 + number as i64, number as f64)
}

fn batch(edge: &str, numbers: NumberSet, gone: Vec<GoneNumbers>) -> Arc<Batch> {
    let readings = numbers.ranges().flatten().map(numbered).collect();
    Arc::new(Batch { readings, uplinks: vec![receipt(edge, numbers, gone)], ..Batch::default() })
}

async fn runs(store: &dyn Store) -> Vec<UplinkRun> {
    store.uplink_runs().await.unwrap()
}

#[tokio::test]
async fn numbers_are_stored_with_their_readings() {
    let Some(fresh) = fresh().await else { return };
    let gone = vec![
        GoneNumbers { numbers: 4..=5, reason: Gone::Deleted },
        GoneNumbers { numbers: 7..=7, reason: Gone::Refused },
    ];
    let numbers = NumberSet::from_iter([1..=3, 9..=9]);
    let written = fresh.store.write(&batch("site-a", numbers.clone(), gone)).await.unwrap();
    assert_eq!(written.stored, 4);
    fresh.store.write(&batch("site-b", NumberSet::default(), vec![])).await.unwrap();
    let store = fresh.reopened().await;
    let runs = runs(store.as_ref()).await;
    assert_eq!(runs.iter().map(|run| run.edge.as_str()).collect::<Vec<_>>(), ["site-a", "site-b"]);
    let run = &runs[0];
    assert_eq!((run.run, run.last, run.unsent, &run.arrived), (RUN, 9, 2, &numbers));
    assert_eq!((run.told_at, run.heard_at, run.first_heard_at), (at(1_000), at(2_000), at(2_000)));
    assert_eq!(run.gone().ranges().collect::<Vec<_>>(), [4..=5, 7..=7]);
    assert_eq!(run.missing().ranges().collect::<Vec<_>>(), [6..=6, 8..=8]);
    assert_eq!(runs[1].missing().ranges().collect::<Vec<_>>(), [1..=3]);
}

#[tokio::test]
async fn what_is_told_later_stays() {
    let Some(fresh) = fresh().await else { return };
    let told = |second, last, unsent| {
        let mut receipt = receipt("site-a", NumberSet::default(), vec![]);
        receipt.received_at = at(second);
        receipt.report.last = last;
        receipt.report.unsent = unsent;
        Arc::new(Batch { uplinks: vec![receipt], ..Batch::default() })
    };
    for (second, last, unsent) in [(50, 10, 1), (40, 20, 9), (60, 15, 3)] {
        fresh.store.write(&told(second, last, unsent)).await.unwrap();
    }
    let run = runs(fresh.store.as_ref()).await.remove(0);
    assert_eq!((run.last, run.unsent, run.heard_at, run.first_heard_at), (20, 3, at(60), at(40)));
}

type Part = (NumberSet, Vec<GoneNumbers>);

fn part() -> impl Strategy<Value = Part> {
    let range = || (1_u64..40, 0_u64..6).prop_map(|(first, more)| first..=first + more);
    let gone = (range(), any::<bool>()).prop_map(|(numbers, deleted)| GoneNumbers {
        numbers,
        reason: if deleted { Gone::Deleted } else { Gone::Refused },
    });
    (prop::collection::vec(range(), 0..3), prop::collection::vec(gone, 0..3))
        .prop_map(|(ranges, gone)| (ranges.into_iter().collect(), gone))
}

/// Repeated, in another order and overlapping, the outcome is that of all at once.
#[test]
fn batches_may_come_in_any_order_and_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let parts = prop::collection::vec(part(), 1..8)
        .prop_flat_map(|parts| (Just(parts.clone()), Just([parts.clone(), parts].concat()).prop_shuffle()));
    let check = |(parts, shuffled): (Vec<Part>, Vec<Part>)| {
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return Ok(()) };
            for (numbers, gone) in shuffled {
                fresh.store.write(&batch("site-a", numbers, gone)).await.unwrap();
            }
            let (mut arrived, mut gone) = (NumberSet::default(), NumberSet::default());
            for (numbers, those) in &parts {
                arrived.extend(numbers);
                those.iter().for_each(|those| gone.insert(those.numbers.clone()));
            }
            let run = runs(fresh.store.as_ref()).await.remove(0);
            prop_assert_eq!(everything(fresh.store.as_ref()).await.len() as u64, arrived.count());
            arrived.ranges().for_each(|range| gone.remove(range));
            prop_assert_eq!(run.gone(), gone.clone());
            prop_assert_eq!(&run.arrived, &arrived);
            prop_assert_eq!(run.missing().count() + arrived.count() + gone.count(), run.last);
            Ok(())
        })
    };
    TestRunner::new(Config::with_cases(CASES)).run(&parts, check).unwrap();
}
