//! The newest value of each attribute is stored, with the time from which the device has it.

use std::sync::Arc;

use jiff::Timestamp;
use store::{ATTRIBUTE_SEEN_EVERY, Batch, Change, Device, Store};
use telemetry::Attribute;

use super::registry::change;
use super::{at, batch, fresh, reading};

fn attribute(device: &str, name: &str, value: &str, micros: i64) -> Attribute {
    Attribute::new(device, name, value, at(micros)).unwrap()
}

async fn write(store: &dyn Store, attributes: Vec<Attribute>) {
    let batch = Batch { readings: vec![reading("temperature/a", 1, 1.0)], attributes, ..Batch::default() };
    store.write(&Arc::new(batch)).await.unwrap();
}

#[tokio::test]
async fn a_value_keeps_its_time_until_another_one_comes() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.attributes().await.unwrap(), []);
    let first = [attribute("lab", "mode", "heat", 5), attribute("lab", "firmware", "1.4 „ß“", 5)];
    write(store, first.to_vec()).await;
    write(store, vec![attribute("lab", "mode", "heat", 9), attribute("lab", "firmware", "1.3", 4)]).await;
    let store = &*fresh.reopened().await;
    let [mode, firmware] = first;
    assert_eq!(store.attributes().await.unwrap(), [firmware.clone(), mode], "the same, and an older one");
    let both = vec![attribute("lab", "mode", "off", 12), attribute("lab", "mode", "auto", 11)];
    write(store, both).await;
    let alone = Batch { attributes: vec![attribute("lab", "mode", "off", 12)], ..Batch::default() };
    store.write(&Arc::new(alone)).await.unwrap();
    assert_eq!(store.attributes().await.unwrap(), [firmware, attribute("lab", "mode", "off", 12)]);
}

#[tokio::test]
async fn what_a_device_says_is_of_the_devices_below_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let all = [
        attribute("lab", "firmware", "1", 1),
        attribute("lab/relay", "mode", "off", 1),
        attribute("lab/relay-2", "mode", "on", 1),
        attribute("l_b", "mode", "x", 1),
    ];
    write(store, all.to_vec()).await;
    let of = async |device: &str| store.attributes_of(device).await.unwrap();
    assert_eq!(of("lab").await, all[..1]);
    assert_eq!(of("lab/relay").await, all[..2]);
    assert_eq!(of("lab/relay/1").await, all[..2]);
    assert_eq!(of("labor").await, []);
}

/// The devices of the attributes that are left after all that is old by now was removed.
async fn names_left(store: &dyn Store) -> Vec<String> {
    store.purge(Timestamp::now()).await.unwrap();
    store.attributes().await.unwrap().into_iter().map(|attribute| attribute.device).collect()
}

#[tokio::test]
async fn retention_removes_attributes_of_which_the_device_is_gone() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let devices = ["alone", "hall", "hall-2", "known", "over", "silent"];
    let attributes = devices.map(|device| attribute(device, "mode", "heat", 1)).to_vec();
    let alone = Batch { attributes, ..Batch::default() };
    store.write(&Arc::new(alone)).await.unwrap();
    // Readings count from when they are stored, and these are stored after what is purged.
    let old = Timestamp::now();
    store
        .write(&batch([reading("temperature/hall/desk", 1, 1.0), reading("temperature/silent", 1, 1.0)]))
        .await
        .unwrap();
    for device in ["known", "over/desk"] {
        assert!(change(store, Change::AddDevice(Device::new(device, at(1)))).await);
    }
    store.purge(old).await.unwrap();
    let left: Vec<_> =
        store.attributes().await.unwrap().into_iter().map(|attribute| attribute.device).collect();
    assert_eq!(left, ["hall", "known", "over", "silent"], "with readings, or registered, or one below is");
    assert_eq!(names_left(store).await, ["known", "over"], "the readings are gone");
    assert!(change(store, Change::RemoveDevice("known".into())).await);
    assert_eq!(names_left(store).await, ["over"]);
}

#[tokio::test]
async fn an_attribute_that_a_device_still_says_stays_with_its_time() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let now = Timestamp::now();
    let long_ago = (now - 10 * ATTRIBUTE_SEEN_EVERY).as_microsecond();
    let said = attribute("lab", "mode", "heat", long_ago);
    let write = async |micros| {
        let attributes = vec![attribute("lab", "mode", "heat", micros)];
        store.write(&Arc::new(Batch { attributes, ..Batch::default() })).await.unwrap();
    };
    write(long_ago).await;
    write(now.as_microsecond()).await;
    write(long_ago + 1).await;
    store.purge(now + ATTRIBUTE_SEEN_EVERY).await.unwrap();
    assert_eq!(store.attributes().await.unwrap(), [said], "seen a day ago");
    store.purge(now + 3 * ATTRIBUTE_SEEN_EVERY).await.unwrap();
    assert_eq!(store.attributes().await.unwrap(), []);
}
