//! Devices that people know, and what they log in with.

use std::time::Duration;

use store::{
    AuditOutcome, Batch, Change, Credential, Device, DeviceType, MAX_CREDENTIALS, NewRecord, RegistryHead,
    Store, Via,
};

use super::{at, fresh, rejected};

fn lab() -> Device {
    Device {
        title: Some("Labor Süd".into()),
        kind: Some("bme280".into()),
        location: Some("2nd floor".into()),
        place: Some((52_520_008, -13_404_954)),
        interval: Some(Duration::from_millis(2_500)),
        tags: vec!["floor=2".into(), "south".into()],
        note: Some("behind the door".into()),
        ..Device::new("site-a/lab", at(1))
    }
}

fn credential(user: &str, device: &str) -> Credential {
    Credential {
        user: user.into(),
        device: device.into(),
        hash: "hash".into(),
        rights: "readwrite zigbee2mqtt/#\n".into(),
        client_id: Some("DVES_".into()),
        created_at: at(2),
    }
}

/// A record of a change.
pub(crate) fn record() -> NewRecord {
    NewRecord {
        at: at(50),
        actor: None,
        via: Via::Command,
        address: None,
        action: "change",
        target: "something".into(),
        outcome: AuditOutcome::Done,
        before: None,
        after: None,
    }
}

/// Makes a change; returns whether it was made, which the audit and the registry's revision must agree with.
pub(super) async fn change(store: &dyn Store, change: Change) -> bool {
    let record = record();
    let (head, registry) = (store.audit_head().await.unwrap(), store.registry_head().await.unwrap());
    let is_made = store.change(&change, &record).await.unwrap().is_some();
    let made = i64::from(is_made);
    assert_eq!(store.audit_head().await.unwrap().number, head.number + made, "{change:?}");
    assert_eq!(store.registry_head().await.unwrap().revision, registry.revision + made, "{change:?}");
    is_made
}

#[tokio::test]
async fn what_people_say_of_a_device_is_kept_until_it_is_removed() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(change(store, Change::AddDevice(lab())).await);
    assert!(!change(store, Change::AddDevice(Device::new("site-a/lab", at(9)))).await, "the name is taken");
    assert_eq!(store.device("site-a/lab").await.unwrap(), Some(lab()));
    assert_eq!(store.device("site-a").await.unwrap(), None);

    let moved = Device { location: None, place: None, retired: true, changed_at: at(8), ..lab() };
    assert!(change(store, Change::SetDevice(moved.clone())).await);
    assert!(!change(store, Change::SetDevice(moved.clone())).await, "it was changed meanwhile");
    let stored = store.device("site-a/lab").await.unwrap().unwrap();
    assert_eq!(stored, Device { revision: 1, ..moved });

    assert!(change(store, Change::RemoveDevice("site-a/lab".into())).await);
    assert!(!change(store, Change::RemoveDevice("site-a/lab".into())).await);
    assert_eq!(store.device("site-a/lab").await.unwrap(), None);
}

#[tokio::test]
async fn an_import_is_made_as_a_whole_or_not_at_all() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let import = |added: &[&str], changed: Vec<Device>| Change::ImportDevices {
        added: added.iter().map(|name| Device::new(*name, at(1))).collect(),
        changed,
    };
    assert!(change(store, import(&["a", "b"], vec![])).await);
    assert!(!change(store, import(&["c", "b"], vec![])).await, "one is taken");
    assert_eq!(store.device("c").await.unwrap(), None);
    let b = Device { note: Some("new".into()), ..Device::new("b", at(1)) };
    assert!(change(store, import(&["c"], vec![b.clone()])).await);
    assert!(!change(store, import(&["d"], vec![b])).await, "it was changed meanwhile");
    let names: Vec<_> =
        store.all_devices().await.unwrap().into_iter().map(|device| (device.name, device.revision)).collect();
    assert_eq!(names, [("a".into(), 0), ("b".into(), 1), ("c".into(), 0)]);
}

#[tokio::test]
async fn devices_come_in_pages_by_their_names() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for name in ["b", "Z", "a/b", "a-b", "a"] {
        assert!(change(store, Change::AddDevice(Device::new(name, at(1)))).await);
    }
    let names = async |after: &str, limit| -> Vec<String> {
        store.devices(after, limit).await.unwrap().into_iter().map(|device| device.name).collect()
    };
    assert_eq!(names("", 3).await, ["Z", "a", "a-b"]);
    assert_eq!(names("a-b", 3).await, ["a/b", "b"]);
}

