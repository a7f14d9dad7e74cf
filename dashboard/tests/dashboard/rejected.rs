//! Rejected payloads that are many, or long.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Batch, ReadingStore, RejectedMessage, Rejections};

use crate::harness::{Harness, Wanted};

const MIB: usize = 1024 * 1024;

fn message(topic: &str, reason: &str, payload: impl Into<Bytes>) -> RejectedMessage {
    RejectedMessage {
        received_at: Timestamp::now(),
        topic: topic.into(),
        reason: reason.into(),
        payload: payload.into(),
    }
}

async fn with(rejected: Vec<RejectedMessage>) -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.store.write(&Batch { rejected, ..Batch::default() }.into()).await.unwrap();
    harness
}

async fn get(harness: &Harness, path: &str) -> Value {
    let answer = harness.ask("GET", path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Three numbers with a comma, one text, and one on another topic.
async fn five() -> Harness {
    with(vec![
        message("temperature/lab", "no number: \"1,5\"", "1,5"),
        message("temperature/lab", "no number: \"2,5\"", "2,5"),
        message("temperature/lab", "no number: \"3,5 x\"", "3,5 x"),
        message("temperature/lab", "no value", "{}"),
        message("temperature/attic", "no value", "{}"),
    ])
    .await
}

#[tokio::test]
async fn a_page_of_long_payloads_ends_at_a_mebibyte_and_has_previews() {
    let payload = Bytes::from(vec![0xff; MIB]);
    let long = (0..300).map(|number| message(&format!("temperature/{number}"), "not UTF-8", payload.clone()));
    let harness = with(long.collect()).await;
    let (mut after, mut rows, mut pages) = (String::new(), 0, 0);
    loop {
        let answer = harness.ask("GET", &format!("/api/rejected?limit=100000&after={after}")).await;
        assert!(answer.body.len() < MIB + 1024, "{} bytes", answer.body.len());
        let page = answer.json();
        for row in page["rejected"].as_array().unwrap() {
            let payload = row["payload"].as_str().unwrap();
            assert!(payload.len() <= 4096, "{}", payload.len());
            assert_eq!((&row["payload_bytes"], &row["stored_bytes"]), (&json!(MIB), &json!(65_536)));
            rows += 1;
        }
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!((rows, pages), (300, 2));

    let id = get(&harness, "/api/rejected?limit=1").await["rejected"][0]["id"].as_str().unwrap().to_owned();
    let whole = get(&harness, &format!("/api/rejected/{id}")).await;
    assert_eq!(whole["payload"].as_str().unwrap().chars().count(), 65_536);
    let refused = harness.post(&format!("/api/rejected/{id}/resend"), "{}").await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.error().contains("only the first 65536 of its 1048576 bytes are stored"), "{refused:?}");
}

#[tokio::test]
async fn a_group_selects_what_is_listed_and_dismissed() {
    let harness = five().await;
    let groups = get(&harness, "/api/rejected/groups?resent=false").await;
    let of = |topic: &str, reason: &str| {
        let groups = groups["groups"].as_array().unwrap().iter();
        let mut found = groups.filter(|group| group["topic"] == topic && group["reason"] == reason);
        found.next().unwrap_or_else(|| panic!("{topic}: {reason} is missing"))["count"].clone()
    };
    assert_eq!(groups["groups"].as_array().unwrap().len(), 3, "{groups}");
    assert_eq!(of("temperature/lab", "no number: …"), 3);
    assert_eq!(
        (of("temperature/lab", "no value"), of("temperature/attic", "no value")),
        (1.into(), 1.into())
    );

    let commas = "/api/rejected?topic=temperature/lab&reason=no%20number:%20%E2%80%A6";
    assert_eq!(get(&harness, commas).await["rejected"].as_array().unwrap().len(), 3);
    let dismissed = harness.ask("DELETE", commas).await;
    assert_eq!((dismissed.status, dismissed.json()), (200, json!({ "dismissed": 3 })));
    assert_eq!(harness.store.rejected_count().await.unwrap(), 2);
    let wrong = harness.ask("DELETE", "/api/rejected?limit=1").await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert_eq!(harness.ask("DELETE", "/api/rejected").await.json(), json!({ "dismissed": 2 }));
    assert_eq!(get(&harness, "/api/rejected").await, json!({ "rejected": [], "next": null }));
}

#[tokio::test]
async fn one_is_dismissed_once_and_only_by_this_page() {
    let harness = five().await;
    let rows = get(&harness, "/api/rejected").await;
    let path = format!("/api/rejected/{}", rows["rejected"][0]["id"].as_str().unwrap());
    let host = format!("host: {}", harness.address);
    for path in [path.as_str(), "/api/rejected"] {
        let foreign = harness.send("DELETE", path, &[&host, "origin: https://evil.example.org"], "").await;
        assert_eq!(foreign.status, 403, "{foreign:?}");
    }
    assert_eq!(harness.store.rejected_count().await.unwrap(), 5);
    assert_eq!(harness.ask("DELETE", &path).await.status, 204);
    for (method, path) in [("DELETE", path.as_str()), ("GET", &path), ("GET", "/api/rejected/x")] {
        let answer = harness.ask(method, path).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        assert!(answer.error().contains("GET /api/rejected lists them"), "{answer:?}");
    }
    assert_eq!(harness.store.rejected_count().await.unwrap(), 4);
}

#[tokio::test]
async fn many_are_resent_with_one_correction() {
    let harness = five().await;
    let path = "/api/rejected/resend";
    let body = json!({ "topic": "temperature/lab", "replace": { "find": ",", "with": "." } }).to_string();
    let done = harness.post(path, &body).await.json();
    assert_eq!((&done["resent"], &done["readings"], &done["next"]), (&json!(2), &json!(2), &Value::Null));
    assert_eq!(done["failed"].as_array().unwrap().len(), 2, "{done}");
    let mut heard: Vec<_> = harness.heard.messages().into_iter().map(|(topic, _)| topic).collect();
    heard.dedup();
    assert_eq!(heard, ["temperature/lab"]);
    assert_eq!(harness.store.rejected_count().await.unwrap(), 3);
    for (body, expected) in [
        ("{}", "missing field `topic`"),
        (r#"{"topic":"t/a","replace":{"find":"","with":"x"}}"#, "find must not be empty"),
        (r#"{"topic":"t/a","after":"x"}"#, "after must be the `next`"),
        (r#"{"topic":"t/a","payload":"1"}"#, "unknown field `payload`"),
    ] {
        let answer = harness.post(path, body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.error().contains(expected), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn one_call_resends_a_hundred_and_says_where_the_next_goes_on() {
    let numbers = (0..250).map(|number| message("temperature/a.b", "'.'", number.to_string()));
    let harness = with(numbers.collect()).await;
    let (mut after, mut calls) = (Value::Null, Vec::new());
    loop {
        let body = json!({ "topic": "temperature/a.b", "new_topic": "temperature/ab", "after": after });
        let done = harness.post("/api/rejected/resend", &body.to_string()).await.json();
        calls.push(done["resent"].as_u64().unwrap());
        after = done["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(calls, [100, 100, 50]);
    assert_eq!(harness.heard.messages().len(), 250);
    assert_eq!(harness.store.rejected_count().await.unwrap(), 0);
}
