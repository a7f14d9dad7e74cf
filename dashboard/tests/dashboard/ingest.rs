//! Readings over HTTP: every form, who may send them, limits, and keys.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access::{Caller, NewCredential};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use service::{Decoder, Incoming, Intake, Outcome, Promise, Taken};
use store::{
    Batch, History as _, IdempotencyKeys as _, ReadingQuery, ReadingStore as _, RejectedMessage, Role,
    Sqlite, TimeRange,
};
use telemetry::{Decoded, Publisher, Reading, Scope};

use crate::access::{add, session};
use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

/// Stores what comes in, as the hub and db-writer do together; acknowledges nothing while it is stopped.
#[derive(Clone)]
pub(crate) struct ToStore {
    store: Arc<Sqlite>,
    decoder: Decoder,
    pub(crate) stopped: Arc<AtomicBool>,
}

impl ToStore {
    pub(crate) fn new(store: Arc<Sqlite>, decoder: Decoder) -> Self {
        Self { store, decoder, stopped: Arc::default() }
    }
}

fn batch(all: Vec<Decoded>) -> Batch {
    let mut batch = Batch::default();
    for decoded in all {
        batch.readings.extend(decoded.readings);
        batch.rejected.extend(decoded.rejected.into_iter().map(|rejected| RejectedMessage {
            received_at: rejected.received_at,
            topic: rejected.topic,
            reason: rejected.reason,
            payload: rejected.payload,
        }));
    }
    batch
}

impl Intake for ToStore {
    fn promise(&self) -> Promise {
        Promise::Stored
    }

    fn stamp(&self, _: usize) -> Timestamp {
        Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap()
    }

    fn take_in(&self, incoming: Incoming<'_>) -> Taken {
        let Incoming { messages, objection, charge } = incoming;
        let inputs = self.decoder.inputs().borrow().clone();
        let (mut outcomes, mut all) = (Vec::new(), Vec::new());
        for offered in &messages {
            let decode = |message: &telemetry::Message| self.decoder.decode(message, Publisher::default());
            let Some(mut decoded) = offered.read(&inputs, decode) else {
                outcomes.push(Outcome::unread(&offered.message.topic, true));
                continue;
            };
            decoded
                .readings
                .retain(|reading| objection(&offered.message.topic, reading.series.device()).is_none());
            outcomes.push(Outcome::of(&decoded));
            all.push(decoded);
        }
        let (store, stopped) = (self.store.clone(), self.stopped.clone());
        let written = tokio::spawn(async move {
            while stopped.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            store.write(&batch(all).into()).await.unwrap();
            drop(charge);
        });
        Taken { outcomes, acknowledged: Box::pin(async move { written.await.map_err(|e| e.to_string()) }) }
    }
}

async fn stored(harness: &Harness) -> Vec<Reading> {
    let range = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
    let query =
        ReadingQuery { device: None, metric: None, range, limit: 100_000, after: None, scope: Scope::all() };
    let page = harness.store.readings(query).await.unwrap();
    page.readings.into_iter().map(|stored| stored.reading).collect()
}

async fn values(harness: &Harness) -> Vec<(String, f64)> {
    stored(harness).await.into_iter().map(|reading| (reading.series.to_string(), reading.value)).collect()
}

async fn send(harness: &Harness, path: &str, headers: &[&str], body: &str) -> Answer {
    let host = format!("host: {}", harness.address);
    let headers: Vec<_> = [host.as_str()].into_iter().chain(headers.iter().copied()).collect();
    harness.send("POST", path, &headers, body).await
}