#[tokio::test]
async fn a_credential_registers_its_device_and_goes_with_it() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(change(store, Change::AddCredential(credential("site-a.lab", "site-a/lab"))).await);
    assert_eq!(store.device("site-a/lab").await.unwrap(), Some(Device::new("site-a/lab", at(50))));
    assert!(!change(store, Change::AddCredential(credential("site-a.lab", "other"))).await, "it is taken");
    assert_eq!(store.device("other").await.unwrap(), None, "a change that fails leaves nothing behind");
    for number in 2..=MAX_CREDENTIALS {
        assert!(change(store, Change::AddCredential(credential(&format!("u{number}"), "site-a/lab"))).await);
    }
    assert!(!change(store, Change::AddCredential(credential("one-too-many", "site-a/lab"))).await);
    assert!(change(store, Change::AddCredential(credential("other", "other"))).await);

    assert_eq!(store.credentials(None).await.unwrap().len(), MAX_CREDENTIALS + 1);
    assert_eq!(store.credentials(Some("other")).await.unwrap(), [credential("other", "other")]);
    assert!(change(store, Change::RevokeCredential("u2".into())).await);
    assert!(!change(store, Change::RevokeCredential("u2".into())).await);
    assert!(change(store, Change::RemoveDevice("site-a/lab".into())).await);
    assert_eq!(store.credentials(None).await.unwrap(), [credential("other", "other")]);
}

#[tokio::test]
async fn what_the_brokers_have_only_grows() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(change(store, Change::AddDevice(lab())).await);
    assert!(change(store, Change::RemoveDevice("site-a/lab".into())).await);
    for (noted, applied) in [(2, 2), (1, 2)] {
        store.note_applied(noted).await.unwrap();
        assert_eq!(store.registry_head().await.unwrap(), RegistryHead { revision: 2, applied });
    }
}

#[tokio::test]
async fn what_is_held_for_a_device_is_awaited_once_it_is_registered() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let held =
        |micros, device: &str| rejected(micros, "temperature/lab", &telemetry::Rejected::held(device), "21");
    let rejected = vec![held(1, "lab"), held(2, "lab"), held(3, "lab/inside"), held(4, "other")];
    store.write(&Batch { rejected, ..Batch::default() }.into()).await.unwrap();
    assert_eq!(store.awaited(10).await.unwrap(), []);
    assert!(change(store, Change::AddDevice(Device::new("lab", at(7)))).await);
    let awaited = store.awaited(10).await.unwrap();
    assert_eq!(awaited.iter().map(|awaited| awaited.announced_at).collect::<Vec<_>>(), [at(7), at(7)]);
    for awaited in awaited {
        assert!(store.mark_resent(awaited.id, at(8)).await.unwrap());
    }
    assert_eq!(store.awaited(10).await.unwrap(), []);
    assert!(change(store, Change::AddCredential(credential("other", "other"))).await);
    assert_eq!(store.awaited(10).await.unwrap().len(), 1, "a credential registers its device");
}

#[tokio::test]
async fn a_type_of_devices_is_changed_by_its_revision() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let plug =
        DeviceType { name: "plug".into(), body: r#"{"commands":[]}"#.into(), changed_at: at(1), revision: 0 };
    assert!(change(store, Change::AddType(plug.clone())).await);
    assert!(!change(store, Change::AddType(plug.clone())).await, "the name is taken");
    assert_eq!(store.device_type("plug").await.unwrap(), Some(plug.clone()));
    let changed = DeviceType { body: "{}".into(), changed_at: at(2), ..plug.clone() };
    assert!(change(store, Change::SetType(changed.clone())).await);
    assert!(!change(store, Change::SetType(changed.clone())).await, "it was changed meanwhile");
    let door = DeviceType { name: "door".into(), ..plug };
    assert!(change(store, Change::AddType(door.clone())).await);
    assert_eq!(store.device_types().await.unwrap(), [door, DeviceType { revision: 1, ..changed }]);
    assert!(change(store, Change::RemoveType("door".into())).await);
    assert!(!change(store, Change::RemoveType("door".into())).await);
    assert_eq!(store.device_type("door").await.unwrap(), None);
}
