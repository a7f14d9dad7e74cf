//! What is old goes, what is needed stays.

use jiff::Timestamp;
use store::{Batch, Mail, MailKind, Opened, Resolved, Transition};

use super::{at, batch, everything, fresh, reading, rejected};

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
        .write(&Batch {
            readings: seqs("temperature/a").chain(seqs("temperature/b")).collect(),
            rejected: bad,
        })
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
async fn the_age_of_a_rejection_counts_from_when_it_was_received() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let messages = [5, 6, 7].map(|micros| rejected(micros, "temperature/a", "not JSON", "x"));
    store.write(&Batch { readings: Vec::new(), rejected: messages.to_vec() }).await.unwrap();
    assert_eq!(store.purge(at(6)).await.unwrap(), 1);
    assert_eq!(store.rejected(10).await.unwrap(), [messages[2].clone(), messages[1].clone()]);
    assert_eq!(store.rejected_count().await.unwrap(), 2);
}

#[tokio::test]
async fn incidents_stay_until_they_are_over_and_told() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let mail = |id: &str| Mail {
        message_id: format!("{id}@millrace"),
        incident: id.into(),
        kind: MailKind::Opened,
        recipients: "a@example.org".into(),
        sent_at: None,
    };
    let open = |id: &str| {
        Transition::Opened(Opened {
            id: id.into(),
            rule: "too hot".into(),
            device: id.into(),
            metric: "temperature".into(),
            at: at(1),
            value: 31.5,
            unit: None,
            mail: Some(mail(id)),
        })
    };
    let end = |id: &str| Transition::Resolved(Resolved { id: id.into(), at: at(2), value: 1.0, mail: None });
    store
        .record(&[open("over"), end("over"), open("untold"), end("untold"), open("open"), open("late")])
        .await
        .unwrap();
    for id in ["over", "open", "late"] {
        store.mail_sent(&format!("{id}@millrace"), at(3)).await.unwrap();
    }
    let between = now();
    store.record(&[end("late")]).await.unwrap();
    assert_eq!(store.purge(between).await.unwrap(), 1);
    let mut left: Vec<_> =
        store.incidents(10).await.unwrap().into_iter().map(|incident| incident.id).collect();
    left.sort();
    assert_eq!(left, ["late", "open", "untold"]);
}
