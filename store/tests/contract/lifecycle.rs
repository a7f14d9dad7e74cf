//! Devices that are forgotten, and devices that get other names.

use std::sync::Arc;

use jiff::Timestamp;
use store::{
    Alias, Batch, Cancelled, Change, Command, CommandState, Credential, Device, Forgetting, Forgotten,
    LedgerQuery, NewDesired, Renaming, Store,
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

fn renaming(old: &str, new: &str, merge: bool) -> Change {
    Change::RenameDevice(Renaming { old: old.into(), new: new.into(), at: at(5), merge })
}

fn alias(old: &str, device: &str) -> Alias {
    Alias { old: old.into(), device: device.into(), since: at(5) }
}

async fn move_all(store: &dyn Store) {
    for alias in store.aliases().await.unwrap() {
        store.move_history(&alias).await.unwrap();
        assert_eq!(store.move_history(&alias).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_history_of_a_device_follows_its_new_name() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let numbered =
        |seq| Reading { boot: Some(1), seq: Some(seq), ..reading("temperature/lab", seq as i64, seq as i64) };
    write(store, vec![numbered(1), numbered(3)]).await;
    let device = Device { title: Some("Lab".into()), ..Device::new("lab", at(1)) };
    assert!(change(store, Change::AddDevice(device.clone())).await);
    let credential = Credential {
        user: "lab".into(),
        device: "lab".into(),
        hash: "hash".into(),
        rights: String::new(),
        client_id: None,
        created_at: at(2),
    };
    assert!(change(store, Change::AddCredential(credential.clone())).await);
    let command = Change::AddCommand(Command::new("c1", "lab", "reboot", at(1), at(900)));
    assert!(store.change(&command, &super::registry::record()).await.unwrap().is_some());

    assert!(change(store, renaming("lab", "site/hall", false)).await);
    move_all(store).await;
    assert_eq!(shown(store).await, ["temperature/site/hall"]);
    assert_eq!(store.device("lab").await.unwrap(), None);
    let renamed = Device { name: "site/hall".into(), changed_at: at(5), revision: 1, ..device };
    assert_eq!(store.device("site/hall").await.unwrap(), Some(renamed));
    let kept = Credential { device: "site/hall".into(), ..credential };
    assert_eq!(store.credentials(None).await.unwrap(), [kept]);
    assert_eq!(store.open_command("site/hall").await.unwrap().unwrap().id, "c1");
    let query = LedgerQuery { device: Some("site/hall".into()), range: super::ALL, full: false };
    assert_eq!(store.completeness(query).await.unwrap()[0].missing_ranges, [2..=2]);
    assert_eq!(store.aliases().await.unwrap(), [alias("lab", "site/hall")]);
    assert_eq!(store.renamed("lab").await.unwrap().as_deref(), Some("site/hall"));
    assert_eq!(store.renamed("site/hall").await.unwrap(), None);

    // What comes again under the new name is known, and what came under the old one since is moved.
    let again = Reading { series: Series::parse("temperature/site/hall").unwrap(), ..numbered(3) };
    let written = store.write(&Arc::new(Batch { readings: vec![again], ..Batch::default() })).await.unwrap();
    assert_eq!((written.stored, written.duplicate), (0, 1));
    write(fresh.reopened().await.as_ref(), vec![numbered(3), numbered(4)]).await;
    move_all(store).await;
    assert_eq!(
        (stored(store, "temperature/lab").await, stored(store, "temperature/site/hall").await),
        (0, 3)
    );
}

#[tokio::test]
async fn a_name_is_taken_while_there_is_anything_under_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    write(store, vec![reading("temperature/a", 1, 1), reading("temperature/heard", 1, 1)]).await;
    assert!(change(store, Change::AddDevice(Device::new("registered", at(1)))).await);
    forget(store, "erased", at(1), true).await;
    for taken in ["heard", "registered", "erased"] {
        assert!(!change(store, renaming("a", taken, false)).await, "{taken}");
    }
    assert!(change(store, renaming("a", "b", false)).await);
    assert!(!change(store, renaming("a", "c", false)).await, "it is an old name");
    assert!(!change(store, renaming("heard", "a", true)).await, "it is another's old name");
    assert!(change(store, renaming("b", "c", false)).await);
    assert_eq!(store.aliases().await.unwrap(), [alias("a", "c"), alias("b", "c")], "there is no chain");
    assert_eq!(store.aliases_of("c").await.unwrap().len(), 2);
    assert!(change(store, renaming("c", "a", false)).await, "a name comes back");
    assert_eq!(store.aliases().await.unwrap(), [alias("b", "a"), alias("c", "a")]);
    assert_eq!(stored(store, "temperature/a").await, 1);
}

#[tokio::test]
async fn two_devices_become_one_without_doubles() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let many =
        |name: &str, range: std::ops::Range<i64>| range.map(|micros| reading(name, micros, micros)).collect();
    write(store, many("temperature/old", 0..2_500)).await;
    write(store, many("temperature/new", 2_000..3_000)).await;
    write(store, vec![reading("humidity/old", 1, 1)]).await;
    assert!(!change(store, renaming("old", "new", false)).await);
    assert!(change(store, renaming("old", "new", true)).await);
    move_all(store).await;
    assert_eq!((stored(store, "temperature/new").await, stored(store, "temperature/old").await), (3_000, 0));
    assert_eq!(shown(store).await, ["humidity/new", "temperature/new"]);
}
