//! Readings over HTTP, sent to the real binary: every form, keys, kills under load, and bodies that unpack to much.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use e2e::scenarios::http::{self, Senders, counters_add_up, device, each_once, piped, start, stored};
use e2e::{Cluster, LONG, Shape as _, eventually};
use serde_json::json;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    piped("gzip", &["-9"], bytes)
}

#[test]
fn every_form_is_stored_evaluated_and_answered() {
    let (_folder, millrace, http) = start();
    for (path, kind, body, taken) in [
        ("/api/devices/lab/data", "application/json", r#"{"type": "temperature", "value": 1}"#, 1),
        ("/api/devices/lab/data", "application/json", r#"[{"temperature": 2, "humidity": 3}]"#, 2),
        ("/api/readings", "application/json", r#"[{"topic": "temperature/lab", "value": 4}]"#, 1),
        ("/api/readings", "application/x-ndjson", r#"{"topic": "temperature/lab", "value": 5}"#, 1),
        ("/api/readings/temperature/lab", "text/plain", "6", 1),
        ("/sensors", "application/json", r#"{"device_id": "lab", "type": "temperature", "value": 7}"#, 1),
        (
            "/api/inputs/zigbee2mqtt/kitchen",
            "application/json",
            r#"{"temperature": 21.5, "linkquality": 80}"#,
            1,
        ),
    ] {
        let answer = http.send(path, &[("content-type", kind)], body.as_bytes()).unwrap();
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        assert!(answer.body["taken"].as_u64().unwrap() >= taken, "{path}: {}", answer.body);
    }
    let answer = http.json("/metric", r#"{"timestamp": 1768473000, "device_id": "lab", "cpu": 8, "rps": 9}"#);
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("accepted")));
    // A 201 is given when it is stored: nothing is waited for.
    let values = stored(&millrace, "lab");
    assert_eq!(values.len(), 9, "{values:?}");
    let exported = millrace.ask("/api/readings?device=lab&format=csv").1;
    let answer = http.send("/api/readings", &[("content-type", "text/csv")], exported.as_bytes()).unwrap();
    assert_eq!((answer.status, &answer.body["idempotent"]), (201, &json!(true)), "{}", answer.body);
    assert_eq!(stored(&millrace, "lab"), values, "what is imported again changes nothing");
    counters_add_up(&millrace, "ingest");
}

#[test]
fn a_body_that_unpacks_to_much_is_refused_and_takes_no_memory() {
    let (_folder, millrace, http) = start();
    let bomb = gzip(&vec![b' '; 512 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let before = millrace.resident_bytes();
    for _ in 0..20 {
        assert_eq!(http.send("/api/readings", &headers, &bomb).unwrap().status, 413);
    }
    let grown = millrace.resident_bytes().saturating_sub(before);
    assert!(grown < 100 * 1024 * 1024, "{grown} bytes more");
    let good = gzip(br#"[{"topic": "temperature/lab", "value": 1}]"#);
    assert_eq!(http.send("/api/readings", &headers, &good).unwrap().status, 201);
}

#[test]
fn what_is_sent_twice_with_a_key_is_stored_once() {
    http::twice();
}

#[test]
fn kills_under_load_over_http_lose_nothing_and_double_nothing() {
    http::kill();
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_202_of_the_cluster_is_stored_though_a_gateway_is_killed() {
    let cluster = Cluster::alone();
    let (device, http) = device(&cluster, "gateways");
    let senders = Senders::start(&http, &device, 8);
    for _ in 0..3 {
        senders.until_acked(200);
        let gateways = cluster.instances("gateway");
        assert_eq!(gateways.len(), 2);
        cluster.kill_container(&gateways[0].0);
        senders.until_acked(200);
        cluster.scale("gateway", 2);
    }
    let acked = senders.finish();
    eventually(LONG, || each_once(&acked, &stored(&cluster, &device)));
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn readings_are_taken_while_the_database_is_away() {
    http::database_away(&Cluster::alone());
}
