//! What was kept before notifications were is carried over.

use store::{
    Address, AlertState, Channel, Condition, ConditionKind, DeliveryStatus, End, Incident, Notification,
    NotificationKind, OrderKey, Phase, Severity, Store,
};
use telemetry::Series;

use super::at;
use super::incidents::{all, record, resolved};

/// As the mails were addressed.
const BOTH: &str = "a@example.org, b@example.org";

/// Asks for what the old rows were made of:
/// - on `a` an incident that opened at 5 and ended at 9, of which one mail was sent at 7 and one is owed,
/// - on `a` one that opened at 15 and is open, of which a mail was sent at 17,
/// - on `b` one that opened at 1 and ended at 2, without a mail.
///
/// The changes were kept at 100, 101 and 102.
pub(crate) async fn check(store: &dyn Store) {
    let sent = |micros| Some(at(micros));
    let first = Incident {
        resolved_at: Some(at(9)),
        resolved_value: Some(22.0),
        end: Some(End::Cleared),
        notifications: vec![
            notification(NotificationKind::Opened, 5, "i1.opened@millrace", sent(7)),
            notification(NotificationKind::Resolved, 9, "i1.resolved@millrace", None),
        ],
        ..incident("i1", "a", 5)
    };
    let second = Incident {
        notifications: vec![notification(NotificationKind::Opened, 15, "i2.opened@millrace", sent(17))],
        ..incident("i2", "a", 15)
    };
    let third = Incident {
        resolved_at: Some(at(2)),
        resolved_value: Some(22.0),
        end: Some(End::Cleared),
        ..incident("i3", "b", 1)
    };
    let mut incidents = all(store).await;
    let numbers: Vec<i64> = incidents.iter().flat_map(|i| &i.notifications).map(|n| n.number).collect();
    assert!(numbers[1] < numbers[2] && numbers[2] != numbers[0], "in the order in which they were asked for");
    incidents.iter_mut().flat_map(|i| &mut i.notifications).for_each(|notification| notification.number = 0);
    assert_eq!(incidents, [second, first, third]);
    let owed = store.queued_messages(at(1), 10).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!((&*owed[0].message_id, owed[0].made_at), ("i1.resolved@millrace", at(100)));
    assert_eq!((&*owed[0].address.to, &*owed[0].notifications[0].1.id), (BOTH, "i1"));
    let firing = Phase::Firing { incident: "i2".into(), told: true };
    let alert_states = [alert_state("a", firing, 15, 31.5), alert_state("b", Phase::Normal, 2, 22.0)];
    assert_eq!(store.alert_states().await.unwrap(), alert_states);
    record(store, &[resolved("i2", 20)]).await;
    let (due, _) = store.due_notifications(at(10_000), 10).await.unwrap();
    assert_eq!(due.len(), 1, "those who were told hear that it is over");
    assert_eq!((&*due[0].0.address.to, due[0].0.kind), (BOTH, NotificationKind::Resolved));
}

fn incident(id: &str, device: &str, micros: i64) -> Incident {
    Incident {
        severity: Severity::Warning,
        condition: Condition { kind: ConditionKind::Above, text: String::new(), threshold: None },
        began_at: at(micros),
        judged_at: at(micros),
        peak: None,
        peak_at: None,
        ..super::incidents::incident(id, device, micros)
    }
}

fn notification(
    kind: NotificationKind,
    micros: i64,
    message_id: &str,
    sent_at: Option<jiff::Timestamp>,
) -> Notification {
    Notification {
        number: 0,
        kind,
        address: Address { channel: Channel::Mail, to: BOTH.into() },
        asked_at: at(micros),
        due_at: at(micros),
        status: DeliveryStatus::InMessage { message_id: message_id.into(), sent_at, problem: None },
    }
}

fn alert_state(device: &str, phase: Phase, micros: i64, value: f64) -> AlertState {
    AlertState {
        rule: "too hot".into(),
        kind: None,
        series: Series::new("temperature", device).unwrap(),
        phase,
        newest: Some(OrderKey { measured_at: at(micros), boot: None, seq: None, value }),
        value: None,
    }
}
