//! Bad input is stored with its reason, and no good reading is rejected with it.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{SOON, Shape, Start, eventually};
use serde_json::Value;

e2e::on_both_shapes! {
    together: [
        every_bad_message_is_stored_with_its_reason_and_every_good_one_arrives,
        a_bad_request_says_what_it_may_be,
    ],
    alone: []
}

fn every_bad_message_is_stored_with_its_reason_and_every_good_one_arrives(shape: &mut impl Shape) {
    let (folder, device) = (tempfile::tempdir().unwrap(), shape.device("lab"));
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (binary, large) = (file("binary", b"\xff\xfe\x00"), file("large", &vec![b'1'; 65 * 1024]));
    let topic = format!("temperature/{device}");
    let ahead = r#"{"value":1,"measured_at":"2199-01-01T00:00:00Z"}"#;
    let bad = [
        (["-f", &binary], "not UTF-8"),
        (["-m", "hello"], "not JSON"),
        (["-m", "{}"], "there is no value"),
        (["-m", "1e999"], "number out of range"),
        (["-f", &large], "66560 bytes"),
        (["-m", ahead], "5 minutes ahead"),
        (["-m", "NaN"], "not JSON"),
        (["-n", "-d"], "empty"),
    ];
    for (index, (arguments, _)) in bad.iter().enumerate() {
        shape.publish(&topic, arguments);
        shape.publish(&topic, &["-m", &index.to_string()]);
    }
    let filter = format!("device={device}");
    let readings = shape.promised_rows(bad.len(), || shape.readings(&filter));
    let values: Vec<f64> = readings.iter().map(|r| r["value"].as_f64().unwrap()).collect();
    assert_eq!(values, (0..bad.len()).map(|index| index as f64).collect::<Vec<_>>());

    let rejected = shape.rows_of("rejected", &device);
    assert_eq!(rejected.len(), bad.len());
    for ((_, reason), kept) in bad.iter().rev().zip(&rejected) {
        assert!(kept["reason"].as_str().unwrap().contains(reason), "{kept} lacks {reason:?}");
        assert!(kept["received_at"].is_string() && kept["payload"].is_string());
    }
}

fn a_bad_request_says_what_it_may_be(shape: &mut impl Shape) {
    for (path, status, expected) in [
        ("/api/readings?limit=0", 400, "limit must be a number from 1 to 100000"),
        ("/api/readings?after=nonsense", 400, "after must be"),
        ("/api/readings?from=yesterday", 400, "from must be RFC 3339"),
        ("/api/readings?points=10", 400, "points needs a device and a metric"),
        ("/api/rejected?limit=x", 400, "limit must be"),
        ("/api/completeness?from=yesterday", 400, "from must be RFC 3339"),
        ("/api/nothing", 404, "not found"),
        ("/nothing", 404, "not found"),
    ] {
        let (answered, body) = shape.ask(path);
        let error: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"));
        assert_eq!(answered, status, "{path}");
        assert!(error["error"].as_str().unwrap().contains(expected), "{path}: {error}");
    }
    eventually(SOON, || match shape.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
    assert_eq!(shape.ask("/livez"), (200, "live\n".to_owned()));
}

// In the cluster, a device has no right to most of these topics, and `lab.1` reads as `lab/1`: RabbitMQ makes one of both.

#[test]
fn a_topic_that_names_no_device_is_stored_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    for (topic, reason) in [("temperature", "no device"), ("temperature/lab.1", "'.'")] {
        millrace.publish(topic, &["-m", "1"]);
        let kept = millrace.rows("rejected").remove(0);
        assert_eq!(kept["topic"], topic);
        assert!(kept["reason"].as_str().unwrap().contains(reason), "{kept}");
    }
}

#[test]
fn what_no_rule_reads_and_a_cleared_topic_are_no_readings() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    millrace.publish("notes/lab", &["-m", "online"]);
    millrace.publish("notes/lab", &["-m", "offline"]);
    millrace.publish("temperature/lab", &["-n", "-r"]);
    assert_eq!(millrace.readings(""), Vec::<Value>::new());
    assert_eq!(millrace.rows("rejected"), Vec::<Value>::new());
    assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 2.0);
}
