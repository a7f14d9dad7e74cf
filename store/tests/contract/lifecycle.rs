//! Devices that are forgotten.

use std::sync::Arc;

use jiff::Timestamp;
use store::{
    Batch, Cancelled, Change, Command, CommandState, Device, Forgetting, Forgotten, NewDesired, Store,
};
use telemetry::{Attribute, Reading, Series};

use super::registry::change;
use super::{at, fresh, rejected};

fn reading(series: &str, micros: i64, received: i64) -> Reading {
    Reading {
        series: Series::parse(series).unwrap(),
        value: micros as f64,
        unit: None,
        measured_at: at(micros),
        received_at: at(received),
        boot: None,
        seq: None,
    }
}

async fn write(store: &dyn Store, readings: Vec<Reading>) {
    store.write(&Arc::new(Batch { readings, ..Batch::default() })).await.unwrap();
}

async fn forget(store: &dyn Store, device: &str, at: Timestamp, erase: bool) {
    assert!(change(store, Change::ForgetDevice(Forgetting { device: device.into(), at, erase })).await);
}

async fn shown(store: &dyn Store) -> Vec<String> {
    store.latest().await.unwrap().iter().map(|reading| reading.series.to_string()).collect()
}

async fn stored(store: &dyn Store, series: &str) -> usize {
    let series = Series::parse(series).unwrap();
    store.last(&series, at(1_000_000), 10_000).await.unwrap().len()
}

#[tokio::test]
async fn a_device_that_was_forgotten_is_shown_once_it_speaks_again() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    write(store, vec![reading("temperature/a/lab", 10, 10), reading("temperature/a", 10, 10)]).await;
    assert!(change(store, Change::AddDevice(Device::new("a/lab", at(1)))).await);
    forget(store, "a/lab", at(20), false).await;
    assert_eq!(store.device("a/lab").await.unwrap(), None);
    assert_eq!(shown(store).await, ["temperature/a"]);
    let forgotten = Forgotten { device: "a/lab".into(), at: at(20), erase_to: None };
    assert_eq!(store.forgotten_devices().await.unwrap(), [forgotten]);
    assert_eq!(stored(store, "temperature/a/lab").await, 1, "its data stays");

    write(store, vec![reading("temperature/a/lab", 5, 30)]).await;
    assert_eq!(shown(store).await, ["temperature/a"], "an old recording says nothing new");
    write(store, vec![reading("temperature/a/lab", 31, 31)]).await;
    assert_eq!(shown(store).await, ["temperature/a", "temperature/a/lab"]);
    forget(store, "a/lab", at(40), false).await;
    assert_eq!(shown(store).await, ["temperature/a"]);
}

#[tokio::test]
async fn open_commands_and_the_desired_state_end_with_the_device() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let command = |id: &str, device: &str| Command::new(id, device, "reboot", at(1), at(900));
    let desired = NewDesired {
        device: "lab".into(),
        replaces: 0,
        document: Some("{}".into()),
        at: at(2),
        command: Some(command("c1", "lab")),
    };
    let record = super::registry::record;
    assert!(store.change(&Change::SetDesired(desired), &record()).await.unwrap().is_some());
    assert!(store.change(&Change::AddCommand(command("c2", "hall")), &record()).await.unwrap().is_some());
    forget(store, "lab", at(20), false).await;
    let ended = store.command("c1").await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended_at), (CommandState::Cancelled, Some(at(20))));
    assert_eq!(ended.reason.as_deref(), Some("its device was forgotten"));
    assert!(store.command("c2").await.unwrap().unwrap().state.is_open());
    let twin = store.twin("lab").await.unwrap().unwrap();
    assert_eq!((twin.desired, twin.version), (None, 2), "a version never goes back");
    let counts = store.command_counts().await.unwrap();
    assert_eq!((counts.made, counts.cancelled), (2, 1));
    let others = Change::CancelCommands(Cancelled::Device("hall".into()));
    assert!(store.change(&others, &record()).await.unwrap().is_some());
    assert!(store.change(&others, &record()).await.unwrap().is_none());
}

#[tokio::test]
async fn erasing_deletes_what_was_received_until_then_and_nothing_else() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let many = |name: &str| (1..=2_500).map(|micros| reading(name, micros, micros)).collect::<Vec<_>>();
    write(store, many("temperature/lab")).await;
    // More than a chunk of one instant.
    let instant = |value| Reading { value: f64::from(value), ..reading("humidity/lab", 7, 7) };
    write(store, (0..1_500).map(instant).collect()).await;
    write(store, vec![reading("temperature/a/lab", 1, 1)]).await;
    let attribute = |device: &str, micros| Attribute {
        device: device.into(),
        name: "firmware".into(),
        value: "1".into(),
        since: at(micros),
    };
    let batch = Batch {
        rejected: vec![
            rejected(3, "temperature/lab", "bad", "x"),
            rejected(3, "temperature/a/lab", "bad", "x"),
            rejected(3_000, "temperature/lab", "bad", "later"),
            rejected(3, "gateway/all", &telemetry::Rejected::held("lab"), "x"),
        ],
        attributes: vec![attribute("lab", 3), attribute("a/lab", 3)],
        ..Batch::default()
    };
    store.write(&Arc::new(batch)).await.unwrap();

    forget(store, "lab", at(2_400), true).await;
    let erase_to = store.forgotten_devices().await.unwrap()[0].erase_to.unwrap();
    assert_eq!(store.erase("lab", erase_to).await.unwrap(), 2_400 + 1_500 + 2 + 1);
    assert_eq!(store.erase("lab", erase_to).await.unwrap(), 0);
    assert_eq!(stored(store, "temperature/lab").await, 100);
    assert_eq!((stored(store, "humidity/lab").await, stored(store, "temperature/a/lab").await), (0, 1));
    assert_eq!(store.rejected_count().await.unwrap(), 2);
    assert_eq!(store.attributes().await.unwrap(), [attribute("a/lab", 3)]);

    store.note_erased("lab", at(1)).await.unwrap();
    assert_eq!(store.forgotten_devices().await.unwrap()[0].erase_to, Some(at(2_400)), "another time");
    store.note_erased("lab", erase_to).await.unwrap();
    assert_eq!(store.forgotten_devices().await.unwrap()[0].erase_to, None);
}

#[tokio::test]
async fn forgetting_again_keeps_what_was_stored_since() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    forget(store, "lab", at(10), true).await;
    forget(store, "lab", at(20), false).await;
    let forgotten = Forgotten { device: "lab".into(), at: at(20), erase_to: Some(at(10)) };
    assert_eq!(store.forgotten_devices().await.unwrap(), [forgotten]);
}
