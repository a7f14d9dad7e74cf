//! Devices that are forgotten at the edge: they leave all lists, no rule waits for them, and they come back when they speak. And
//! devices that get other names: their history follows.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::scenarios::registry::{self, SILENCE, connect, devices, publish, silent, start, until_listed};
use e2e::{LONG, SOON, Shape as _, eventually};
use serde_json::{Value, json};

#[test]
fn a_forgotten_device_is_neither_listed_nor_missed_until_it_speaks_again() {
    registry::forget();
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