#[tokio::test]
async fn every_form_is_taken_and_stored() {
    let harness = Harness::start(Wanted::default()).await;
    let json = ["content-type: application/json"];
    for (path, headers, body, status, taken) in [
        (
            "/api/devices/lab/data",
            &json[..],
            r#"{"type": "temperature", "value": 1, "unit": "celsius", "quality": 0.95}"#,
            201,
            1,
        ),
        ("/api/devices/site-a.lab/data", &json, r#"[{"temperature": 2, "humidity": 3}]"#, 201, 2),
        ("/api/readings/temperature/raw", &["content-type: application/x-www-form-urlencoded"], "4", 201, 1),
        ("/api/readings/temperature/raw", &[], r#"[{"value": 5}, {"value": 5}]"#, 201, 2),
        ("/api/readings", &json, r#"[{"topic": "humidity/list", "value": 6}]"#, 201, 1),
        (
            "/api/readings",
            &["content-type: application/x-ndjson"],
            "{\"metric\": \"humidity\", \"device\": \"lines\", \"value\": 7}\n",
            201,
            1,
        ),
        (
            "/api/readings",
            &["content-type: text/csv; charset=utf-8"],
            "device,metric,value,measured_at\r\ntable,humidity,8,2026-01-15T10:30:00Z\r\n",
            201,
            1,
        ),
        ("/sensors", &json, r#"{"sensor_id": "short", "sensor_type": "temperature", "value": 9}"#, 201, 1),
        ("/api/inputs/temperature/input", &[], "10", 201, 1),
    ] {
        let answer = send(&harness, path, headers, body).await;
        assert_eq!((answer.status, &answer.json()["taken"]), (status, &json!(taken)), "{path}: {answer:?}");
        assert_eq!(answer.json()["commands"], json!([]));
    }
    let answer = send(
        &harness,
        "/metric",
        &json,
        r#"{"timestamp": 1768473000, "device_id": "web-1", "temperature": 11, "humidity": 12}"#,
    )
    .await;
    assert_eq!((answer.status, answer.json()), (202, json!({"status": "accepted", "device_id": "web-1"})));
    let mut values: Vec<_> = values(&harness).await.into_iter().map(|(_, value)| value).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, [1., 2., 3., 4., 5., 5., 6., 7., 8., 9., 10., 11., 12.]);
}

#[tokio::test]
async fn each_element_is_answered_and_what_is_bad_is_kept() {
    let harness = Harness::start(Wanted::default()).await;
    let body = r#"[{"temperature": 1}, {"temperature": "hot"}, 5, {"temperature": 2, "measured_at": 1}]"#;
    let answer = harness.post("/api/devices/lab/data", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let said = answer.json();
    assert_eq!((&said["taken"], &said["idempotent"]), (&json!(1), &json!(false)));
    let rejected = said["rejected"].as_array().unwrap();
    let places: Vec<_> = rejected.iter().map(|rejected| rejected["index"].as_u64().unwrap()).collect();
    assert_eq!(places, [1, 2, 3], "{said}");
    for rejected in rejected {
        let path = format!("/api/rejected/{}", rejected["id"].as_str().unwrap());
        let kept = harness.ask("GET", &path).await.json();
        assert_eq!(kept["reason"], rejected["reason"], "{kept}");
    }
    let raw = harness.post("/api/readings/temperature/lab", r#"[{"value": 1}, {"value": "x"}]"#).await;
    assert_eq!((raw.status, &raw.json()["rejected"][0]["index"]), (201, &json!(1)), "{raw:?}");
    let all_bad = harness.post("/api/readings/temperature/lab", "hot").await;
    assert_eq!((all_bad.status, &all_bad.json()["taken"]), (422, &json!(0)));
    assert!(all_bad.json()["rejected"][0]["id"].is_string());
    for (path, body, status) in [
        ("/api/devices/lab/data", "{", 400),
        ("/api/devices/lab/data", "[]", 400),
        ("/api/devices/a..b/data", r#"{"temperature": 1}"#, 400),
        ("/api/inputs/unknown/thing/of/ours", "x", 422),
        ("/api/inputs/commands/lab", "x", 422),
        ("/api/inputs/a%2B/b", "1", 400),
        ("/api/readings?x=1", "[]", 400),
    ] {
        assert_eq!(harness.post(path, body).await.status, status, "{path} {body}");
    }
    let timed = harness
        .post("/api/readings", r#"{"topic": "temperature/lab", "value": 1, "measured_at": 1768473000000}"#);
    assert_eq!(timed.await.json()["idempotent"], json!(true));
}

#[tokio::test]
async fn a_device_sends_for_itself_by_its_credential() {
    let harness = Harness::start(Wanted::default()).await;
    let make = async |device: &str, rights: &[&str]| {
        let rights = access::Rights::read(rights.iter().copied()).unwrap();
        let new = NewCredential { rights, ..NewCredential::default() };
        let (credential, secret) =
            harness.access.add_credential(&Caller::command(), device, new).await.unwrap();
        (credential.user, secret.unwrap())
    };
    let (lab, gateway) = (make("site-a/lab", &[]).await, make("gw", &["write temperature/#"]).await);
    let basic = |(user, secret): &(String, String)| {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
        format!("authorization: Basic {text}")
    };
    let (of_lab, of_gateway) = (basic(&lab), basic(&gateway));
    let of_secret = format!("authorization: Bearer {}", lab.1);
    let wrong = basic(&(lab.0.clone(), "wrong".into()));
    harness.until_known("site-a.lab").await;
    harness.until_known("gw").await;
    let data = r#"{"temperature": 1}"#;
    for (path, who, body, status) in [
        ("/api/devices/site-a.lab/data", of_lab.as_str(), data, 201),
        ("/api/devices/site-a.lab/data", &of_secret, data, 201),
        ("/api/devices/site-a.lab.inside/data", &of_lab, data, 201),
        ("/api/devices/site-a.lab/data", &wrong, data, 401),
        ("/api/devices/other/data", &of_lab, data, 403),
        ("/api/readings/temperature/other", &of_lab, "1", 403),
        ("/api/readings/temperature/other", &of_gateway, "1", 201),
        ("/api/readings/humidity/other", &of_gateway, "1", 403),
        ("/api/readings", &of_lab, r#"[{"topic": "temperature/other", "value": 1}]"#, 403),
        ("/api/inputs/temperature/other", &of_lab, "1", 403),
        ("/sensors", &of_lab, r#"{"name": "new"}"#, 403),
        // Nobody unknown sends for a device that has a credential.
        ("/api/devices/site-a.lab/data", "x: y", data, 401),
        ("/api/devices/free/data", "x: y", data, 201),
    ] {
        let answer = send(&harness, path, &[who, "content-type: application/json"], body).await;
        assert_eq!(answer.status, status, "{path} {who}: {answer:?}");
    }
    let some =
        r#"[{"topic": "temperature/other", "value": 1}, {"topic": "temperature/site-a/lab", "value": 2}]"#;
    let answer = send(&harness, "/api/readings", &[&of_lab, "content-type: application/json"], some).await;
    assert_eq!((answer.status, &answer.json()["rejected"][0]["index"]), (201, &json!(0)), "{answer:?}");
}

#[tokio::test]
async fn people_send_by_their_roles_within_their_filters() {
    let harness = Harness::start(Wanted::default()).await;
    for (name, role, filters) in
        [("root", Role::Admin, &[][..]), ("ann", Role::Viewer, &[]), ("ben", Role::Operator, &["site-a/#"])]
    {
        add(&harness, name, role, filters).await;
    }
    let (ann, ben) = (session(&harness, "ann").await, session(&harness, "ben").await);
    for (who, path, body, status) in [
        ("x: y", "/api/devices/site-a.lab/data", r#"{"temperature": 1}"#, 401),
        (ann.as_str(), "/api/devices/site-a.lab/data", r#"{"temperature": 1}"#, 403),
        (&ann, "/metric", r#"{"device_id": "x", "temperature": 1}"#, 403),
        (&ben, "/api/devices/site-a.lab/data", r#"{"temperature": 1}"#, 201),
        (&ben, "/api/devices/site-b.lab/data", r#"{"temperature": 1}"#, 404),
        (&ben, "/api/inputs/temperature/site-b/lab", "1", 422),
    ] {
        let answer = send(&harness, path, &[who, "content-type: application/json"], body).await;
        assert_eq!(answer.status, status, "{path} {who}: {answer:?}");
    }
    assert_eq!(values(&harness).await, [("temperature/site-a/lab".to_owned(), 1.0)]);
    let host = format!("host: {}", harness.address);
    let elsewhere = ["origin: https://evil.example", host.as_str(), &ben, "content-type: application/json"];
    let answer =
        harness.send("POST", "/api/devices/site-a.lab/data", &elsewhere, r#"{"temperature": 1}"#).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_stores_one_reading() {
    let harness = Harness::start(Wanted::default()).await;
    let key = ["idempotency-key: \"k-1\"", "content-type: application/json"];
    let post = async |body: &str| send(&harness, "/api/readings/temperature/lab", &key, body).await;
    let first = post("1").await;
    assert_eq!((first.status, &first.json()["idempotent"]), (201, &json!(true)));
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = post("1").await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(post("2").await.status, 422, "another body");
    let other = send(&harness, "/api/readings/temperature/lab", &["idempotency-key: a b"], "1").await;
    assert_eq!(other.status, 400);
    assert_eq!(values(&harness).await.len(), 1);
    // As after a crash: it is noted, published, and not answered.
    harness.store.forget_keys(Timestamp::MAX).await.unwrap();
    let before = stored(&harness).await[0].measured_at;
    let request = store::KeyedRequest {
        caller: "anyone".into(),
        key: "k-1".into(),
        body: store::sha256_of(&[b"readings/temperature/lab", b"\n", b"1"]),
        received_at: before,
    };
    harness.store.note_request(&request, Timestamp::MIN).await.unwrap();
    let after = post("1").await;
    assert_eq!((after.status, after.header("idempotency-replayed")), (201, None), "{after:?}");
    assert_eq!(values(&harness).await.len(), 1, "it has the time of its first request");
    send(&harness, "/api/readings/temperature/lab", &[], "3").await;
    assert_eq!(harness.store.key_count().await.unwrap(), 1, "without a key nothing is noted");
}

#[tokio::test]
async fn what_is_not_acknowledged_is_to_be_sent_again_and_counted() {
    let wanted = Wanted { ack_timeout: Duration::from_millis(300), ..Wanted::default() };
    let harness = Harness::start(wanted).await;
    harness.intake.stopped.store(true, Ordering::Relaxed);
    let key = ["idempotency-key: k"];
    let (first, second) = tokio::join!(
        send(&harness, "/api/readings/temperature/lab", &key, "1"),
        send(&harness, "/api/readings/temperature/lab", &key, "1")
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [409, 503], "{first:?} {second:?}");
    let late = if first.status == 503 { first } else { second };
    assert_eq!(late.header("retry-after"), Some("2"));
    // Two may wait, and one is there still, though nobody waits for it.
    let (second, third) = tokio::join!(
        send(&harness, "/api/readings/temperature/lab", &[], "2"),
        send(&harness, "/api/readings/temperature/lab", &[], "3")
    );
    assert!(second.body.contains("not acknowledged") != third.body.contains("not acknowledged"));
    harness.intake.stopped.store(false, Ordering::Relaxed);
    while send(&harness, "/api/readings/temperature/lab", &key, "1").await.status != 201 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(values(&harness).await.iter().filter(|(_, value)| *value == 1.0).count(), 1);
    let metrics = harness.ask("GET", "/metrics").await.body;
    let value = |name: &str| -> i64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("millrace_ingest_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse().unwrap()
    };
    let sum = ["taken_total", "refused_total", "failed_total", "in_flight"].map(value).iter().sum::<i64>();
    assert_eq!(value("requests_total"), sum);
    assert_eq!(value("in_flight"), 0);
}

#[tokio::test]
async fn a_body_is_bounded_also_when_it_is_packed() {
    let harness = Harness::start(Wanted::default()).await;
    let packed = |text: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    };
    let post = async |path: &str, kind: &str, body: &[u8]| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\n{kind}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            harness.address,
            body.len()
        );
        harness.raw_bytes(&[head.as_bytes(), body].concat()).await
    };
    let json = "content-type: application/json";
    let good = packed(br#"[{"topic": "temperature/lab", "value": 1}]"#);
    assert_eq!(post("/api/readings", json, &good).await.status, 201);
    let bomb = packed(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000);
    let answer = post("/api/readings", json, &bomb).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(post("/api/readings", json, &good[..20]).await.status, 400);
    assert_eq!(post("/api/readings", json, b"no gzip").await.status, 400);
    let large = "1".repeat(1024 * 1024 + 1);
    assert_eq!(harness.post("/api/readings", &large).await.status, 413);
    let many: Vec<Value> =
        (0..10_001).map(|value| json!({"topic": "temperature/lab", "value": value})).collect();
    assert_eq!(post("/api/readings", json, &packed(json!(many).to_string().as_bytes())).await.status, 413);
    for (headers, status) in [
        (["content-type: text/plain", "x: y"], 415),
        (["content-type: application/json", "content-encoding: br"], 415),
    ] {
        assert_eq!(send(&harness, "/api/readings", &headers, "[]").await.status, status);
    }
}

#[tokio::test]
async fn the_newest_readings_of_a_device_are_given() {
    let harness = Harness::start(Wanted::default()).await;
    harness.keep_many("temperature/lab", 500).await;
    harness.keep("temperature/other", 1.0).await;
    harness.until_series(2).await;
    let get = async |path: &str| harness.ask("GET", path).await;
    let newest = get("/api/devices/lab/data?limit=3").await.json();
    let values: Vec<_> =
        newest["readings"].as_array().unwrap().iter().map(|row| row["value"].clone()).collect();
    assert_eq!(values, [json!(500.0), json!(499.0), json!(498.0)]);
    assert_eq!(get("/api/devices/lab/data?limit=0").await.status, 400);
    assert_eq!(get("/api/devices/nobody/data").await.status, 404);
    let registered = harness.post("/sensors", r#"{"name": "new one", "sensor_type": "dht22"}"#).await;
    assert_eq!((registered.status, &registered.json()["name"]), (201, &json!("new-one")), "{registered:?}");
    let sensors = get("/sensors").await.json();
    assert_eq!(sensors["devices"].as_array().unwrap().len(), 3, "{sensors}");
    assert_eq!(get("/api/devices/new-one/data").await.json()["readings"], json!([]));
}
