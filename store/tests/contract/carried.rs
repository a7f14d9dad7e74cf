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
    let firing = Phase::Firing { incident: "i2".into(), announced: true };
    let alert_states = [alert_state("a", firing, 15, 31.5), alert_state("b", Phase::Normal, 2, 22.0)];
    assert_eq!(store.alert_states().await.unwrap(), alert_states);
    record(store, &[resolved("i2", 20)]).await;
    let (due, _) = store.due_notifications(at(10_000), 10).await.unwrap();
    assert_eq!(due.len(), 1, "recipients of the opening are notified of the end");
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

/// Rows of the schema before notifications, alert states and conditions had these names: an open incident with a
/// message that was sent, one that is queued, and a reminder that is deferred.
pub(crate) fn rows_in_old_terms(time: impl Fn(i64) -> String, is_true: &str, is_false: &str) -> String {
    let time = |micros| time(micros);
    let (one, two, three) = (time(1), time(2), time(3));
    format!(
        "INSERT INTO incidents (
             id, rule, severity, device, metric, limit_kind, limit_words, threshold, began_at, opened_at, judged_at,
             value, unit, peak, peak_at, late, stored_at)
         VALUES ('i1', 'too hot', 'critical', 'a', 'temperature', 'above', 'above 25', 25, {one}, {two}, {three},
             31.5, 'celsius', 32.5, {three}, {is_false}, {three});
         INSERT INTO messages (message_id, way, recipient, made_at, tries, sent_at)
         VALUES ('sent@millrace', 'mail', 'a@example.org', {two}, 1, {three}),
             ('queued@millrace', 'webhook', 'chat', {three}, 0, NULL);
         INSERT INTO notices (incident, kind, way, recipient, asked_at, due_at, message)
         SELECT i.number, 'opened', m.way, m.recipient, {two}, {two}, m.number
         FROM incidents i JOIN messages m ON i.id = 'i1' ORDER BY m.number;
         INSERT INTO notices (incident, kind, way, recipient, asked_at, due_at, held)
         SELECT number, 'reminder', 'mqtt', 'alarm', {two}, {three}, 'silenced' FROM incidents;
         INSERT INTO standings (
             rule, device, metric, phase, since, incident, told, newest_at, newest_boot, newest_seq, newest_value,
             value, written_at, kind)
         VALUES ('too hot', 'a', 'temperature', 'firing', NULL, 'i1', {is_true}, {three}, 7, -1, 32.5, NULL, {three},
             'above')"
    )
}

/// Asks for the rows of [`rows_in_old_terms`].
pub(crate) async fn check_old_terms(store: &dyn Store) {
    let mut incidents = all(store).await;
    incidents[0].notifications.iter_mut().for_each(|notification| notification.number = 0);
    let notification = |kind, channel, to: &str, due_at, status| Notification {
        number: 0,
        kind,
        address: Address { channel, to: to.into() },
        asked_at: at(2),
        due_at: at(due_at),
        status,
    };
    let in_message = |id: &str, sent_at| DeliveryStatus::InMessage {
        message_id: format!("{id}@millrace"),
        sent_at,
        problem: None,
    };
    let (opened, reminder) = (NotificationKind::Opened, NotificationKind::Reminder);
    let held = DeliveryStatus::Waiting { held: Some("silenced".into()) };
    let expected = Incident {
        began_at: at(1),
        judged_at: at(3),
        peak: Some(32.5),
        peak_at: Some(at(3)),
        notifications: vec![
            notification(opened, Channel::Mail, "a@example.org", 2, in_message("sent", Some(at(3)))),
            notification(opened, Channel::Webhook, "chat", 2, in_message("queued", None)),
            notification(reminder, Channel::Mqtt, "alarm", 3, held),
        ],
        ..super::incidents::incident("i1", "a", 2)
    };
    assert_eq!(incidents, [expected]);
    let queued = store.queued_messages(at(9), 10).await.unwrap();
    assert_eq!(queued.iter().map(|message| &*message.message_id).collect::<Vec<_>>(), ["queued@millrace"]);
    let firing = AlertState {
        kind: Some(ConditionKind::Above),
        newest: Some(OrderKey { measured_at: at(3), boot: Some(7), seq: None, value: 32.5 }),
        ..alert_state("a", Phase::Firing { incident: "i1".into(), announced: true }, 3, 32.5)
    };
    assert_eq!(store.alert_states().await.unwrap(), [firing]);
    record(store, &[resolved("i1", 20)]).await;
    let (due, _) = store.due_notifications(at(10_000), 10).await.unwrap();
    assert_eq!(due.len(), 2, "both hear that it is over, and the reminder is dropped");
}
