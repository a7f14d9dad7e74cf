//! The rules by which messages are read, as the API shows them and lets people add to them.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::harness::{Harness, Wanted};

const PATH: &str = "/api/inputs/rules";

const LAMP: &str = "[[rule]]\ntopic = \"lamp/{d}\"\nformat = \"text\"\ndevice = \"{d}\"\nmetric = \"on\"\n";

async fn add(harness: &Harness, rule: &str) -> Answer {
    harness.post(PATH, &json!({ "rule": rule }).to_string()).await
}

async fn mappings(harness: &Harness) -> Value {
    harness.ask("GET", "/api/inputs").await.json()["mappings"].clone()
}

#[tokio::test]
async fn a_rule_that_is_added_is_in_the_file_and_in_force() {
    let harness = Harness::start(Wanted::default()).await;
    let before = mappings(&harness).await;
    let file = harness.mappings().display().to_string();
    assert_eq!(
        (&before["file"], &before["own_rules"], &before["error"]),
        (&json!(file), &json!(0), &Value::Null)
    );
    assert_eq!((&before["can_add"], &before["why_not"]), (&json!(true), &Value::Null));
    let answer = add(&harness, LAMP).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let after = mappings(&harness).await;
    assert_eq!(answer.json(), json!({ "added": 1, "mappings": after }));
    assert_eq!((&after["own_rules"], after["hash"] != before["hash"]), (&json!(1), true));
    assert!(after["since"].as_str() > before["since"].as_str());
    assert_eq!(std::fs::read_to_string(harness.mappings()).unwrap(), LAMP);
}

#[tokio::test]
async fn the_words_of_rules_are_there_for_everybody_who_reads_values() {
    let harness = Harness::start(Wanted::default()).await;
    let words = async || harness.ask("GET", "/api/words").await.json()["words"].clone();
    assert_eq!(words().await, json!([]));
    add(&harness, &format!("{LAMP}words = {{ dim = 0.5, bright = 1 }}\n")).await;
    let states = json!([{ "value": 0.5, "word": "dim" }, { "value": 1.0, "word": "bright" }]);
    assert_eq!(words().await, json!([{ "metric": "on", "words": states }]));
}

#[tokio::test]
async fn presets_are_listed_with_whether_they_are_in_use() {
    let harness = Harness::start(Wanted::default()).await;
    let inputs = harness.ask("GET", "/api/inputs").await.json();
    let presets = inputs["mappings"]["presets"].as_array().unwrap();
    assert!(presets.contains(&json!({ "name": "tasmota", "on": true })), "{presets:?}");
    assert_eq!((presets.len(), &inputs["ignored"]), (telemetry::PRESETS.len(), &json!([])));
}

#[tokio::test]
async fn what_cannot_be_added_says_why_and_changes_nothing() {
    let harness = Harness::start(Wanted::default()).await;
    let wrong = add(&harness, "[[rule]]\ntopic = 1").await;
    assert_eq!((wrong.status, wrong.error().starts_with("line 2, column 9: ")), (422, true), "{wrong:?}");
    for (body, status) in [("{}", 400), ("{\"rule\": 1}", 400), ("nonsense", 400)] {
        assert_eq!(harness.post(PATH, body).await.status, status, "{body}");
    }
    assert_eq!(add(&harness, &"#".repeat(10_000)).await.status, 422);
    assert_eq!(add(&harness, &"#".repeat(100_000)).await.status, 413);
    assert!(!harness.mappings().exists());

    assert_eq!(add(&harness, LAMP).await.status, 201);
    let known = add(&harness, LAMP).await;
    assert_eq!((known.status, known.error().contains("a rule for lamp/{d}")), (409, true), "{known:?}");
    std::fs::write(harness.mappings(), "[[rule").unwrap();
    let broken = add(&harness, LAMP).await;
    assert_eq!(
        (broken.status, broken.error().contains("correct it first: line 1")),
        (409, true),
        "{broken:?}"
    );
    assert_eq!(std::fs::read_to_string(harness.mappings()).unwrap(), "[[rule");
}

#[tokio::test]
async fn only_our_own_page_may_add_a_rule() {
    let harness = Harness::start(Wanted::default()).await;
    let body = json!({ "rule": LAMP }).to_string();
    let host = format!("host: {}", harness.address);
    let headers = [&host, "content-type: application/json", "origin: https://evil.example"];
    let foreign = harness.send("POST", PATH, &headers, &body).await;
    let no_json = harness.send("POST", PATH, &[&host], &body).await;
    assert_eq!((foreign.status, no_json.status, harness.mappings().exists()), (403, 415, false));
}
