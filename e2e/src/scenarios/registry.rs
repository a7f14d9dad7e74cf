//! Devices in the registry: adopted, forgotten, or unknown.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails says so by a panic")]

use std::time::Duration;

use serde_json::{Value, json};

use crate::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version};
use crate::{LONG, Millrace, SOON, Shape as _, Start, eventually};

const SILENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"3s\"\n";

/// Longer than a device may be silent by the rule, with what a start of ours adds.
pub const SILENCE: Duration = Duration::from_secs(6);

/// The edge with a rule for silent devices.
#[must_use]
pub fn start(folder: &std::path::Path) -> Millrace {
    let rules = folder.join("rules.toml");
    std::fs::write(&rules, SILENT).unwrap();
    Start::new(&folder.join("data")).set("ALERTER__RULES", rules.to_str().unwrap()).start()
}

fn names(millrace: &Millrace, path: &str, list: &str, field: &str) -> Vec<String> {
    let rows = millrace.get(path)[list].as_array().unwrap().clone();
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

/// The devices that are listed.
#[must_use]
pub fn devices(millrace: &Millrace) -> Vec<String> {
    names(millrace, "/api/devices", "devices", "name")
}

/// Waits until these are the devices of all lists.
pub fn until_listed(millrace: &Millrace, expected: &[&str]) {
    // A new name is in force everywhere within two seconds.
    eventually(SOON, || {
        let listed = [devices(millrace), names(millrace, "/api/series", "series", "device")];
        if listed.iter().all(|listed| listed == expected) { Ok(()) } else { Err(listed) }
    });
}

/// Incidents of a silent device.
#[must_use]
pub fn silent(millrace: &Millrace, device: &str) -> Vec<Value> {
    let all = millrace.get(&format!("/api/incidents?rule=silent&device={device}"));
    all["incidents"].as_array().unwrap().clone()
}

/// The edge, which stores, holds or refuses what devices send that nobody has registered.
#[must_use]
pub fn start_with_unknown(folder: &std::path::Path, unknown: &str) -> Millrace {
    Start::new(folder).set("DEVICES__UNKNOWN", unknown).start()
}

/// A client with this user name and password.
#[must_use]
pub fn connect(millrace: &Millrace, user: &str, password: &str) -> Client {
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V5 };
    let connect = Connect::new(Version::V5, user);
    let (user, password) = (Some(user.into()), Some(password.into()));
    endpoint.connect_as(&Connect { user, password, ..connect })
}

/// Publishes at QoS 1; returns the reason in the PUBACK.
pub fn publish(device: &mut Client, topic: &str, value: &str) -> u8 {
    device.send(&Publish::new(topic, value).qos(1, 1).written(Version::V5));
    let Packet::Ack(ack) = device.next() else { panic!("an acknowledgement") };
    ack.reason
}

/// Why payloads were rejected, the newest first.
#[must_use]
pub fn reasons(millrace: &Millrace) -> Vec<String> {
    let reason = |row: &Value| row["reason"].as_str().unwrap().to_owned();
    millrace.rows("rejected").iter().map(reason).collect()
}

/// `forget`: a forgotten device is neither listed nor missed until it speaks again.
pub fn forget() {
    let folder = tempfile::tempdir().unwrap();
    let mut millrace = start(folder.path());
    millrace.publish("temperature/lab", &["-m", "21"]);
    millrace.publish("temperature/old", &["-m", "21"]);
    until_listed(&millrace, &["lab", "old"]);
    // One before it is missed, and one while it is.
    assert_eq!(millrace.delete("/api/devices/lab").0, 204);
    until_listed(&millrace, &["old"]);
    eventually(LONG, || silent(&millrace, "old").pop().ok_or("not missed yet"));
    assert_eq!(millrace.delete("/api/devices/old").0, 204);
    until_listed(&millrace, &[]);
    eventually(SOON, || match silent(&millrace, "old").pop() {
        Some(over) if over["resolved_at"].is_string() => Ok(()),
        other => Err(other),
    });
    std::thread::sleep(SILENCE);
    assert_eq!(silent(&millrace, "lab"), Vec::<Value>::new());
    assert_eq!(millrace.readings("device=lab").len(), 1, "its data stays");

    // An old recording brings nothing back.
    let old = r#"{"value": 20, "measured_at": "2020-01-01T00:00:00Z"}"#;
    millrace.publish("temperature/lab", &["-m", old]);
    millrace = millrace.kill().start();
    eventually(SOON, || if millrace.readings("device=lab").len() == 2 { Ok(()) } else { Err("not stored") });
    std::thread::sleep(SILENCE);
    assert_eq!(silent(&millrace, "lab"), Vec::<Value>::new());
    millrace.publish("temperature/lab", &["-m", "22"]);
    until_listed(&millrace, &["lab"]);
    eventually(LONG, || silent(&millrace, "lab").pop().ok_or("it is missed as any other"));
}

/// `hold-adopt`: what is held is stored with its own time once the device is adopted.
pub fn hold_adopt() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start_with_unknown(folder.path(), "hold");
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
