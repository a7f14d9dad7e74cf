//! Bad input is kept with its reason, and takes no good reading along.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{SOON, Start, eventually};
use serde_json::Value;

#[test]
fn every_bad_message_is_kept_with_its_reason_and_every_good_one_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (binary, large) = (file("binary", b"\xff\xfe\x00"), file("large", &vec![b'1'; 65 * 1024]));
    let ahead = r#"{"value":1,"measured_at":"2199-01-01T00:00:00Z"}"#;
    let bad: [(&str, [&str; 2], &str); 10] = [
        ("temperature/lab", ["-f", &binary], "not UTF-8"),
        ("temperature/lab", ["-m", "hello"], "not JSON"),
        ("temperature/lab", ["-m", "{}"], "there is no value"),
        ("temperature/lab", ["-m", "1e999"], "number out of range"),
        ("temperature/lab", ["-f", &large], "66560 bytes"),
        ("temperature/lab.1", ["-m", "1"], "'.'"),
        ("temperature", ["-m", "1"], "no device"),
        ("temperature/lab", ["-m", ahead], "5 minutes ahead"),
        ("temperature/lab", ["-m", "NaN"], "not JSON"),
        ("temperature/lab", ["-n", "-d"], "empty"),
    ];
    for (index, (topic, arguments, _)) in bad.iter().enumerate() {
        millrace.publish(topic, arguments);
        millrace.publish("temperature/lab", &["-m", &index.to_string()]);
    }
    let rejected = millrace.rows("rejected");
    assert_eq!(rejected.len(), bad.len());
    for ((topic, _, reason), kept) in bad.iter().rev().zip(&rejected) {
        assert_eq!(kept["topic"], *topic);
        assert!(kept["reason"].as_str().unwrap().contains(reason), "{kept} lacks {reason:?}");
        assert!(kept["received_at"].is_string() && kept["payload"].is_string());
    }
    let values: Vec<f64> =
        millrace.readings("device=lab").iter().map(|r| r["value"].as_f64().unwrap()).collect();
    assert_eq!(values, (0..bad.len()).map(|index| index as f64).collect::<Vec<_>>());
}

#[test]
fn a_metric_that_is_not_collected_and_a_cleared_topic_are_no_readings() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    millrace.publish("status/lab", &["-m", "online"]);
    millrace.publish("status/lab", &["-m", "offline"]);
    millrace.publish("temperature/lab", &["-n", "-r"]);
    assert_eq!(millrace.readings(""), Vec::<Value>::new());
    assert_eq!(millrace.rows("rejected"), Vec::<Value>::new());
    assert_eq!(millrace.metric("millrace_edge_not_collected_total"), 2.0);
}

#[test]
fn a_bad_request_says_what_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    for (path, status, expected) in [
        ("/api/readings?limit=0", 400, "limit must be a number from 1 to 100000"),
        ("/api/readings?after=nonsense", 400, "after must be"),
        ("/api/readings?from=yesterday", 400, "from must be RFC 3339"),
        ("/api/readings?points=10", 400, "points needs a device and a metric"),
        ("/api/rejected?limit=x", 400, "limit must be"),
        ("/api/nothing", 404, "there is nothing here"),
        ("/nothing", 404, "there is nothing here"),
    ] {
        let (answered, body) = millrace.ask(path);
        let error: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"));
        assert_eq!(answered, status, "{path}");
        assert!(error["error"].as_str().unwrap().contains(expected), "{path}: {error}");
    }
    eventually(SOON, || match millrace.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
    assert_eq!(millrace.ask("/livez"), (200, "live\n".to_owned()));
}
