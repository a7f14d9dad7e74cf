//! What devices say of themselves in words, as callers may see it.

use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Batch, ReadingStore, Role};
use telemetry::Attribute;

use crate::access;
use crate::harness::{Harness, Wanted};

async fn harness() -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    let since: Timestamp = "2026-01-15T10:30:00Z".parse().unwrap();
    let of = |device, name, value| Attribute::new(device, name, value, since).unwrap();
    let attributes = vec![
        of("site-a", "gateway", "g1"),
        of("site-a/lab", "firmware", "1.4"),
        of("site-b/lab", "firmware", "9.9"),
    ];
    harness.store.write(&Batch { attributes, ..Batch::default() }.into()).await.unwrap();
    harness
}

#[tokio::test]
async fn a_device_has_its_own_and_those_of_the_devices_above_it() {
    let harness = harness().await;
    let answer = harness.ask("GET", "/api/attributes?device=site-a/lab").await;
    let row = |device, name, value| json!({"device": device, "name": name, "value": value, "since": "2026-01-15T10:30:00.000000Z"});
    assert_eq!(
        answer.json(),
        json!({"attributes": [row("site-a", "gateway", "g1"), row("site-a/lab", "firmware", "1.4")]})
    );
    assert_eq!(harness.ask("GET", "/api/attributes?device=other").await.json(), json!({"attributes": []}));
    for wrong in ["", "?device=", "?device=lab&metric=x"] {
        assert_eq!(harness.ask("GET", &format!("/api/attributes{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_caller_sees_those_of_devices_within_the_filters() {
    let harness = harness().await;
    access::add(&harness, "root", Role::Admin, &[]).await;
    access::add(&harness, "ben", Role::Viewer, &["site-a/+"]).await;
    let ben = access::session(&harness, "ben").await;
    let ask = async |path: &str| access::ask(&harness, "get", path, &ben, "").await;
    assert_eq!(ask("/api/attributes?device=site-b/lab").await.status, 404);
    let seen = ask("/api/attributes?device=site-a/lab").await.json();
    let names: Vec<&Value> = seen["attributes"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["firmware"], "the gateway above it is outside");
}
