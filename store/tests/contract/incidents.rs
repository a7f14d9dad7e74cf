//! One incident for one violation, however often it is evaluated; and who is notified of it.

use proptest::prelude::*;
use store::{
    Acknowledgement, AlertState, Changes, Condition, ConditionKind, Decisions, DeliveryStatus, End, Incident,
    IncidentQuery, Notification, NotificationKind, Severity, Store, Transition,
};
use telemetry::Series;

pub(crate) use testkit::samples::{incident, mail};

use super::{CASES, at, fresh};

pub(crate) fn all_incidents() -> IncidentQuery {
    IncidentQuery { limit: 100, ..IncidentQuery::default() }
}

pub(crate) fn opened(id: &str, device: &str, micros: i64) -> Transition {
    Transition::Opened(Box::new(incident(id, device, micros)), vec![mail("a@example.org")])
}

pub(crate) fn announced(id: &str, micros: i64, to: &[&str]) -> Transition {
    Transition::Announced { id: id.into(), at: at(micros), to: to.iter().map(|to| mail(to)).collect() }
}

pub(crate) fn peaked(id: &str, micros: i64, value: f64) -> Transition {
    Transition::Peaked { id: id.into(), at: at(micros), value }
}

pub(crate) fn resolved(id: &str, micros: i64) -> Transition {
    Transition::Resolved {
        id: id.into(),
        at: at(micros),
        judged_at: at(micros + 1000),
        value: Some(22.0),
        end: End::Cleared,
    }
}

pub(crate) async fn record(store: &dyn Store, transitions: &[Transition]) {
    let changes = Changes { transitions: transitions.to_vec(), alert_states: Vec::new() };
    store.record(&changes).await.unwrap();
}

pub(crate) async fn all(store: &dyn Store) -> Vec<Incident> {
    store.incidents(&all_incidents()).await.unwrap()
}

/// All but the numbers, which may leave some out.
fn unnumbered(mut incidents: Vec<Incident>) -> Vec<Incident> {
    for notification in incidents.iter_mut().flat_map(|incident| &mut incident.notifications) {
        notification.number = 0;
    }
    incidents
}

fn waiting(kind: NotificationKind, to: &str, micros: i64) -> Notification {
    let status = DeliveryStatus::Waiting { held: None };
    Notification { number: 0, kind, address: mail(to), asked_at: at(micros), due_at: at(micros), status }
}

#[tokio::test]
async fn a_transition_that_is_judged_again_adds_nothing() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let to_another = Transition::Opened(Box::new(incident("i1", "b", 2)), vec![mail("z@example.org")]);
    let life = [
        opened("i1", "a", 1),
        to_another,
        peaked("i1", 3, 33.0),
        peaked("i1", 4, 33.0),
        announced("i1", 4, &["a@example.org", "b@example.org", "b@example.org"]),
        resolved("i1", 5),
        resolved("i1", 6),
        peaked("i1", 7, 40.0),
        announced("i1", 7, &["c@example.org"]),
        opened("i1", "a", 8),
    ];
    for transition in &life {
        record(store, std::slice::from_ref(transition)).await;
    }
    record(store, &life).await;
    let store = &*fresh.reopened().await;
    let expected = Incident {
        peak: Some(33.0),
        peak_at: Some(at(3)),
        resolved_at: Some(at(5)),
        resolved_value: Some(22.0),
        end: Some(End::Cleared),
        notifications: vec![
            waiting(NotificationKind::Opened, "a@example.org", 1001),
            waiting(NotificationKind::Opened, "b@example.org", 4),
            waiting(NotificationKind::Resolved, "a@example.org", 1005),
            waiting(NotificationKind::Resolved, "b@example.org", 1005),
        ],
        ..incident("i1", "a", 1)
    };
    assert_eq!(unnumbered(all(store).await), [expected]);
}

#[tokio::test]
async fn all_that_is_said_of_an_opening_is_kept() {
    let Some(fresh) = fresh().await else { return };
    let bare = Incident {
        severity: Severity::Info,
        condition: Condition { kind: ConditionKind::Absent, text: "absent for 2m".into(), threshold: None },
        value: None,
        unit: None,
        peak: None,
        peak_at: None,
        late: true,
        ..incident("bare", "site-a/rack-1", 1)
    };
    let full = incident("full", "b", 2);
    let open = |incident: &Incident| Transition::Opened(Box::new(incident.clone()), Vec::new());
    record(&*fresh.store, &[open(&bare), open(&full)]).await;
    let end = |id: &str, value, end| Transition::Resolved {
        id: id.into(),
        at: at(3),
        judged_at: at(4),
        value,
        end,
    };
    assert_eq!(all(&*fresh.store).await, [full.clone(), bare.clone()]);
    record(&*fresh.store, &[end("bare", None, End::RuleRemoved)]).await;
    let over = Incident { resolved_at: Some(at(3)), end: Some(End::RuleRemoved), ..bare };
    assert_eq!(all(&*fresh.store).await, [full, over]);
}

#[tokio::test]
async fn what_was_never_opened_does_not_change() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    record(store, &[resolved("i1", 5), peaked("i1", 5, 1.0), announced("i1", 5, &["a@example.org"])]).await;
    assert_eq!(all(store).await, []);
    assert_eq!(store.due_notifications(at(i64::from(i32::MAX)), 10).await.unwrap(), (vec![], None));
}

