//! Every recipient is notified once, in one message, which is queued until it is accepted.

use jiff::Timestamp;
use store::{
    Acknowledgement, Attempt, Decisions, Deferral, DeliveryStatus, LongestWaits, NewMessage, Notification,
    NotificationKind, OutgoingMessage, Postponed, Reminder, Store,
};
use tokio::task::JoinSet;

use super::incidents::{all, announced, mail, opened, record, resolved};
use super::{at, fresh};

/// Later than all that happens here.
const LATER: i64 = 1_000_000;

fn message(id: &str, notifications: &[i64]) -> NewMessage {
    let message_id = format!("{id}@millrace");
    NewMessage {
        message_id,
        address: mail("a@example.org"),
        made_at: at(20),
        notifications: notifications.to_vec(),
    }
}

fn in_message(id: &str) -> DeliveryStatus {
    DeliveryStatus::InMessage { message_id: format!("{id}@millrace"), sent_at: None, problem: None }
}

async fn put(store: &dyn Store, messages: Vec<NewMessage>) {
    store.decide(&Decisions { messages, ..Decisions::default() }).await.unwrap();
}

/// Notifications of incident `i`, in order.
async fn of_i(store: &dyn Store) -> Vec<Notification> {
    let incidents = all(store).await;
    incidents.into_iter().find(|incident| incident.id == "i").unwrap().notifications
}

async fn due(store: &dyn Store, now: i64) -> (Vec<i64>, Option<Timestamp>) {
    let (due, next) = store.due_notifications(at(now), 100).await.unwrap();
    (due.into_iter().map(|(notification, _)| notification.number).collect(), next)
}

async fn queued(store: &dyn Store, now: i64) -> Vec<String> {
    let messages = store.queued_messages(at(now), 100).await.unwrap();
    messages.iter().map(|message| message.message_id.trim_end_matches("@millrace").to_owned()).collect()
}

/// Incidents of that many devices; returns the numbers of their notifications.
async fn open(store: &dyn Store, count: i64) -> Vec<i64> {
    let life: Vec<_> = (0..count).map(|i| opened(&format!("i{i}"), &format!("d{i}"), i)).collect();
    record(store, &life).await;
    due(store, LATER).await.0
}

#[tokio::test]
async fn notifications_are_due_in_the_order_in_which_they_were_asked_for() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    // Judged at 1009, 1001, and announced at 500 and 2000.
    record(store, &[opened("z", "a", 9), opened("a", "b", 1)]).await;
    record(store, &[announced("z", 500, &["b@example.org"]), announced("a", 2000, &["b@example.org"])]).await;
    let (all, _) = due(store, LATER).await;
    assert!(all.is_sorted() && all.len() == 4);
    assert_eq!(due(store, 499).await, (vec![], Some(at(500))));
    assert_eq!(due(store, 500).await, (vec![all[2]], Some(at(1001))));
    assert_eq!(due(store, 1009).await, (all[..3].to_vec(), Some(at(2000))));
    assert_eq!(due(store, 2000).await, (all.clone(), None));
    let (first, next) = store.due_notifications(at(1009), 1).await.unwrap();
    assert_eq!((first.len(), next), (1, Some(at(2000))), "those that are due now are no later ones");
    let (notification, incident) = &first[0];
    assert_eq!((notification.number, &*incident.id, incident.notifications.len()), (all[0], "z", 2));
    assert_eq!(incident.notifications[0], *notification);
    record(store, &[resolved("z", 30)]).await;
    let (now, _) = store.due_notifications(at(1009), 1).await.unwrap();
    assert_eq!(now[0].1.resolved_at, Some(at(30)), "the incident as it is now");
}

