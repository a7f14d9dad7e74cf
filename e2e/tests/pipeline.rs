//! `/api/pipeline`: the state of the stages that a reading passes, observed while something is wrong with one.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::path::Path;

use e2e::{LONG, Load, Millrace, SOON, Shape, Start, eventually};
use rusqlite::Connection;
use serde_json::Value;

/// One of the stages.
fn stage(shape: &impl Shape, id: &str) -> Value {
    let pipeline = shape.get("/api/pipeline");
    let stages = pipeline["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["id"] == id).cloned().unwrap_or_default()
}

/// Waits until a stage has this property, and returns the stage.
fn until(shape: &impl Shape, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    eventually(LONG, || Some(stage(shape, id)).filter(&holds).ok_or_else(|| stage(shape, id)))
}

fn rate_within(stage: &Value, rates: std::ops::Range<f64>) -> bool {
    stage["rate"].as_f64().is_some_and(|rate| rates.contains(&rate))
}

/// A `millrace` to which nothing has been published.
fn idle(folder: &Path) -> Millrace {
    let millrace = Start::new(&folder.join("data")).start();
    until(&millrace, "writer", |writer| writer["rate"] == 0.0 && writer["state"] == "ok");
    millrace
}

mod takes_long {
    use std::time::Duration;

    #[test]
    #[ignore = "takes ten seconds: `make drill` runs it"]
    fn collecting_the_state_of_the_stages_costs_next_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let millrace = super::idle(folder.path());
        let before = millrace.cpu();
        std::thread::sleep(Duration::from_secs(10));
        let used = millrace.cpu() - before;
        assert!(used < Duration::from_millis(500), "{used:?} of processor time in ten idle seconds");
    }
}

#[test]
fn rates_follow_what_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = idle(folder.path());
    let arguments = ["load", "--connections", "7", "--rate", "200", "--duration", "1h"];
    let load = Load::start(&millrace.device_url(), folder.path(), &arguments);
    for id in ["devices", "broker", "writer", "store", "alerter"] {
        until(&millrace, id, |stage| rate_within(stage, 180.0..220.0) && stage["state"] == "ok");
    }
    assert_eq!(stage(&millrace, "devices")["says"], serde_json::json!(["7 fresh"]));
    assert_eq!(stage(&millrace, "broker")["says"], serde_json::json!(["7 connections"]));
    let behind = stage(&millrace, "writer")["behind"].as_f64().unwrap();
    assert!(behind < 5.0, "{behind}");
    load.interrupt();
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    until(&millrace, "writer", |writer| writer["rate"] == 0.0 && writer["behind"] == 0.0);
    until(&millrace, "broker", |broker| broker["says"] == serde_json::json!(["0 connections"]));
}

#[test]
fn a_store_that_is_away_is_shown_and_so_is_the_lag() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    millrace.publish("temperature/lab", &["-m", "21"]);
    until(&millrace, "store", |store| store["state"] == "ok" && store["rate"] != Value::Null);
    let somebody = Connection::open(folder.path().join("data/millrace.db")).unwrap();
    somebody.busy_timeout(SOON).unwrap();
    somebody.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let arguments = ["load", "--connections", "3", "--count", "30"];
    let load = Load::start(&millrace.device_url(), folder.path(), &arguments);
    let store = until(&millrace, "store", |store| store["state"] == "down");
    assert!(store["problem"].as_str().unwrap().contains("locked"), "{store}");
    let writer = until(&millrace, "writer", |writer| writer["behind"].as_f64() > Some(6.0));
    assert_eq!(writer["state"], "warning", "{writer}");
    let broker = until(&millrace, "broker", |broker| broker["state"] == "warning");
    assert!(broker["depth"].as_u64() > Some(0), "{broker}");
    somebody.execute_batch("ROLLBACK").unwrap();
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    until(&millrace, "store", |store| store["state"] == "ok");
    until(&millrace, "writer", |writer| writer["state"] == "ok" && writer["behind"] == 0.0);
    until(&millrace, "broker", |broker| broker["state"] == "ok" && broker["depth"] == 0);
}
