//! The newest value of each attribute is stored, with the time from which the device has it.

use std::sync::Arc;

use store::{Batch, Store};
use telemetry::Attribute;

use super::{at, fresh, reading};

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
