//! What devices announced is stored with the readings of its batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use store::{Batch, RejectedMessage, RejectionQuery, Store};
use telemetry::{Alias, Announced, Announcement};

use super::{at, fresh, reading, rejected};

fn unit(subject: &str, second: i64, unit: Option<&str>) -> Announcement {
    let content = Announced::Unit(unit.map(str::to_owned));
    Announcement { subject: subject.into(), received_at: at(second), content }
}

/// Rejected at this time for want of a birth of this device.
fn lacking(micros: i64, device: &str) -> RejectedMessage {
    let reason = format!("the alias 7 is not known: no birth of {device} that has it has come yet");
    rejected(micros, "spBv1.0/a", &reason, "x")
}

fn birth(device: &str, second: i64) -> Announcement {
    let content = Announced::Birth { bd_seq: Some(second.unsigned_abs()), aliases: BTreeMap::new() };
    Announcement { subject: format!("birth {device}"), received_at: at(second), content }
}

async fn awaited(store: &dyn Store) -> Vec<(i64, Timestamp)> {
    let awaited = store.awaited(10).await.unwrap();
    awaited.into_iter().map(|awaited| (awaited.id, awaited.announced_at)).collect()
}

#[tokio::test]
async fn a_rejection_is_awaited_from_its_announcement_on_until_it_is_resent() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let messages = [
        lacking(1, "p/b"),
        lacking(2, "p/a"),
        lacking(3, "p/b"),
        lacking(4, "p/c"),
        lacking(5, &"x".repeat(3_000)),
        rejected(6, "t", "not JSON", "x"),
    ];
    store.write(&Arc::new(Batch { rejected: messages.to_vec(), ..Batch::default() })).await.unwrap();
    assert_eq!(awaited(store).await, [], "nothing is announced yet");
    let rows = store.rejected(RejectionQuery { limit: 10, ..RejectionQuery::default() }).await.unwrap();
    let id = |micros| rows.iter().find(|row| row.message.received_at == at(micros)).unwrap().id;

    let born = Batch { announcements: vec![birth("p/b", 20), birth("p/a", 10)], ..Batch::default() };
    store.write(&Arc::new(born)).await.unwrap();
    let all = [(id(2), at(10)), (id(1), at(20)), (id(3), at(20))];
    assert_eq!(awaited(store).await, all, "by device, oldest first");
    assert_eq!(store.awaited(1).await.unwrap().len(), 1);
    store.await_more(&store.awaited(2).await.unwrap()[1]).await.unwrap();
    assert!(store.mark_resent(id(2), at(30)).await.unwrap());
    let store = &*fresh.reopened().await;
    assert_eq!(awaited(store).await, [(id(3), at(20))]);
    store.announce(&[birth("p/b", 21)]).await.unwrap();
    assert_eq!(awaited(store).await, [(id(1), at(21)), (id(3), at(21))], "it may be in the newer one");
    store.write(&Arc::new(Batch { rejected: vec![lacking(9, "p/a")], ..Batch::default() })).await.unwrap();
    assert_eq!(awaited(store).await.len(), 3, "one that is stored after its birth");
}

#[tokio::test]
async fn announcements_are_stored_with_their_batch_and_the_newest_two_of_each_stay() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.announcements().await.unwrap(), []);
    let alias = Alias { name: "Größe/\0".into(), datatype: Some(9), unit: Some("kW".into()) };
    let content = Announced::Birth { bd_seq: Some(3), aliases: [(u64::MAX, alias)].into() };
    let birth = Announcement { subject: "birth plant/edge".into(), received_at: at(5), content };
    let batch = Batch {
        readings: vec![reading("temperature/a", 1, 1.0)],
        announcements: vec![unit("unit a", 2, Some("V")), birth.clone(), unit("unit a", 1, None)],
        ..Batch::default()
    };
    let batch = Arc::new(batch);
    store.write(&batch).await.unwrap();
    let written = store.write(&batch).await.unwrap();
    assert_eq!((written.stored, written.duplicate, written.rejected), (0, 1, 0));
    let stored = [birth.clone(), unit("unit a", 2, Some("V")), unit("unit a", 1, None)];
    assert_eq!(store.announcements().await.unwrap(), stored);

    let newer = [unit("unit a", 9, Some("mV")), unit("unit a", 2, Some("other"))];
    store.announce(&newer).await.unwrap();
    let stored = [newer[0].clone(), birth.clone(), unit("unit a", 2, Some("V"))];
    assert_eq!(store.announcements().await.unwrap(), stored);
    store.announce(&[unit("unit a", 1, None)]).await.unwrap();
    assert_eq!(store.announcements().await.unwrap(), stored, "one that is older than both");

    let alone = Batch { announcements: vec![unit("unit b", 10, None)], ..Batch::default() };
    store.write(&Arc::new(alone)).await.unwrap();
    assert_eq!(store.announcements().await.unwrap().len(), 4);
}
