//! Devices: registered, described, found, and given credentials.

use serde_json::{Value, json};
use store::{AccessStore as _, AuditQuery, Lifecycle as _, Registry as _, Role};

use crate::access::{add, ask, session};
use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

/// A harness whose brokers have every change at once.
async fn start() -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.store.note_applied(i64::MAX).await.unwrap();
    harness
}

async fn send(harness: &Harness, method: &str, path: &str, body: &Value) -> Answer {
    ask(harness, method, path, "", &body.to_string()).await
}

/// Lets devices publish, and waits until they are heard.
async fn hear(harness: &Harness, topics: &[&str]) {
    harness.until_ready().await;
    for topic in topics {
        harness.publish(topic, "21");
    }
    while ask(harness, "get", "/api/series", "", "").await.json()["series"].as_array().map(Vec::len)
        != Some(topics.len())
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn names(answer: &Answer) -> Vec<String> {
    let devices = answer.json()["devices"].as_array().unwrap().clone();
    devices.iter().map(|device| device["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_device_is_registered_changed_and_removed_by_its_revision() {
    let harness = start().await;
    harness.until_ready().await;
    let new =
        json!({ "name": "site-a/lab", "device_type": "bme280", "sampling_rate": 10, "tags": ["floor=2"] });
    let made = send(&harness, "post", "/api/devices", &new).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"0\"")), "{made:?}");
    let device = made.json();
    assert_eq!(device["type"], "bme280");
    assert_eq!((&device["registered"], &device["state"]), (&json!(true), &json!("unknown")));
    assert_eq!(send(&harness, "post", "/api/devices", &new).await.status, 409);

    let path = "/api/devices/site-a.lab";
    let shown = ask(&harness, "get", path, "", "").await;
    let tag = shown.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("\"0-"), "{tag}");
    let changed = send(&harness, "patch", path, &json!({ "title": "Lab", "sampling_rate": null })).await;
    assert_eq!((changed.status, &changed.json()["title"]), (200, &json!("Lab")), "{changed:?}");
    assert_eq!(changed.json()["tags"], json!(["floor=2"]), "what is left out stays");

    let host = format!("host: {}", harness.address);
    let old = format!("if-match: {tag}");
    let headers = [host.as_str(), "content-type: application/json", old.as_str()];
    for (method, body) in [("PATCH", r#"{"title": "x"}"#), ("PUT", "{}"), ("DELETE", "")] {
        let late = harness.send(method, path, &headers, body).await;
        assert_eq!(late.status, 412, "{method}: {late:?}");
    }
    let new = [host.as_str(), "content-type: application/json", "if-match: \"1\""];
    let replaced = harness.send("PUT", path, &new, r#"{"note": "n"}"#).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!((&replaced.json()["title"], &replaced.json()["tags"]), (&Value::Null, &json!([])));
    assert_eq!(ask(&harness, "delete", path, "", "").await.status, 204);
    assert_eq!(ask(&harness, "get", path, "", "").await.status, 404);
    let query = AuditQuery { limit: 9, ..AuditQuery::default() };
    let actions: Vec<_> =
        harness.store.audit(&query).await.unwrap().into_iter().map(|record| record.action).collect();
    assert_eq!(actions, ["forget device", "change device", "change device", "register device"]);
}

#[tokio::test]
async fn a_device_that_speaks_is_there_and_can_be_adopted() {
    let harness = start().await;
    hear(&harness, &["temperature/site-a/lab", "humidity/site-a/lab"]).await;
    let device = ask(&harness, "get", "/api/devices/site-a.lab", "", "").await.json();
    assert_eq!((&device["registered"], device["series"].as_array().unwrap().len()), (&json!(false), 2));
    assert!(device["last_seen"].is_string(), "{device}");
    let adopted = send(&harness, "post", "/api/devices", &json!({ "name": "site-a/lab" })).await;
    assert_eq!((adopted.status, &adopted.json()["registered"]), (201, &json!(true)), "{adopted:?}");
    assert_eq!(adopted.json()["series"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_device_that_is_forgotten_is_gone_at_once_and_comes_back_when_it_speaks() {
    let harness = start().await;
    hear(&harness, &["temperature/site-a/lab", "temperature/site-a/hall"]).await;
    assert_eq!(ask(&harness, "delete", "/api/devices/site-a.lab?data=all", "", "").await.status, 400);
    assert_eq!(ask(&harness, "delete", "/api/devices/site-a.none", "", "").await.status, 404);
    assert_eq!(ask(&harness, "delete", "/api/devices/site-a.lab?data=erase", "", "").await.status, 204);
    assert_eq!(names(&ask(&harness, "get", "/api/devices", "", "").await), ["site-a/hall"]);
    assert_eq!(ask(&harness, "get", "/api/devices/site-a.lab", "", "").await.status, 404);
    let series = ask(&harness, "get", "/api/series", "", "").await.json();
    assert_eq!(series["series"].as_array().unwrap().len(), 1, "{series}");
    let forgotten = harness.store.forgotten_devices().await.unwrap();
    assert_eq!((forgotten[0].device.as_str(), forgotten[0].erase_to.is_some()), ("site-a/lab", true));
    hear(&harness, &["temperature/site-a/lab", "temperature/site-a/hall"]).await;
    assert_eq!(names(&ask(&harness, "get", "/api/devices", "", "").await), ["site-a/hall", "site-a/lab"]);
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let harness = start().await;
    harness.until_ready().await;
    let host = format!("host: {}", harness.address);
    let import = async |path: &str, kind: &str, body: &str| {
        let kind = format!("content-type: {kind}");
        let answer = harness.send("POST", path, &[&host, &kind], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let table = "name,title,type,lat,lon,sampling_rate,tags\nsite-a/1,One,plug,52.5,13.4,10,a b\nb,,,,,,\n,Größe,,,,,\nb,,,,,,\n";
    let first = import("/api/devices/import", "text/csv", table).await;
    assert_eq!((&first["registered"], &first["failed"]), (&json!(3), &json!(1)), "{first}");
    assert_eq!(first["devices"][2]["name"], "groesse");
    assert!(first["devices"][3]["reason"].as_str().unwrap().contains("an earlier row"), "{first}");
    let csv = ask(&harness, "get", "/api/devices?format=csv", "", "").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let all = ask(&harness, "get", "/api/devices", "", "").await;
    for (kind, body) in [("text/csv", &csv.body), ("application/json", &all.body)] {
        let again = import("/api/devices/import?existing=update", kind, body).await;
        assert_eq!(again["unchanged"], 3, "{again}");
        let skipped = import("/api/devices/import", kind, body).await;
        assert_eq!(skipped["skipped"], 3, "{skipped}");
    }
    let changed = import("/api/devices/import?existing=update", "text/csv", "name,note\nb,new\n").await;
    assert_eq!(changed["changed"], 1, "{changed}");
    assert_eq!(ask(&harness, "get", "/api/devices/b", "", "").await.json()["note"], "new");
    let state = access::state_at(harness.store.as_ref(), jiff::Timestamp::MAX).await.unwrap();
    assert_eq!((state.devices.len(), &state.devices["b"]["note"]), (3, &json!("new")));
}

#[tokio::test]
async fn devices_are_found_page_by_page() {
    let harness = start().await;
    hear(&harness, &["temperature/heard", "temperature/site-b/x"]).await;
    for (name, kind, tag) in [("site-a/1", "plug", "a"), ("site-a/2", "plug", "b"), ("zz", "door", "b")] {
        let new = json!({ "name": name, "type": kind, "tags": [tag], "note": "Größe" });
        assert_eq!(send(&harness, "post", "/api/devices", &new).await.status, 201);
    }
    for (query, expected) in [
        ("", vec!["heard", "site-a/1", "site-a/2", "site-b/x", "zz"]),
        ("?filter=site-a/%2B", vec!["site-a/1", "site-a/2"]),
        ("?registered=false", vec!["heard", "site-b/x"]),
        ("?tag=b", vec!["site-a/2", "zz"]),
        ("?type=plug", vec!["site-a/1", "site-a/2"]),
        ("?text=gr%C3%B6sse", vec![]),
        ("?text=GR%C3%96%C3%9FE&type=door", vec!["zz"]),
        ("?text=hear", vec!["heard"]),
    ] {
        let answer = ask(&harness, "get", &format!("/api/devices{query}"), "", "").await;
        assert_eq!(
            (answer.status, names(&answer)),
            (200, expected.iter().map(|n| (*n).to_owned()).collect()),
            "{query}"
        );
    }
    let (mut all, mut next) = (Vec::new(), Value::from(""));
    while let Some(after) = next.as_str() {
        let path = format!("/api/devices?limit=2&after={}", after.replace('/', "%2F"));
        let answer = ask(&harness, "get", &path, "", "").await;
        all.extend(names(&answer));
        next = answer.json()["next"].clone();
    }
    assert_eq!(all, ["heard", "site-a/1", "site-a/2", "site-b/x", "zz"]);
}

#[tokio::test]
async fn what_is_outside_the_filters_is_no_device() {
    let harness = start().await;
    hear(&harness, &["temperature/site-b/x"]).await;
    assert_eq!(send(&harness, "post", "/api/devices", &json!({ "name": "site-b/y" })).await.status, 201);
    add(&harness, "root", Role::Admin, &[]).await;
    add(&harness, "ann", Role::Admin, &["site-a/#"]).await;
    add(&harness, "ben", Role::Operator, &["site-a/#"]).await;
    let (ann, ben) = (session(&harness, "ann").await, session(&harness, "ben").await);
    assert_eq!(names(&ask(&harness, "get", "/api/devices", &ann, "").await), Vec::<String>::new());
    for (method, path, body) in [
        ("get", "/api/devices/site-b.x", ""),
        ("get", "/api/devices/site-b.y", ""),
        ("post", "/api/devices", r#"{"name": "site-b/z"}"#),
        ("patch", "/api/devices/site-b.y", r#"{"title": "mine"}"#),
        ("delete", "/api/devices/site-b.y", ""),
        ("get", "/api/devices/site-b.y/credentials", ""),
        ("post", "/api/devices/site-b.y/credentials", "{}"),
        ("delete", "/api/devices/site-b.y/credentials/site-b.y", ""),
    ] {
        let answer = ask(&harness, method, path, &ann, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    let wide = r#"{"rights": ["readwrite zigbee2mqtt/#"]}"#;
    assert_eq!(ask(&harness, "post", "/api/devices/site-a.x/credentials", &ann, wide).await.status, 403);
    // An operator adopts and does not describe.
    let adopt = r#"{"name": "site-a/new"}"#;
    assert_eq!(ask(&harness, "post", "/api/devices", &ben, adopt).await.status, 201);
    let describe = r#"{"name": "site-a/other", "title": "x"}"#;
    assert_eq!(ask(&harness, "post", "/api/devices", &ben, describe).await.status, 403);
}

#[tokio::test]
async fn a_credential_is_shown_once_and_two_are_valid_while_one_is_replaced() {
    let harness = start().await;
    let path = "/api/devices/site-a.lab/credentials";
    let first = send(&harness, "post", path, &json!({})).await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    assert_eq!((&first["user"], &first["device"]), (&json!("site-a.lab"), &json!("site-a/lab")));
    assert_eq!(first["in_force"], true);
    assert_eq!(first["password"].as_str().unwrap().len(), 43);
    let second = send(&harness, "post", path, &json!({ "client_id": "DVES_" })).await.json();
    assert_eq!(second["user"], "site-a.lab~2");
    let listed = ask(&harness, "get", path, "", "").await;
    assert!(!listed.body.contains("password") && !listed.body.contains("hash"), "{listed:?}");
    assert_eq!(listed.json()["credentials"].as_array().unwrap().len(), 2);
    let revoked = ask(&harness, "delete", &format!("{path}/site-a.lab"), "", "").await;
    assert_eq!((revoked.status, revoked.json()), (200, json!({ "in_force": true })));
    assert_eq!(ask(&harness, "delete", &format!("{path}/site-a.lab"), "", "").await.status, 404);
    for (body, status) in [
        (json!({ "rights": ["write alerts/#"] }), 400),
        (json!({ "rights": "all" }), 400),
        (json!({ "client_id": "a.*" }), 400),
        (json!({ "password": "mine" }), 400),
    ] {
        let answer = send(&harness, "post", path, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let own = send(&harness, "post", "/api/devices/dashboard/credentials", &json!({})).await;
    assert_eq!(own.status, 400, "{own:?}");
    assert!(ask(&harness, "get", "/api/devices/dashboard", "", "").await.status == 404);
}

#[tokio::test]
async fn one_device_carries_what_is_known_of_it() {
    let harness = start().await;
    harness.until_ready().await;
    let made = send(&harness, "post", "/api/devices", &json!({ "name": "lab" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let empty = ask(&harness, "get", "/api/devices/lab", "", "").await.json();
    assert_eq!((&empty["connection"], &empty["counted_from"]), (&Value::Null, &Value::Null));
    assert_eq!((&empty["boots"], &empty["gaps"]), (&json!([]), &json!([])));
    assert_eq!(empty["open_incidents"], json!({ "count": 0, "newest": null }));
    assert_eq!(empty["rejected"], json!({ "count": 0, "newest": null }));

    keep_numbers(&harness, "temperature/lab", &[1, 2, 5]).await;
    let incident = crate::alerts::alert("lab");
    harness.open(incident.clone()).await;
    harness.open(crate::alerts::alert("other")).await;
    harness.reject("no number").await;
    harness.reject("no number at all").await;
    let device = ask(&harness, "get", "/api/devices/lab", "", "").await.json();
    assert_eq!((&device["boots"][0]["boot"], &device["boots"][0]["stored"]), (&json!(7), &json!(3)));
    assert_eq!(device["gaps"], json!([{ "boot": 7, "first": 3, "last": 4 }]));
    assert_eq!(device["open_incidents"]["count"], 1);
    assert_eq!(device["open_incidents"]["newest"]["id"], incident.id);
    assert_eq!(device["rejected"]["count"], 2);
    assert_eq!(device["rejected"]["newest"]["reason"], "no number at all");
}

#[tokio::test]
async fn a_device_of_many_readings_is_answered_for_its_last_ones() {
    let harness = start().await;
    harness.until_ready().await;
    harness.keep_many("temperature/lab", 30_000).await;
    send(&harness, "post", "/api/devices", &json!({ "name": "lab" })).await;
    let device = ask(&harness, "get", "/api/devices/lab", "", "").await.json();
    assert_eq!(device["boots"][0]["stored"], 10_001);
    assert_eq!(device["counted_from"], "1970-01-01T00:00:20.000000Z");
}

/// Into the store alone, in one boot.
async fn keep_numbers(harness: &Harness, series: &str, seqs: &[u64]) {
    let now = jiff::Timestamp::now();
    let reading = |seq: &u64| telemetry::Reading {
        series: telemetry::Series::parse(series).unwrap(),
        value: 1.0,
        unit: None,
        measured_at: now + std::time::Duration::from_secs(*seq),
        received_at: now,
        boot: Some(7),
        seq: Some(*seq),
    };
    let readings = seqs.iter().map(reading).collect();
    let batch = store::Batch { readings, ..store::Batch::default() };
    store::ReadingStore::write(harness.store.as_ref(), &batch.into()).await.unwrap();
}

#[tokio::test]
async fn a_type_is_stored_by_its_revision_and_says_what_its_devices_take() {
    let harness = start().await;
    harness.until_ready().await;
    let path = "/api/types/plug";
    let power = json!({ "type": "object", "required": ["state"], "properties": { "state": { "enum": ["ON", "OFF"] } } });
    let plug = json!({
        "sampling_rate": 60,
        "metrics": [{ "metric": "power", "unit": "watt", "min": 0 }],
        "commands": [{ "name": "power", "args": power }],
    });
    let made = send(&harness, "put", path, &plug).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"0\"")), "{made:?}");
    let again = send(&harness, "put", path, &plug).await;
    assert_eq!((again.status, again.header("etag")), (200, Some("\"1\"")), "{again:?}");
    let host = format!("host: {}", harness.address);
    let old = [host.as_str(), "content-type: application/json", "if-match: \"0\""];
    assert_eq!(harness.send("PUT", path, &old, "{}").await.status, 412);
    assert_eq!(harness.send("DELETE", path, &old, "").await.status, 412);
    for (body, status) in [
        (json!({ "commands": [{ "name": "x", "args": { "pattern": "y" } }] }), 400),
        (json!({ "colour": "red" }), 400),
        (json!([]), 400),
    ] {
        assert_eq!(send(&harness, "put", "/api/types/other", &body).await.status, status, "{body}");
    }
    assert_eq!(send(&harness, "put", "/api/types/a%2Fb", &json!({})).await.status, 400);
    let listed = ask(&harness, "get", "/api/types", "", "").await.json();
    let listed: Vec<_> = listed["types"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(listed, ["plug", "sensor-sim"]);

    for name in ["a/1", "a/2"] {
        let device = json!({ "name": name, "type": "plug" });
        assert_eq!(send(&harness, "post", "/api/devices", &device).await.status, 201);
    }
    for (command, args, status) in [
        ("power", json!({ "state": "ON" }), 201),
        ("power", json!({ "state": "LOUD" }), 400),
        ("power", json!({}), 400),
        ("unheard-of", json!(1), 201),
    ] {
        let one = json!({ "device": "a/1", "command": command, "args": args });
        let answer = send(&harness, "post", "/api/commands", &one).await;
        assert_eq!(answer.status, status, "{one}: {answer:?}");
        let many = json!({ "devices": "a/#", "command": command, "args": args });
        let answer = send(&harness, "post", "/api/commands", &many).await;
        assert_eq!(answer.status, status, "{many}: {answer:?}");
    }
    assert_eq!(ask(&harness, "delete", path, "", "").await.status, 204);
    assert_eq!(ask(&harness, "get", path, "", "").await.status, 404);
    assert_eq!(ask(&harness, "delete", "/api/types/sensor-sim", "", "").await.status, 409);
    let query = AuditQuery { limit: 20, ..AuditQuery::default() };
    let records = harness.store.audit(&query).await.unwrap();
    let actions: Vec<_> =
        records.iter().map(|record| record.action.as_str()).filter(|a| a.contains("type")).collect();
    assert_eq!(actions, ["remove type", "change type", "add type"]);
}
