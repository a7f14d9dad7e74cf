//! Rejected payloads that somebody mends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ReadingPublisher;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Batch, ReadingStore, RejectedMessage, Rejections};
use telemetry::{Message, Series};
use tokio::sync::{Notify, Semaphore};

use crate::harness::{BOUND, Harness, Wanted};

/// A broker that keeps what it is given, for as long as it answers.
#[derive(Clone)]
pub(crate) struct Heard {
    messages: Arc<Mutex<Vec<(String, String)>>>,
    /// A permit lets a publish through; closed, the broker refuses.
    answers: Arc<Semaphore>,
    asked: Arc<Notify>,
}

impl Default for Heard {
    fn default() -> Self {
        Self { messages: Arc::default(), answers: Arc::new(Semaphore::new(1_000)), asked: Arc::default() }
    }
}

#[async_trait]
impl ReadingPublisher for Heard {
    async fn publish(&self, series: &Series, payloads: Vec<Bytes>) -> anyhow::Result<()> {
        self.asked.notify_one();
        self.answers.acquire().await?.forget();
        let text = |payload: Bytes| String::from_utf8(payload.to_vec()).unwrap();
        let messages = payloads.into_iter().map(|payload| (series.to_string(), text(payload)));
        self.messages.lock().unwrap().extend(messages);
        Ok(())
    }
}

impl Heard {
    async fn until_asked(&self) {
        self.asked.notified().await;
    }

    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        self.messages.lock().unwrap().clone()
    }
}

fn received_at() -> Timestamp {
    "2026-01-15T10:30:00.312408Z".parse().unwrap()
}

/// Beside a rejection of this payload, with its id.
async fn rejected(payload: &'static [u8]) -> (Harness, String) {
    rejected_beside(payload, Wanted::default()).await
}

async fn rejected_beside(payload: &'static [u8], wanted: Wanted) -> (Harness, String) {
    let harness = Harness::start(wanted).await;
    let message = RejectedMessage {
        received_at: received_at(),
        topic: "temperature/lab".into(),
        reason: "the payload is not JSON".into(),
        payload: Bytes::from_static(payload),
    };
    harness.store.write(&Batch { rejected: vec![message], ..Batch::default() }.into()).await.unwrap();
    let id = row(&harness).await["id"].as_str().unwrap().to_owned();
    (harness, id)
}

async fn row(harness: &Harness) -> Value {
    harness.ask("GET", "/api/rejected").await.json()["rejected"][0].clone()
}

fn path(id: &str) -> String {
    format!("/api/rejected/{id}/resend")
}