#[tokio::test]
async fn a_record_is_kept_whole_or_not_at_all() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let nobody = Transition::Opened(Box::new(incident("i2", "b", 1)), vec![mail("")]);
    let alert_state = AlertState {
        rule: "too hot".into(),
        kind: Some(ConditionKind::Above),
        series: Series::parse("temperature/a").unwrap(),
        phase: store::Phase::Normal,
        newest: None,
        value: None,
    };
    let changes =
        Changes { transitions: vec![opened("i1", "a", 1), nobody], alert_states: vec![alert_state] };
    store.record(&changes).await.unwrap_err();
    assert_eq!(all(store).await, []);
    assert_eq!(store.alert_states().await.unwrap(), []);
}

#[tokio::test]
async fn recipients_of_the_opening_are_notified_of_the_end() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let to = ["waiting@example.org", "notified@example.org", "dropped@example.org"].map(mail);
    record(store, &[Transition::Opened(Box::new(incident("i", "a", 1)), to.to_vec())]).await;
    let notifications = all(store).await[0].notifications.clone();
    let message = store::NewMessage {
        message_id: "m@millrace".into(),
        address: to[1].clone(),
        made_at: at(3),
        notifications: vec![notifications[1].number],
    };
    let dropped = vec![(notifications[2].number, "over before its notification was due".into())];
    store.decide(&Decisions { messages: vec![message], dropped, ..Decisions::default() }).await.unwrap();
    record(store, &[resolved("i", 5)]).await;
    let notifications = &all(store).await[0].notifications;
    let over: Vec<_> = notifications
        .iter()
        .filter(|n| n.kind == NotificationKind::Resolved)
        .map(|n| n.address.clone())
        .collect();
    assert_eq!(over, to[..2]);
    assert!(notifications.is_sorted_by_key(|notification| notification.number));
}

#[tokio::test]
async fn notifications_are_asked_for_in_the_order_of_the_transitions() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    record(store, &[opened("z", "a", 9), opened("b", "b", 1)]).await;
    record(store, &[resolved("z", 10), opened("a", "c", 5), announced("b", 8, &["z@example.org"])]).await;
    let (due, _) = store.due_notifications(at(1_000_000), 10).await.unwrap();
    let order: Vec<_> = due.iter().map(|(n, i)| (i.id.as_str(), n.kind, n.address.to.as_str())).collect();
    let expected = [
        ("z", NotificationKind::Opened, "a@example.org"),
        ("b", NotificationKind::Opened, "a@example.org"),
        ("z", NotificationKind::Resolved, "a@example.org"),
        ("a", NotificationKind::Opened, "a@example.org"),
        ("b", NotificationKind::Opened, "z@example.org"),
    ];
    assert_eq!(order, expected);
}

fn any_transition() -> impl Strategy<Value = Transition> {
    let id = prop::sample::select(vec!["i", "j", "k"]);
    (0..4, id, 1..50_i64, prop::sample::subsequence(vec!["a@x", "b@x", "c@x"], 0..3)).prop_map(
        |(kind, id, micros, to)| match kind {
            0 => Transition::Opened(Box::new(incident(id, "a", micros)), to.into_iter().map(mail).collect()),
            1 => announced(id, micros, &to),
            2 => peaked(id, micros, micros as f64),
            _ => resolved(id, micros),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_record_is_as_good_as_many(life in prop::collection::vec(any_transition(), 1..40)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (Some(one), Some(many)) = (fresh().await, fresh().await) else { return };
            record(&*one.store, &life).await;
            for transition in &life {
                record(&*many.store, std::slice::from_ref(transition)).await;
            }
            assert_eq!(unnumbered(all(&*one.store).await), unnumbered(all(&*many.store).await));
            let order = async |store: &dyn Store| {
                let (due, _) = store.due_notifications(at(1_000_000), 1000).await.unwrap();
                due.into_iter().map(|(n, i)| (i.id, n.kind, n.address.to)).collect::<Vec<_>>()
            };
            assert_eq!(order(&*one.store).await, order(&*many.store).await);
        });
    }
}

#[tokio::test]
async fn the_first_acknowledgement_stays() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let by = |by: &str| Acknowledgement { at: at(5), by: by.into(), note: "on it".into() };
    let acknowledge = async |ids: &[&str], name: &str| {
        let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        store.acknowledge(&ids, &by(name)).await.unwrap()
    };
    assert_eq!(acknowledge(&["i"], "me").await, 0, "there is none");
    record(store, &[opened("i", "a", 1), opened("j", "b", 2), opened("k", "c", 3), resolved("k", 4)]).await;
    assert_eq!(acknowledge(&["i"], "me").await, 1);
    assert_eq!(acknowledge(&["i", "j", "j", "k", "x"], "you").await, 1, "one is acknowledged, one resolved");
    assert_eq!(acknowledge(&[], "you").await, 0);
    record(store, &[opened("i", "a", 1)]).await;
    let of = |incident: &Incident| incident.acknowledged.clone().map(|known| known.by);
    let known: Vec<_> = all(store).await.iter().map(of).collect();
    assert_eq!(known, [Some("you".into()), Some("me".into()), None]);
}

/// A site goes dark.
#[tokio::test]
async fn thousands_open_and_end_at_once() {
    const MANY: i64 = 5_000;
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let life = |transition: fn(i64) -> Transition| (0..MANY).map(transition).collect::<Vec<_>>();
    let open = life(|i| opened(&format!("i{i}"), &format!("d{i}"), i + 1));
    let end = life(|i| resolved(&format!("i{i}"), i + 1));
    record(store, &open).await;
    record(store, &end).await;
    let incidents = store.incidents(&IncidentQuery { limit: usize::MAX, ..all_incidents() }).await.unwrap();
    assert_eq!(incidents.len(), MANY as usize);
    assert!(incidents.iter().all(|incident| incident.end.is_some() && incident.notifications.len() == 2));
    let (due, _) = store.due_notifications(at(MANY * 10), usize::MAX).await.unwrap();
    assert_eq!(due.len(), 2 * MANY as usize);
}
