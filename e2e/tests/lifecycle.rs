//! Devices that are forgotten at the edge: they leave all lists, no rule waits for them, and they come back when they speak.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::{LONG, Millrace, SOON, Shape as _, Start, eventually};
use serde_json::Value;

const SILENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"3s\"\nnotify = []\n";

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
    eventually(SOON, || match devices(millrace) {
        listed if listed == expected => Ok(()),
        listed => Err(listed),
    });
    assert_eq!(names(millrace, "/api/series", "series", "device"), expected);
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