#[tokio::test]
async fn a_notification_is_in_one_message() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 4).await;
    put(store, vec![message("one", &all[..2]), message("two", &all[1..3])]).await;
    assert_eq!(due(store, LATER).await.0, all[3..]);
    let messages = fresh.reopened().await.queued_messages(at(LATER), 10).await.unwrap();
    let contents = |message: &OutgoingMessage| -> Vec<i64> {
        message.notifications.iter().map(|(n, _)| n.number).collect()
    };
    assert_eq!(messages.iter().map(contents).collect::<Vec<_>>(), [all[..2].to_vec(), vec![all[2]]]);
    assert_eq!((&*messages[0].message_id, messages[0].made_at), ("one@millrace", at(20)));
    assert_eq!((&messages[0].address, messages[0].tries), (&mail("a@example.org"), 0));
    let (notification, incident) = &messages[0].notifications[1];
    assert_eq!(
        (&notification.status, &*incident.id, &incident.notifications[0]),
        (&in_message("one"), "i1", notification)
    );
}

#[tokio::test]
async fn a_message_without_a_notification_is_not_made() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 2).await;
    put(store, vec![message("one", &all)]).await;
    put(store, vec![message("taken", &all), message("none", &[]), message("unknown", &[i64::MAX])]).await;
    assert_eq!(queued(store, LATER).await, ["one"]);
    assert_eq!(store.queued_count().await.unwrap(), 1);
    assert_eq!(store.messages_since(at(0)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_made_takes_no_further_notifications() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 2).await;
    put(store, vec![message("one", &all[..1])]).await;
    put(store, vec![message("one", &all)]).await;
    assert_eq!(due(store, LATER).await.0, all[1..], "it may have been sent without it");
    put(store, vec![message("two", &all[1..])]).await;
    assert_eq!(queued(store, LATER).await, ["one", "two"]);
}

#[tokio::test]
async fn of_many_that_decide_at_once_one_has_the_notification() {
    let Some(fresh) = fresh().await else { return };
    let all = open(&*fresh.store, 50).await;
    let mut deciding = JoinSet::new();
    for i in 0..8 {
        let (store, all) = (fresh.reopened().await, all.clone());
        deciding.spawn(async move { put(&*store, vec![message(&format!("m{i}"), &all)]).await });
    }
    deciding.join_all().await;
    let messages = fresh.store.queued_messages(at(LATER), 100).await.unwrap();
    let mut sent: Vec<_> = messages
        .iter()
        .flat_map(|message| &message.notifications)
        .map(|(notification, _)| notification.number)
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, all);
    assert!(messages.iter().all(|message| !message.notifications.is_empty()));
}

#[tokio::test]
async fn a_notification_waits_or_is_dropped_with_a_reason() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 4).await;
    let hold = |notification, until, why: &str| Deferral { notification, until: at(until), why: why.into() };
    let decisions = Decisions {
        messages: vec![message("one", &all[2..3])],
        held: vec![hold(all[0], 5000, "silenced"), hold(all[2], 5000, "silenced")],
        dropped: vec![(all[1], "no recipient".into()), (all[2], "too late".into())],
        reminders: Vec::new(),
    };
    store.decide(&decisions).await.unwrap();
    assert_eq!(due(store, 4999).await, (vec![all[3]], Some(at(5000))));
    assert_eq!(due(store, 5000).await, (vec![all[0], all[3]], None));
    let again = Decisions {
        messages: vec![message("two", &all[1..2])],
        held: vec![hold(all[0], 6000, "outside active hours"), hold(all[1], 1, "silenced")],
        dropped: vec![(all[1], "again".into())],
        ..Decisions::default()
    };
    store.decide(&again).await.unwrap();
    let incidents = super::incidents::all(store).await;
    let fates: Vec<_> =
        incidents.iter().rev().map(|incident| incident.notifications[0].status.clone()).collect();
    let expected = [
        DeliveryStatus::Waiting { held: Some("outside active hours".into()) },
        DeliveryStatus::Dropped { why: "no recipient".into() },
        in_message("one"),
        DeliveryStatus::Waiting { held: None },
    ];
    assert_eq!(fates, expected);
    assert!(incidents[1].notifications[0].due_at < at(5000), "what is in a message is not held any more");
    assert_eq!(queued(store, LATER).await, ["one"]);
    put(store, vec![message("three", &all[..1])]).await;
    assert_eq!(due(store, 5000).await, (vec![all[3]], None), "the one that was held is in a message");
}

