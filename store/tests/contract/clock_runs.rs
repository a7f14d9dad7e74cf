//! When the clock was wrong is remembered.

use jiff::SignedDuration;
use telemetry::ClockRun;

use super::{at, fresh};

fn run(process: i64, from: i64, to: i64, wrong_by: Option<i64>) -> ClockRun {
    let wrong_by = wrong_by.map(SignedDuration::from_micros);
    ClockRun { process, from: at(from), to: at(to), shift: wrong_by.unwrap_or_default(), lane: 3, wrong_by }
}

#[tokio::test]
async fn runs_of_the_clock_are_kept_in_order_and_replaced_as_a_whole() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.clock_runs().await.unwrap(), []);
    store.extend_clock_run(at(1)).await.unwrap();
    assert_eq!(store.clock_runs().await.unwrap(), [], "there is no run to extend");
    let runs =
        [run(i64::MIN, 10, 20, None), run(-7, 3_600_000_000, 3_600_000_005, Some(-1)), run(-7, 20, 30, None)];
    store.set_clock_runs(&runs).await.unwrap();
    assert_eq!(store.clock_runs().await.unwrap(), runs);
    store.extend_clock_run(at(40)).await.unwrap();
    store.extend_clock_run(at(35)).await.unwrap();
    let longer = [runs[0].clone(), runs[1].clone(), run(-7, 20, 40, None)];
    assert_eq!(store.clock_runs().await.unwrap(), longer, "a run never becomes shorter");
    store.set_clock_runs(&longer[1..]).await.unwrap();
    assert_eq!(store.clock_runs().await.unwrap(), longer[1..]);
}
