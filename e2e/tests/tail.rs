//! The live stream in a terminal, beside a real dashboard of both shapes.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{Millrace, Shape, Start, Tail, free_address};
use serde_json::json;

fn the_stream_shows_what_matches(shape: &mut impl Shape) {
    let device = shape.device("tailed");
    let publish = |metric: &str, second: u32, value: f64| {
        let measured_at = format!("2026-01-15T10:30:0{second}.25Z");
        let payload = format!(r#"{{"value":{value},"unit":"celsius","measured_at":"{measured_at}"}}"#);
        shape.publish(&format!("{metric}/{device}"), &["-m", &payload]);
    };
    publish("temperature", 0, 21.5);
    let mut tail = Tail::start(shape.http(), &["--json", "--count", "3", &format!("temperature/{device}/#")]);
    let row = |second: u32, value: f64| {
        json!({"device": device, "metric": "temperature", "value": value, "unit": "celsius",
               "measured_at": format!("2026-01-15T10:30:0{second}.250000Z"), "state": "offline"})
    };
    assert_eq!(tail.json(), row(0, 21.5));
    publish("humidity", 1, 99.0);
    publish("temperature", 1, 26.5);
    // The reading and its incident may come in one frame, or the incident later.
    assert_eq!(tail.json(), row(1, 26.5));
    let said = tail.json();
    assert_eq!(
        (&said["incident"]["device"], &said["incident"]["resolved_at"]),
        (&json!(device), &json!(null)),
        "{said}"
    );
    assert_eq!(tail.exit_code(), Some(0));
}

e2e::on_both_shapes! {
    together: [the_stream_shows_what_matches],
    alone: []
}

fn publish(millrace: &Millrace, value: &str) {
    millrace.publish("temperature/lab", &["-m", value]);
}

#[test]
fn a_restart_is_reported_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address().to_string();
    let start = Start::new(&folder.path().join("data")).set("HTTP__LISTEN", &address);
    let millrace = start.start();
    publish(&millrace, "21.5");
    let mut tail = Tail::start(&millrace.http, &["temperature/+"]);
    assert!(tail.line().ends_with("Z temperature/lab 21.5 -"));
    let (status, start) = millrace.terminate();
    assert!(status.success());
    tail.says(&format!("no connection to http://{address} since 20"));
    let millrace = start.start();
    tail.says("again after");
    publish(&millrace, "21.75");
    assert!(tail.line().ends_with("Z temperature/lab 21.75 -"), "the value from before is not printed twice");
    tail.interrupt();
    assert_eq!(tail.exit_code(), Some(0));
}

#[test]
fn a_refusal_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).set("DASHBOARD__MAX_CLIENTS", "0").start();
    Tail::start(&millrace.http, &[]).says("too many pages are open: see dashboard.max_clients");
    let mut elsewhere = Tail::start(&format!("{}/elsewhere", millrace.http), &[]);
    elsewhere.says("is it the address of a dashboard?");
    assert_eq!(elsewhere.exit_code(), Some(1));
}