#[tokio::test]
async fn one_reminder_waits_while_an_incident_is_open_and_unacknowledged() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let remind = async |incident: &str, to: &str, due_at| {
        let reminder =
            Reminder { incident: incident.into(), address: mail(to), asked_at: at(30), due_at: at(due_at) };
        store.decide(&Decisions { reminders: vec![reminder], ..Decisions::default() }).await.unwrap();
    };
    record(store, &[opened("i", "a", 1)]).await;
    for (incident, to, due_at) in
        [("i", "a@x", 7000), ("i", "a@x", 8000), ("i", "b@x", 9000), ("unknown", "a@x", 7000)]
    {
        remind(incident, to, due_at).await;
    }
    let reminders = async || -> Vec<Notification> {
        of_i(store)
            .await
            .into_iter()
            .filter(|notification| notification.kind == NotificationKind::Reminder)
            .collect()
    };
    let first = reminders().await;
    assert_eq!(first.iter().map(|n| n.due_at).collect::<Vec<_>>(), [at(7000), at(9000)]);
    assert_eq!((first[0].asked_at, &first[0].status), (at(30), &DeliveryStatus::Waiting { held: None }));
    put(store, vec![message("one", &[first[0].number])]).await;
    remind("i", "a@x", 8000).await;
    assert_eq!(reminders().await.len(), 3, "the one before is no longer waiting");
    record(store, &[resolved("i", 50)]).await;
    let fates: Vec<_> = reminders().await.into_iter().map(|notification| notification.status).collect();
    let dropped = DeliveryStatus::Dropped { why: "resolved".into() };
    assert_eq!(fates, [in_message("one"), dropped.clone(), dropped]);
    remind("i", "c@x", 8000).await;
    assert_eq!(reminders().await.len(), 3, "it is over");
    record(store, &[opened("known", "b", 2)]).await;
    let known = Acknowledgement { at: at(5), by: "me".into(), note: String::new() };
    store.acknowledge(&["known".into()], &known).await.unwrap();
    remind("known", "a@x", 8000).await;
    assert_eq!(due(store, LATER).await.0.len(), 3, "two of openings and one of a resolution");
}

#[tokio::test]
async fn a_message_is_owed_until_it_is_sent_or_given_up() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 4).await;
    let made = (0..4).map(|i| message(&format!("m{i}"), &all[i..=i])).collect();
    put(store, made).await;
    assert_eq!(queued(store, 0).await, ["m0", "m1", "m2", "m3"]);
    assert_eq!(store.queued_messages(at(0), 1).await.unwrap().len(), 1);
    let problem = || String::from("451 later");
    let tried = async |id: &str, attempt: Attempt| {
        store.record_attempt(&format!("{id}@millrace"), &attempt).await.unwrap();
    };
    tried("m0", Attempt::Failed { again_at: at(100), problem: problem() }).await;
    tried("m1", Attempt::Sent { at: at(30), problem: Some("one missed it".into()) }).await;
    tried("m2", Attempt::GivenUp { at: at(40), problem: problem() }).await;
    for id in ["m1", "m2"] {
        tried(id, Attempt::Sent { at: at(99), problem: None }).await;
        tried(id, Attempt::Failed { again_at: at(99), problem: problem() }).await;
        tried(id, Attempt::GivenUp { at: at(99), problem: "too late".into() }).await;
    }
    tried("unknown", Attempt::Sent { at: at(99), problem: None }).await;
    assert_eq!(queued(store, 99).await, ["m3"]);
    assert_eq!(queued(store, 100).await, ["m0", "m3"]);
    assert_eq!(store.queued_count().await.unwrap(), 2);
    tried("m0", Attempt::Failed { again_at: at(200), problem: problem() }).await;
    let (message_id, address) = ("m0@millrace".into(), mail("a@example.org"));
    let postponed = Postponed { message_id, address, tries: 2, again_at: at(200) };
    assert_eq!(store.postponed_messages(at(199)).await.unwrap(), [postponed]);
    assert_eq!(store.postponed_messages(at(200)).await.unwrap(), []);
    assert_eq!(store.queued_messages(at(200), 1).await.unwrap()[0].tries, 2);
    let fates: Vec<_> = super::incidents::all(store)
        .await
        .into_iter()
        .rev()
        .map(|i| i.notifications[0].status.clone())
        .collect();
    let status = |id: &str, sent_at: Option<i64>, problem: Option<&str>| DeliveryStatus::InMessage {
        message_id: format!("{id}@millrace"),
        sent_at: sent_at.map(at),
        problem: problem.map(Into::into),
    };
    let expected = [
        status("m0", None, Some("451 later")),
        status("m1", Some(30), Some("one missed it")),
        status("m2", None, Some("451 later")),
        status("m3", None, None),
    ];
    assert_eq!(fates, expected);
    tried("m0", Attempt::Sent { at: at(300), problem: None }).await;
    assert_eq!(queued(store, LATER).await, ["m3"]);
}

