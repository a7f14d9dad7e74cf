//! Judging goes on where it was.

use std::time::{Duration, Instant};

use store::{Changes, LimitKind, Phase, Place, Standing, Store};
use telemetry::{MAX_SEQ, Topic};

use super::{at, fresh};

pub(super) fn standing(rule: &str, topic: &str, phase: Phase) -> Standing {
    let newest = Some(Place { measured_at: at(5), boot: Some(MAX_SEQ), seq: None, value: 1.5 });
    let (rule, kind, topic) = (rule.into(), Some(LimitKind::Rate), Topic::parse(topic).unwrap());
    Standing { rule, kind, topic, phase, newest, value: Some(2.5) }
}

pub(super) async fn keep(store: &dyn Store, standings: &[Standing]) {
    let changes = Changes { transitions: Vec::new(), standings: standings.to_vec() };
    store.record(&changes).await.unwrap();
}

#[tokio::test]
async fn standings_are_read_as_they_were_kept() {
    let Some(fresh) = fresh().await else { return };
    let incident = || String::from("i");
    let silent =
        Standing { kind: None, newest: None, value: None, ..standing("silent", "humidity/z", Phase::Normal) };
    let expected = [
        standing("hot", "temperature/B", Phase::Normal),
        standing("hot", "humidity/a", Phase::Pending { since: at(3) }),
        standing("hot", "temperature/a", Phase::Firing { incident: incident(), told: false }),
        standing("hot", "humidity/a/b", Phase::Firing { incident: incident(), told: true }),
        Standing {
            newest: Some(Place { measured_at: at(-5), boot: None, seq: Some(0), value: -1.0 }),
            ..standing("hot", "a/c", Phase::Recovering { incident: incident(), told: true, since: at(-3) })
        },
        silent,
    ];
    let mut shuffled = expected.to_vec();
    shuffled.reverse();
    keep(&*fresh.store, &shuffled).await;
    assert_eq!(fresh.reopened().await.standings().await.unwrap(), expected, "by rule, device and metric");
}

#[tokio::test]
async fn the_newest_standing_of_a_subject_replaces_the_others() {
    let Some(fresh) = fresh().await else { return };
    let pending = |since| standing("hot", "temperature/a", Phase::Pending { since: at(since) });
    let firing = Phase::Firing { incident: "i".into(), told: true };
    let firing = standing("hot", "temperature/a", firing);
    keep(&*fresh.store, &[pending(1), firing.clone(), pending(2)]).await;
    assert_eq!(fresh.store.standings().await.unwrap(), [pending(2)]);
    keep(&*fresh.store, std::slice::from_ref(&firing)).await;
    keep(&*fresh.store, std::slice::from_ref(&firing)).await;
    assert_eq!(fresh.store.standings().await.unwrap(), [firing]);
}

#[tokio::test]
async fn ten_thousand_standings_are_kept_at_once() {
    let Some(fresh) = fresh().await else { return };
    let many = |since| -> Vec<_> {
        let phase = Phase::Pending { since: at(since) };
        (0..10_000).map(|i| standing("hot", &format!("temperature/d{i:05}"), phase.clone())).collect()
    };
    let start = Instant::now();
    keep(&*fresh.store, &many(1)).await;
    keep(&*fresh.store, &many(2)).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(fresh.store.standings().await.unwrap(), many(2));
}
