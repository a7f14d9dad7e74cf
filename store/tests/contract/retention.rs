//! What is old goes, what is needed stays.

use jiff::Timestamp;
use store::{
    Attempt, Batch, Decisions, NewMessage, NotificationKind, Phase, RejectedMessage, RetentionClock, Silence,
};
use telemetry::Filter;

use super::alert_states::{alert_state, keep};
use super::incidents::{all, mail, opened, record, resolved};
use super::{at, batch, everything, fresh, newest_rejected, reading, rejected};

/// Now, in whole microseconds, as the store keeps it.
fn now() -> Timestamp {
    at(Timestamp::now().as_microsecond())
}

#[tokio::test]
async fn the_age_of_a_reading_counts_from_when_it_was_stored() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let recent = now().as_microsecond();
    let first = [
        reading("temperature/a", 1, 1.0),
        reading("temperature/a", recent, 1.0),
        reading("temperature/b", 2, 1.0),
    ];
    store.write(&batch(first.clone())).await.unwrap();
    let between = now();
    let replayed = [
        reading("temperature/a", 0, 1.0),
        reading("temperature/a", 1, 2.0),
        reading("temperature/c", 1, 1.0),
    ];
    store.write(&batch(replayed.clone())).await.unwrap();
    assert_eq!(store.purge(at(0)).await.unwrap(), 0);
    assert_eq!(store.purge(between).await.unwrap(), 3);
    assert_eq!(store.purge(between).await.unwrap(), 0);
    assert_eq!(everything(store).await, replayed);
    let again = store.write(&batch(first)).await.unwrap();
    assert_eq!(again.stored, 3, "a series that was removed comes back");
}

#[tokio::test]
async fn many_rows_go_in_chunks() {
    const ROWS: i64 = 25_000;
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let seqs = |topic: &'static str| {
        (0..ROWS).map(move |i| telemetry::Reading { seq: Some(i as u64), ..reading(topic, i / 15_000, 1.0) })
    };
    let bad = (0..ROWS).map(|i| rejected(i, "temperature/a", "not JSON", "x")).collect();
    store
        .write(
            &Batch {
                readings: seqs("temperature/a").chain(seqs("temperature/b")).collect(),
                rejected: bad,
                ..Batch::default()
            }
            .into(),
        )
        .await
        .unwrap();
    assert_eq!(store.rejected_count().await.unwrap(), ROWS as u64);
    let between = now();
    store.write(&batch([reading("temperature/b", 0, 2.0)])).await.unwrap();
    assert_eq!(store.purge(between).await.unwrap(), 3 * ROWS as u64);
    assert_eq!(everything(store).await, [reading("temperature/b", 0, 2.0)]);
    assert_eq!(store.rejected_count().await.unwrap(), 0);
}

#[tokio::test]
async fn the_age_of_a_rejection_counts_from_when_it_was_stored() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let messages = [5, 6, 7].map(|micros| rejected(micros, "temperature/a", "not JSON", "x"));
    let write = |rejected: &[RejectedMessage]| Batch { rejected: rejected.to_vec(), ..Batch::default() };
    store.write(&write(&messages[..1]).into()).await.unwrap();
    let between = now();
    store.write(&write(&messages[1..]).into()).await.unwrap();
    assert_eq!(store.purge(at(7)).await.unwrap(), 0);
    assert_eq!(store.purge(between).await.unwrap(), 1);
    assert_eq!(newest_rejected(store, 10).await, [messages[2].clone(), messages[1].clone()]);
    assert_eq!(store.rejected_count().await.unwrap(), 2);
}

#[tokio::test]
async fn how_far_retention_has_come_is_remembered() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.retention_clock().await.unwrap(), None);
    for clock in [
        RetentionClock { at: at(5), held_since: Some(at(4)) },
        RetentionClock { at: at(6), held_since: None },
    ] {
        store.set_retention_clock(clock).await.unwrap();
        assert_eq!(store.retention_clock().await.unwrap(), Some(clock));
    }
}

#[tokio::test]
async fn incidents_stay_until_they_are_over_and_their_notifications_sent() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let names = ["over", "given up", "dropped", "unsent", "queued", "open", "late"];
    let open: Vec<_> = names.iter().map(|id| opened(id, id, 1)).collect();
    record(store, &open).await;
    let (due, _) = store.due_notifications(now(), 100).await.unwrap();
    let number = |id: &str| due.iter().find(|(_, incident)| incident.id == id).unwrap().0.number;
    let message = |id: &str| NewMessage {
        message_id: format!("{id}@millrace"),
        address: mail("a@example.org"),
        made_at: at(2),
        notifications: vec![number(id)],
    };
    let messages = ["over", "given up", "queued", "open", "late"].map(message).to_vec();
    let dropped = vec![(number("dropped"), "no recipient".into())];
    store.decide(&Decisions { messages, dropped, ..Decisions::default() }).await.unwrap();
    for id in ["over", "open", "late"] {
        let sent = Attempt::Sent { at: at(3), problem: None };
        store.record_attempt(&format!("{id}@millrace"), &sent).await.unwrap();
    }
    let given_up = Attempt::GivenUp { at: at(3), problem: "no such user".into() };
    store.record_attempt("given up@millrace", &given_up).await.unwrap();
    let end: Vec<_> = ["over", "given up", "dropped", "unsent", "queued"].map(|id| resolved(id, 2)).to_vec();
    record(store, &end).await;
    // The notifications of the end are sent, too, except those of incidents that stay for another reason.
    let (due, _) = store.due_notifications(now(), 100).await.unwrap();
    let over = due.iter().filter(|(notification, _)| notification.kind == NotificationKind::Resolved);
    let dropped = over.map(|(notification, _)| (notification.number, "enough".to_owned())).collect();
    store.decide(&Decisions { dropped, ..Decisions::default() }).await.unwrap();
    let between = now();
    record(store, &[resolved("late", 2)]).await;
    assert_eq!(store.purge(between).await.unwrap(), 3);
    let mut left: Vec<_> = all(store).await.into_iter().map(|incident| incident.id).collect();
    left.sort();
    assert_eq!(left, ["late", "open", "queued", "unsent"]);
    let messages = store.messages_since(at(0)).await.unwrap();
    assert_eq!(messages.len(), 3, "a message goes with the last of its notifications");
}

#[tokio::test]
async fn what_is_normal_is_forgotten_and_what_is_not_is_remembered() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let pending = alert_state("hot", "temperature/pending", Phase::Pending { since: at(1) });
    keep(store, &[alert_state("hot", "temperature/old", Phase::Normal), pending.clone()]).await;
    let between = now();
    let new = alert_state("hot", "temperature/new", Phase::Normal);
    keep(store, std::slice::from_ref(&new)).await;
    assert_eq!(store.purge(between).await.unwrap(), 0, "they are no readings");
    assert_eq!(store.alert_states().await.unwrap(), [new, pending]);
}

#[tokio::test]
async fn silences_go_when_they_have_been_over_for_long() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for (id, until) in [("old", 10), ("new", 20)] {
        let silence = Silence {
            id: id.into(),
            rule: None,
            metric: None,
            device: Filter::all(),
            from: at(1),
            until: at(until),
            reason: "a test".into(),
            by: "me".into(),
        };
        store.add_silences(&[silence]).await.unwrap();
    }
    store.purge(at(15)).await.unwrap();
    let left: Vec<_> = store.silences(at(0)).await.unwrap().into_iter().map(|silence| silence.id).collect();
    assert_eq!(left, ["new"]);
}
