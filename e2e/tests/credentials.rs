//! What a device with a credential may do at the edge, and what becomes of devices that nobody has registered.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::{Duration, Instant};

use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version};
use e2e::{Millrace, SOON, Shape as _, Start, eventually};
use serde_json::{Value, json};

/// Within this time a revoked credential is worth nothing anywhere.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

fn start(folder: &std::path::Path, unknown: &str) -> Millrace {
    Start::new(folder).set("DEVICES__UNKNOWN", unknown).start()
}

fn connect(millrace: &Millrace, user: &str, password: &str) -> Client {
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V5 };
    let connect = Connect::new(Version::V5, user);
    let (user, password) = (Some(user.into()), Some(password.into()));
    endpoint.connect_as(&Connect { user, password, ..connect })
}

fn publish(device: &mut Client, topic: &str, value: &str) -> u8 {
    device.send(&Publish::new(topic, value).qos(1, 1).written(Version::V5));
    let Packet::Ack(ack) = device.next() else { panic!("an acknowledgement") };
    ack.reason
}

/// The user name and the password of a new credential.
fn credential(millrace: &Millrace, device: &str) -> (String, String) {
    let (status, made) = millrace.post(&format!("/api/devices/{device}/credentials"), &json!({}));
    assert_eq!((status, &made["in_force"]), (201, &json!(true)), "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("user"), text("password"))
}

fn reasons(millrace: &Millrace) -> Vec<String> {
    let reason = |row: &Value| row["reason"].as_str().unwrap().to_owned();
    millrace.rows("rejected").iter().map(reason).collect()
}

#[test]
fn a_device_with_a_credential_is_itself_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path(), "accept");
    let (user, password) = credential(&millrace, "site-a.lab");
    let (mut lab, mut anyone) = (connect(&millrace, &user, &password), connect(&millrace, "other", ""));
    assert_eq!(publish(&mut lab, "temperature/site-a/lab", "21.5"), 0);
    assert_eq!(publish(&mut lab, "temperature/other", "1"), 0x87);
    assert_eq!(publish(&mut anyone, "temperature/other", "2"), 0);
    assert_eq!(publish(&mut anyone, "temperature/site-a/lab", "3"), 0x87);
    // By a payload that names the device.
    assert_eq!(publish(&mut anyone, "telegraf/x/y", "env,device=site-a/lab temperature=4"), 0);
    eventually(SOON, || match reasons(&millrace).len() {
        3 => Ok(()),
        other => Err(other),
    });
    assert!(reasons(&millrace)[0].contains("has a credential"), "{:?}", reasons(&millrace));
    assert_eq!(millrace.readings("device=site-a/lab").len(), 1);

    // Another one lets the device in before the first is revoked.
    let (next, next_password) = credential(&millrace, "site-a.lab");
    let mut rotated = connect(&millrace, &next, &next_password);
    assert_eq!(publish(&mut rotated, "temperature/site-a/lab", "22"), 0);
    let began = Instant::now();
    let revoked = millrace.delete(&format!("/api/devices/site-a.lab/credentials/{user}"));
    assert_eq!(revoked, (200, r#"{"in_force":true}"#.to_owned()));
    lab.closed();
    assert!(began.elapsed() < REVOKED_WITHIN, "{:?}", began.elapsed());
    assert_eq!(publish(&mut rotated, "temperature/site-a/lab", "23"), 0);
    // Whoever comes with the old one is as free as anyone, and no more.
    let mut old = connect(&millrace, &user, &password);
    assert_eq!(publish(&mut old, "temperature/site-a/lab", "24"), 0x87);
}

#[test]
fn what_is_held_is_stored_with_its_own_time_once_the_device_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path(), "hold");
    let mut device = connect(&millrace, "any", "");
    let times = ["2026-01-15T10:30:00Z", "2026-01-15T10:30:01Z"];
    for time in times {
        let payload = json!({ "value": 21.5, "measured_at": time }).to_string();
        assert_eq!(publish(&mut device, "temperature/lab", &payload), 0);
    }
    assert_eq!(publish(&mut device, "temperature/lab", "22"), 0);
    eventually(SOON, || match reasons(&millrace).len() {
        3 => Ok(()),
        other => Err(other),
    });
    let reason = &reasons(&millrace)[0];
    assert_eq!(reason, "held: nobody has registered the device lab");
    assert!(millrace.readings("device=lab").is_empty());
    assert_eq!(millrace.post("/api/devices", &json!({ "name": "lab" })).0, 201);
    eventually(SOON, || match millrace.readings("device=lab").len() {
        3 => Ok(()),
        other => Err(other),
    });
    let mut measured: Vec<_> = millrace.readings("device=lab");
    measured.sort_by_key(|row| row["measured_at"].as_str().unwrap().to_owned());
    for (row, time) in measured.iter().zip(times) {
        assert_eq!(row["measured_at"].as_str().unwrap()[..19], time[..19], "{row}");
    }
    assert_eq!(publish(&mut device, "temperature/lab", "23"), 0);
    assert_eq!(millrace.readings("device=lab").len(), 4, "from now on nothing is held");
}

#[test]
fn where_unknown_devices_are_refused_only_a_credential_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path(), "refuse");
    let (user, password) = credential(&millrace, "lab");
    let mut lab = connect(&millrace, &user, &password);
    assert_eq!(publish(&mut lab, "temperature/lab", "21"), 0);
    assert_eq!(millrace.readings("device=lab").len(), 1);
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V5 };
    for (user, password) in [(None, None), (Some("lab"), Some("wrong")), (Some("other"), Some("x"))] {
        let (user, password) = (user.map(Into::into), password.map(Into::into));
        let (_, connack) =
            endpoint.try_connect(&Connect { user, password, ..Connect::new(Version::V5, "x") });
        assert_ne!(connack.code, 0, "{connack:?}");
    }
}
