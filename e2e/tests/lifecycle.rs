//! Devices that are forgotten at the edge: they leave all lists, no rule waits for them, and they come back when they speak. And
//! devices that get other names: their history follows.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version};
use e2e::{LONG, Millrace, SOON, Shape as _, Start, eventually};
use serde_json::{Value, json};

const SILENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"3s\"\n";

/// Longer than a device may be silent by the rule, with what a start of ours adds.
const SILENCE: Duration = Duration::from_secs(6);

fn start(folder: &std::path::Path) -> Millrace {
    let rules = folder.join("rules.toml");
    std::fs::write(&rules, SILENT).unwrap();
    Start::new(&folder.join("data")).set("ALERTER__RULES", rules.to_str().unwrap()).start()
}

fn names(millrace: &Millrace, path: &str, list: &str, field: &str) -> Vec<String> {
    let rows = millrace.get(path)[list].as_array().unwrap().clone();
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

fn devices(millrace: &Millrace) -> Vec<String> {
    names(millrace, "/api/devices", "devices", "name")
}

fn until_listed(millrace: &Millrace, expected: &[&str]) {
    // A new name is in force everywhere within two seconds.
    eventually(SOON, || {
        let listed = [devices(millrace), names(millrace, "/api/series", "series", "device")];
        if listed.iter().all(|listed| listed == expected) { Ok(()) } else { Err(listed) }
    });
}

fn silent(millrace: &Millrace, device: &str) -> Vec<Value> {
    let all = millrace.get(&format!("/api/incidents?rule=silent&device={device}"));
    all["incidents"].as_array().unwrap().clone()
}

#[test]
fn a_forgotten_device_is_neither_listed_nor_missed_until_it_speaks_again() {
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

#[test]
fn a_device_that_is_erased_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let devices = ["temperature/lab", "temperature/site/lab"];
    for topic in devices {
        millrace.publish(topic, &["-m", "21"]);
        millrace.publish(topic, &["-m", "no reading"]);
    }
    assert_eq!(millrace.rows("rejected").len(), 2);
    assert_eq!(millrace.delete("/api/devices/lab?data=erase").0, 204);
    eventually(SOON, || match (millrace.readings("device=lab").len(), millrace.rows("rejected").len()) {
        (0, 1) => Ok(()),
        left => Err(left),
    });
    assert_eq!(millrace.readings("device=site/lab").len(), 1);
    assert!(millrace.get("/api/completeness?device=lab")["boots"].as_array().is_none_or(Vec::is_empty));
    millrace.publish("temperature/lab", &["-m", "22"]);
    assert_eq!(millrace.readings("device=lab").len(), 1);
}

fn connect(millrace: &Millrace, user: &str, password: &str) -> Client {
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V5 };
    let connect = Connect::new(Version::V5, user);
    endpoint.connect_as(&Connect { user: Some(user.into()), password: Some(password.into()), ..connect })
}

fn publish(client: &mut Client, topic: &str, payload: &str) -> u8 {
    client.send(&Publish::new(topic, payload).qos(1, 1).written(Version::V5));
    match client.next() {
        Packet::Ack(ack) => ack.reason,
        other => panic!("no acknowledgement: {other:?}"),
    }
}

#[test]
fn a_device_is_the_same_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let (status, made) = millrace.post("/api/devices/lab/credentials", &json!({}));
    assert_eq!(status, 201, "{made}");
    let password = made["password"].as_str().unwrap();
    let mut lab = connect(&millrace, "lab", password);
    let reading = r#"{"value": 21, "boot": 1, "seq": 1, "measured_at": "2026-01-01T00:00:00Z"}"#;
    assert_eq!(publish(&mut lab, "temperature/lab", reading), 0);
    let (status, renamed) = millrace.post("/api/devices/lab/rename", &json!({ "name": "site/hall" }));
    assert_eq!((status, &renamed["name"]), (200, &json!("site/hall")), "{renamed}");
    until_listed(&millrace, &["site/hall"]);
    eventually(SOON, || {
        // Until it is known everywhere, what comes is moved; afterwards it is the device's at once.
        let at = jiff::Timestamp::now();
        assert_eq!(
            publish(&mut lab, "temperature/lab", &format!(r#"{{"value": 22, "measured_at": "{at}"}}"#)),
            0
        );
        let (old, new) = (millrace.readings("device=lab").len(), millrace.readings("device=site/hall").len());
        if old == 0 && new > 1 { Ok(()) } else { Err((old, new)) }
    });
    let before = millrace.readings("device=site/hall").len();
    assert_eq!(publish(&mut lab, "temperature/lab", reading), 0);
    assert_eq!(millrace.readings("device=site/hall").len(), before, "it is no new reading");
    let mut anyone = connect(&millrace, "other", "");
    assert_eq!(
        publish(&mut anyone, "temperature/lab", "1"),
        0x87,
        "the device alone publishes under its old name"
    );
    let (status, taken) = millrace.post("/api/devices/site.hall/rename", &json!({ "name": "site/hall" }));
    assert_eq!(status, 400, "{taken}");

    // A command reaches it by the name that it knows.
    lab.subscribe("commands/lab", 1);
    let command = json!({ "device": "site/hall", "command": "blink", "expires_in": "1m" });
    let (status, made) = millrace.post("/api/commands", &command);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let done = json!({ "id": id, "status": "done" }).to_string();
    eventually(LONG, || match millrace.get(&format!("/api/commands/{id}"))["state"].as_str() {
        Some("queued") | None => Err("not sent"),
        _ => Ok(()),
    });
    let mut other = connect(&millrace, "lab", password);
    assert_eq!(publish(&mut other, "results/lab", &done), 0);
    assert_eq!(millrace.get(&format!("/api/commands/{id}"))["state"], "done");
}

#[test]
fn a_retired_device_is_kept_and_neither_heard_nor_missed() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    assert_eq!(millrace.post("/api/devices", &json!({ "name": "lab" })).0, 201);
    millrace.publish("temperature/lab", &["-m", "21"]);
    until_listed(&millrace, &["lab"]);
    let retire = |retired: bool| {
        let row = json!([{ "name": "lab", "retired": retired }]);
        let (status, answer) = millrace.post("/api/devices/import?existing=update", &row);
        assert_eq!((status, &answer["changed"]), (200, &json!(1)), "{answer}");
        assert_eq!(millrace.get("/api/devices/lab")["retired"], retired);
    };
    retire(true);
    std::thread::sleep(SILENCE);
    assert_eq!(silent(&millrace, "lab"), Vec::<Value>::new());
    millrace.publish("temperature/lab", &["-m", "22"]);
    let rejected = millrace.rows("rejected");
    assert!(rejected[0]["reason"].as_str().unwrap().contains("is retired"), "{rejected:?}");
    assert_eq!((devices(&millrace), millrace.readings("device=lab").len()), (vec!["lab".to_owned()], 1));
    retire(false);
    eventually(SOON, || {
        millrace.publish("temperature/lab", &["-m", "23"]);
        if millrace.readings("device=lab").len() > 1 { Ok(()) } else { Err("it is still retired") }
    });
}
