//! What devices announced is stored with the readings of its batch.

use std::sync::Arc;

use store::Batch;
use telemetry::{Alias, Announced, Announcement};

use super::{at, fresh, reading};

fn unit(subject: &str, second: i64, unit: Option<&str>) -> Announcement {
    let content = Announced::Unit(unit.map(str::to_owned));
    Announcement { subject: subject.into(), received_at: at(second), content }
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
