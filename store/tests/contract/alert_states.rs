//! Evaluation goes on from the stored alert states.

use store::{
    AlertState, Changes, Condition, ConditionKind, Incident, IncidentQuery, OrderKey, Phase, Store,
    Transition,
};
use telemetry::{MAX_SEQ, Series};

use super::incidents::incident;
use super::{at, fresh};

pub(crate) fn alert_state(rule: &str, topic: &str, phase: Phase) -> AlertState {
    let newest = Some(OrderKey { measured_at: at(5), boot: Some(MAX_SEQ), seq: None, value: 1.5 });
    let (rule, kind, topic) = (rule.into(), Some(ConditionKind::Rate), Series::parse(topic).unwrap());
    AlertState { rule, kind, series: topic, phase, newest, value: Some(2.5) }
}

pub(crate) async fn keep(store: &dyn Store, alert_states: &[AlertState]) {
    let changes = Changes { transitions: Vec::new(), alert_states: alert_states.to_vec() };
    store.record(&changes).await.unwrap();
}

#[tokio::test]
async fn each_kind_of_condition_is_kept() {
    use ConditionKind::{Above, Absent, Below, Outside, Rate, Stuck, Unusual};
    let Some(fresh) = fresh().await else { return };
    for kind in [Above, Below, Outside, Rate, Absent, Stuck, Unusual] {
        let rule = format!("{kind:?}");
        let condition = Condition { kind, text: "x".into(), threshold: None };
        let opened = Incident { condition, ..incident(&rule, "a", 1) };
        let changes = Changes {
            transitions: vec![Transition::Opened(Box::new(opened), Vec::new())],
            alert_states: vec![AlertState { kind: Some(kind), ..alert_state(&rule, "m/a", Phase::Normal) }],
        };
        fresh.store.record(&changes).await.unwrap();
    }
    let query = IncidentQuery { limit: 10, ..IncidentQuery::default() };
    assert_eq!(fresh.store.incidents(&query).await.unwrap().len(), 7);
    assert_eq!(fresh.store.alert_states().await.unwrap().len(), 7);
}

#[tokio::test]
async fn standings_are_read_as_they_were_kept() {
    let Some(fresh) = fresh().await else { return };
    let incident = || String::from("i");
    let silent = AlertState {
        kind: None,
        newest: None,
        value: None,
        ..alert_state("silent", "humidity/z", Phase::Normal)
    };
    let expected = [
        alert_state("hot", "temperature/B", Phase::Normal),
        alert_state("hot", "humidity/a", Phase::Pending { since: at(3) }),
        alert_state("hot", "temperature/a", Phase::Firing { incident: incident(), announced: false }),
        alert_state("hot", "humidity/a/b", Phase::Firing { incident: incident(), announced: true }),
        AlertState {
            newest: Some(OrderKey { measured_at: at(-5), boot: None, seq: Some(0), value: -1.0 }),
            ..alert_state(
                "hot",
                "a/c",
                Phase::Recovering { incident: incident(), announced: true, since: at(-3) },
            )
        },
        silent,
    ];
    let mut shuffled = expected.to_vec();
    shuffled.reverse();
    keep(&*fresh.store, &shuffled).await;
    assert_eq!(fresh.reopened().await.alert_states().await.unwrap(), expected, "by rule, device and metric");
}

#[tokio::test]
async fn the_newest_standing_of_a_subject_replaces_the_others() {
    let Some(fresh) = fresh().await else { return };
    let pending = |since| alert_state("hot", "temperature/a", Phase::Pending { since: at(since) });
    let firing = Phase::Firing { incident: "i".into(), announced: true };
    let firing = alert_state("hot", "temperature/a", firing);
    keep(&*fresh.store, &[pending(1), firing.clone(), pending(2)]).await;
    assert_eq!(fresh.store.alert_states().await.unwrap(), [pending(2)]);
    keep(&*fresh.store, std::slice::from_ref(&firing)).await;
    keep(&*fresh.store, std::slice::from_ref(&firing)).await;
    assert_eq!(fresh.store.alert_states().await.unwrap(), [firing]);
}

#[tokio::test]
async fn ten_thousand_standings_are_kept_at_once() {
    let Some(fresh) = fresh().await else { return };
    let many = |since| -> Vec<_> {
        let phase = Phase::Pending { since: at(since) };
        (0..10_000).map(|i| alert_state("hot", &format!("temperature/d{i:05}"), phase.clone())).collect()
    };
    keep(&*fresh.store, &many(1)).await;
    keep(&*fresh.store, &many(2)).await;
    assert_eq!(fresh.store.alert_states().await.unwrap(), many(2));
}
