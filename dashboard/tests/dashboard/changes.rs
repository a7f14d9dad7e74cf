//! What the API lets people change, and whom it lets.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{End, Silences, Transition};

use crate::alerts::alert;
use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

const SILENCE: &str =
    r##"{"device":"site-a/#","rule":"temperature-high","for":"2h","reason":"moving","by":"ann"}"##;

const JSON: &str = "content-type: application/json";

async fn silences(harness: &Harness, query: &str) -> Vec<Value> {
    harness.ask("GET", &format!("/api/silences{query}")).await.json()["silences"].as_array().unwrap().clone()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_silence_lasts_until_its_end_or_until_it_is_ended() {
    let harness = Harness::start(Wanted::default()).await;
    let answer = harness.post("/api/silences", SILENCE).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{answer:?}");
    let silence = answer.json();
    let (from, until) = (time(&silence["from"]), time(&silence["until"]));
    assert_eq!(until.duration_since(from), SignedDuration::from_hours(2));
    assert_eq!((&silence["device"], &silence["metric"]), (&json!("site-a/#"), &Value::Null));
    assert_eq!((&silence["reason"], &silence["by"]), (&json!("moving"), &json!("ann")));
    assert_eq!(silences(&harness, "").await, std::slice::from_ref(&silence));

    let path = format!("/api/silences/{}", silence["id"].as_str().unwrap());
    for _ in 0..2 {
        let ended = harness.ask("DELETE", &path).await;
        assert_eq!((ended.status, ended.body.as_str()), (204, ""), "{ended:?}");
    }
    assert_eq!(silences(&harness, "").await, [] as [Value; 0]);
    let all = silences(&harness, "?all=true").await;
    assert_eq!((all.len(), &all[0]["id"]), (1, &silence["id"]));
    assert!(time(&all[0]["until"]) < until);
    assert_eq!(harness.store.silences(Timestamp::now()).await.unwrap(), []);
}

#[tokio::test]
async fn what_cannot_be_changed_says_why() {
    let harness = Harness::start(Wanted::default()).await;
    let long = format!(r##"{{"device":"#","for":"2h","reason":"{}"}}"##, "x".repeat(501));
    let path = "/api/silences";
    for (path, body, status, expected) in [
        (path, "", 400, "the body cannot be read"),
        (path, "{", 400, "the body cannot be read"),
        (path, r##"{"device":"#","reason":"x"}"##, 400, "either by until or by for"),
        (
            path,
            r##"{"device":"#/a","for":"1h","reason":"x"}"##,
            400,
            "device: # stands for all further levels",
        ),
        (path, r##"{"device":"#","until":"2020-01-01T00:00:00Z","reason":"x"}"##, 400, "later than now"),
        (path, r##"{"device":"#","for":"2years","reason":"x"}"##, 400, "at most 366 days"),
        (path, long.as_str(), 400, "reason must say in 1 to 500"),
        (path, r##"{"device":"#","for":"1h","reason":"x","who":"ann"}"##, 400, "unknown field `who`"),
        ("/api/silences?device=a", SILENCE, 400, "unknown parameter device"),
        ("/api/acknowledgements", r#"{"note":"x"}"#, 400, "missing field `incident`"),
        ("/api/acknowledgements", r#"{"incident":"x"}"#, 404, "there is no incident with this id"),
    ] {
        let answer = harness.post(path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        assert!(answer.error().contains(expected), "{path} {body}: {}", answer.error());
    }
    let unknown = harness.ask("DELETE", "/api/silences/0123456789ab").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.error().contains("there is no such silence"), "{unknown:?}");
    assert_eq!(harness.store.silences(Timestamp::MIN).await.unwrap(), []);
}

#[tokio::test]
async fn an_alert_is_acknowledged_once_while_it_is_open() {
    let harness = Harness::start(Wanted::default()).await;
    harness.open(alert("lab")).await;
    let id = alert("lab").id;
    let body = |by: &str| json!({ "incident": id, "by": by, "note": "on my way" }).to_string();
    let first = harness.post("/api/acknowledgements", &body("ann")).await;
    assert_eq!(first.status, 200, "{first:?}");
    let alert = first.json();
    assert_eq!((&alert["id"], &alert["acknowledged"]["by"]), (&json!(id), &json!("ann")));
    assert_eq!(alert["acknowledged"]["note"], "on my way");
    assert!(time(&alert["acknowledged"]["at"]) <= Timestamp::now());
    let second = harness.post("/api/acknowledgements", &body("ben")).await;
    assert_eq!((second.status, second.json()), (200, alert), "the first counts");

    let at = Timestamp::now();
    harness
        .change(Transition::Resolved {
            id: id.clone(),
            at,
            judged_at: at,
            value: None,
            end: End::RuleRemoved,
        })
        .await;
    let late = harness.post("/api/acknowledgements", &body("ann")).await;
    assert_eq!(late.status, 409, "{late:?}");
    assert!(late.error().contains("it was resolved at 20"), "{late:?}");
}

/// Asks for a silence with these headers.
async fn ask(harness: &Harness, headers: &[&str]) -> Answer {
    harness.send("POST", "/api/silences", headers, SILENCE).await
}

#[tokio::test]
async fn another_site_can_change_nothing() {
    let public_url = "https://millrace.example.org/iot";
    let harness = Harness::start(Wanted { public_url, ..Wanted::default() }).await;
    let host = format!("host: {}", harness.address);
    let own = format!("origin: http://{}", harness.address);
    for (host, origin) in [
        (host.as_str(), "origin: https://evil.example.org"),
        (&host, "origin: null"),
        (&host, "origin: http://localhost"),
        (&host, "origin: \u{e9}"),
        ("host: evil.example.org", own.as_str()),
        ("host: evil.example.org", "origin: http://evil.example.org"),
        ("host: evil.example.org", "accept: */*"),
        ("host: millrace.example.org.evil.example", "accept: */*"),
        ("accept: */*", "accept: */*"),
    ] {
        let answers = [
            ask(&harness, &[host, origin, JSON]).await,
            harness.send("POST", "/api/acknowledgements", &[host, origin, JSON], r#"{"incident":"x"}"#).await,
            harness.send("DELETE", "/api/silences/0123456789ab", &[host, origin], "").await,
        ];
        for answer in answers {
            assert_eq!(answer.status, 403, "{host} {origin}: {answer:?}");
            assert!(answer.error().contains("http.public_url"), "{answer:?}");
        }
    }
    assert_eq!(silences(&harness, "?all=true").await.len(), 0);
    for (host, origin) in [
        (host.as_str(), own.as_str()),
        (&host, "origin: https://millrace.example.org"),
        ("host: localhost:8080", "origin: http://localhost:8080"),
        ("host: millrace.example.org", "accept: */*"),
        ("host: [::1]:8080", "accept: */*"),
    ] {
        let answer = ask(&harness, &[host, origin, JSON]).await;
        assert_eq!(answer.status, 201, "{host} {origin}: {answer:?}");
    }
}

#[tokio::test]
async fn a_change_is_json_and_short() {
    let harness = Harness::start(Wanted::default()).await;
    let host = format!("host: {}", harness.address);
    for kind in ["content-type: text/plain", "content-type: application/x-www-form-urlencoded", "accept: */*"]
    {
        let answer = ask(&harness, &[&host, kind]).await;
        assert_eq!(answer.status, 415, "{kind}: {answer:?}");
        assert!(answer.error().contains("content-type: application/json"), "{answer:?}");
    }
    let answer = ask(&harness, &[&host, "content-type: Application/JSON; charset=utf-8"]).await;
    assert_eq!(answer.status, 201, "{answer:?}");

    let padded = |bytes: usize| format!("{SILENCE}{}", " ".repeat(bytes - SILENCE.len()));
    assert_eq!(harness.post("/api/silences", &padded(16 * 1024)).await.status, 201);
    let large = harness.post("/api/silences", &padded(16 * 1024 + 1)).await;
    assert_eq!(large.status, 413, "{large:?}");
    assert!(large.error().contains("at most 16384 bytes"), "{large:?}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = api::Limits { body_timeout: Duration::from_millis(200), ..api::Limits::default() };
    let harness = Harness::start(Wanted { limits, ..Wanted::default() }).await;
    let host = format!("host: {}", harness.address);
    let answer = harness.send("POST", "/api/silences", &[&host, JSON, "content-length: 100"], "").await;
    assert_eq!(answer.status, 408, "{answer:?}");
}