#[tokio::test]
async fn a_corrected_payload_is_published_with_its_time_and_marked_once() {
    let (harness, id) = rejected(b"23,5").await;
    assert_eq!(row(&harness).await["resent_at"], Value::Null);
    let before = Timestamp::now();
    let answer = harness.post(&path(&id), r#"{"payload":"23.5"}"#).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    let said = answer.json();
    assert_eq!(said["readings"], 1);
    assert!(
        said["resent_at"].as_str().unwrap().parse::<Timestamp>().unwrap() + Duration::from_micros(1) > before
    );
    let marked = row(&harness).await;
    assert_eq!((&marked["resent_at"], &marked["payload"]), (&said["resent_at"], &json!("23,5")));
    assert_eq!(harness.store.rejected_count().await.unwrap(), 0);

    let heard = harness.heard.messages();
    assert_eq!(heard.len(), 1);
    let message = Message {
        topic: heard[0].0.clone(),
        payload: heard[0].1.clone().into(),
        received_at: Timestamp::now(),
    };
    let reading = message.decode().readings.remove(0);
    assert_eq!((reading.series.as_str(), reading.value), ("temperature/lab", 23.5));
    assert_eq!(reading.measured_at, received_at(), "and not when it was resent");

    let again = harness.post(&path(&id), r#"{"payload":"23.5"}"#).await;
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.error().contains("it was resent at 20"), "{again:?}");
    assert_eq!(harness.heard.messages().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_resent_says_why_and_changes_nothing() {
    let (harness, id) = rejected(b"\xff23").await;
    let known = path(&id);
    let long = json!({ "payload": format!("1{}", " ".repeat(64 * 1024)) }).to_string();
    for (path, body, status, expected) in [
        (known.as_str(), "{}", 422, "the payload is not UTF-8"),
        (&known, r#"{"payload":"23,5"}"#, 422, "the payload is not JSON"),
        (&known, r#"{"payload":"1","topic":"temperature/a.b"}"#, 422, "'.'"),
        (&known, r#"{"payload":"1","topic":"light/lab"}"#, 422, "is not collected"),
        (
            &known,
            r#"{"payload":"[{\"value\":1},{\"value\":null}]"}"#,
            422,
            "reading 2 of 2: there is no value",
        ),
        (&known, &long, 422, "the payload has 65537 bytes"),
        (&known, "", 400, "the body cannot be read"),
        (&known, r#"{"payload":1}"#, 400, "expected a string"),
        (&known, r#"{"value":1}"#, 400, "unknown field `value`"),
        (&format!("{known}?x=1"), "{}", 400, "unknown parameter x"),
        ("/api/rejected/99/resend", r#"{"payload":"1"}"#, 404, "GET /api/rejected lists them"),
        ("/api/rejected/-1/resend", r#"{"payload":"1"}"#, 404, "GET /api/rejected lists them"),
        ("/api/rejected/99999999999999999999/resend", "{}", 404, "GET /api/rejected lists them"),
        ("/api/rejected/x/resend", "{}", 404, "GET /api/rejected lists them"),
    ] {
        let answer = harness.post(path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        assert!(answer.error().contains(expected), "{path} {body}: {}", answer.error());
    }
    assert_eq!(harness.heard.messages(), []);
    assert_eq!(row(&harness).await["resent_at"], Value::Null);
    assert_eq!(harness.store.rejected_count().await.unwrap(), 1);
}

#[tokio::test]
async fn the_longest_payload_may_be_corrected_however_json_writes_it() {
    let (harness, id) = rejected(b"x").await;
    let escaped = "\\u0020".repeat(64 * 1024 - 1);
    let padded = |bytes: usize| {
        let body = format!(r#"{{"payload":"1{escaped}"}}"#);
        let spaces = " ".repeat(bytes - body.len());
        body + &spaces
    };
    let most = 6 * 64 * 1024 + 16 * 1024;
    let large = harness.post(&path(&id), &padded(most + 1)).await;
    assert_eq!(large.status, 413, "{large:?}");
    assert!(large.error().contains(&format!("at most {most} bytes")), "{large:?}");
    let answer = harness.post(&path(&id), &padded(most)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(harness.heard.messages().len(), 1);
}

#[tokio::test]
async fn only_this_page_resends_and_only_by_post() {
    let (harness, id) = rejected(b"1").await;
    let (path, host) = (path(&id), format!("host: {}", harness.address));
    let json = "content-type: application/json";
    for (headers, status, expected) in [
        ([host.as_str(), "origin: https://evil.example.org", json], 403, "http.public_url"),
        (["host: evil.example.org", "accept: */*", json], 403, "http.public_url"),
        ([&host, "accept: */*", "content-type: text/plain"], 415, "content-type: application/json"),
    ] {
        let answer = harness.send("POST", &path, &headers, "{}").await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        assert!(answer.error().contains(expected), "{answer:?}");
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = harness.ask(method, &path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("post")), "{method}");
    }
    assert_eq!(harness.heard.messages(), []);
    assert_eq!(harness.post(&path, "{}").await.status, 200);
}

#[tokio::test]
async fn without_a_broker_nothing_is_marked() {
    let (harness, id) = rejected(b"1").await;
    harness.heard.answers.close();
    let refused = harness.post(&path(&id), "{}").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.error().contains("the readings were not accepted"), "{refused:?}");
    assert_eq!(row(&harness).await["resent_at"], Value::Null);
}

#[tokio::test]
async fn two_at_one_row_publish_it_once_and_who_waited_too_long_may_try_again() {
    let wanted = Wanted { ack_timeout: Duration::from_secs(2), ..Wanted::default() };
    let (harness, id) = rejected_beside(b"1", wanted).await;
    harness.heard.answers.forget_permits(1_000);
    let path = path(&id);
    let second = async {
        // The first has come as far as the broker.
        harness.heard.until_asked().await;
        harness.post(&path, r#"{"payload":"2"}"#).await
    };
    let both = async { tokio::join!(harness.post(&path, "{}"), second) };
    let (first, second) = tokio::time::timeout(BOUND, both).await.unwrap();
    assert_eq!(second.status, 409, "{second:?}");
    assert!(second.error().contains("somebody else"), "{second:?}");
    assert_eq!(first.status, 503, "{first:?}");
    assert!(first.error().contains("not acknowledged within 2s"), "{first:?}");
    assert_eq!((harness.heard.messages().len(), row(&harness).await["resent_at"].clone()), (0, Value::Null));
    harness.heard.answers.add_permits(1);
    assert_eq!(harness.post(&path, "{}").await.status, 200);
    assert_eq!(harness.heard.messages().len(), 1);
}

#[tokio::test]
async fn rejected_payloads_come_in_pages_and_by_what_became_of_them() {
    let (harness, id) = rejected(b"1").await;
    for reason in ["b", "c"] {
        harness.reject(reason).await;
    }
    assert_eq!(harness.post(&path(&id), "{}").await.status, 200);
    let ids = async |query: &str| -> Vec<String> {
        let rows = harness.ask("GET", &format!("/api/rejected?{query}")).await.json();
        rows["rejected"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().into()).collect()
    };
    let all = ids("").await;
    assert_eq!((all.len(), &all[2]), (3, &id));
    assert_eq!(ids("resent=true").await, std::slice::from_ref(&id));
    assert_eq!(ids("resent=false").await, all[..2]);
    let next = harness.ask("GET", "/api/rejected?limit=1").await.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(ids(&format!("limit=1&after={next}")).await, all[1..2]);
    let last = harness.ask("GET", &format!("/api/rejected?limit=2&after={next}")).await.json();
    assert_eq!(last["next"], Value::Null, "no more follow");
}