#[tokio::test]
async fn messages_of_the_last_hour_are_listed_for_each_address() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = open(store, 3).await;
    let made = |id: &str, to: &str, made_at, notification| NewMessage {
        address: mail(to),
        made_at: at(made_at),
        ..message(id, &[notification])
    };
    put(
        store,
        vec![made("1", "b@x", 30, all[0]), made("2", "a@x", 20, all[1]), made("3", "b@x", 10, all[2])],
    )
    .await;
    store.record_attempt("1@millrace", &Attempt::Sent { at: at(99), problem: None }).await.unwrap();
    let since = async |micros| store.messages_since(at(micros)).await.unwrap();
    let expected = [(mail("b@x"), at(10)), (mail("a@x"), at(20)), (mail("b@x"), at(30))];
    assert_eq!(since(10).await, expected);
    assert_eq!(since(11).await, expected[1..]);
    assert_eq!(since(31).await, []);
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_put_off_is_brought_forward() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    record(store, &[opened("i", "a", 1), opened("j", "b", 2), opened("k", "c", 3)]).await;
    let all = due(store, LATER).await.0;
    put(store, vec![message("late", &all[..1]), message("soon", &all[1..2])]).await;
    for (id, again_at) in [("late", 900_000), ("soon", 1_010)] {
        let failed = Attempt::Failed { again_at: at(again_at), problem: "away".into() };
        store.record_attempt(&format!("{id}@millrace"), &failed).await.unwrap();
    }
    let held = Deferral { notification: all[2], until: at(900_000), why: "silenced".into() };
    let reminder = |due_at| Reminder {
        incident: "i".into(),
        address: mail("a@example.org"),
        asked_at: at(800_000),
        due_at: at(due_at),
    };
    let reminders = vec![reminder(900_000)];
    store.decide(&Decisions { held: vec![held], reminders, ..Decisions::default() }).await.unwrap();
    assert_eq!(due(store, 1_000).await, (vec![], Some(at(900_000))));
    let micros = std::time::Duration::from_micros;
    let reminders = vec![("another".to_owned(), micros(1)), ("too hot".to_owned(), micros(50))];
    let waits = LongestWaits { messages: micros(20), reminders };
    for _ in 0..2 {
        store.bring_forward(at(1_000), &waits).await.unwrap();
        assert_eq!(due(store, 1_000).await, (vec![all[2]], Some(at(1_050))), "the reminder waits its time");
        assert_eq!(queued(store, 1_010).await, ["soon"], "what waits no longer than it may stays as it is");
        assert_eq!(queued(store, 1_020).await, ["late", "soon"]);
    }
}
