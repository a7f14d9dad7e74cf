//! What real devices publish, through the real broker into the store: each message as a user expects it.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::path::Path;

use e2e::{Millrace, Shape, Start};
use serde_json::Value;

const TELEMETRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../telemetry/tests");

/// The messages of devices, and what is expected of each.
fn fixtures() -> Vec<(String, Value)> {
    let folder = std::fs::read_dir(format!("{TELEMETRY}/fixtures")).unwrap();
    let read = |path: &Path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut fixtures: Vec<_> = folder
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path)))
        .collect();
    fixtures.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(fixtures.len() >= 79);
    fixtures
}

/// A running Millrace with the rules of a person, and with a time zone if one is named.
fn start(folder: &Path, zone: Option<&str>) -> Millrace {
    let zone_line = zone.map(|zone| format!("zone = {zone:?}\n")).unwrap_or_default();
    let rules = std::fs::read_to_string(format!("{TELEMETRY}/home-made.toml")).unwrap();
    let file = folder.join("mappings.toml");
    std::fs::write(&file, format!("{zone_line}{rules}")).unwrap();
    Start::new(&folder.join("data")).set("INPUTS__MAPPINGS", file.to_str().unwrap()).start()
}

fn publish(millrace: &Millrace, folder: &Path, message: &Value, client: Option<&str>) {
    let file = folder.join("payload");
    let payload = match message["payload_base64"].as_str() {
        Some(base64) => decode(base64),
        None => message["payload"].as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    std::fs::write(&file, payload).unwrap();
    let client = client.map(|client| ["-i", client]);
    let arguments: Vec<&str> =
        ["-f", file.to_str().unwrap()].into_iter().chain(client.into_iter().flatten()).collect();
    millrace.publish(message["topic"].as_str().unwrap(), &arguments);
}

fn decode(base64: &str) -> Vec<u8> {
    let mut command = std::process::Command::new("base64");
    let mut child = command
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), base64.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// What is wrong with what is stored of this message.
fn problem(millrace: &Millrace, fixture: &Value, client: &str) -> Option<String> {
    for expected in fixture["expect"].as_array().into_iter().flatten() {
        let device = expected["device"].as_str().unwrap().replace("{client}", client);
        let metric = expected["metric"].as_str().unwrap();
        let rows = millrace.readings(&format!("device={device}&metric={metric}"));
        let is_expected = |row: &&Value| {
            row["value"].as_f64() == expected["value"].as_f64()
                && row["unit"] == expected["unit"]
                && row["measured_at"] == *expected.get("measured_at").unwrap_or(&row["received_at"])
        };
        match rows.iter().filter(is_expected).count() {
            1 => {}
            count => return Some(format!("{count} of {expected}, stored are {rows:?}")),
        }
    }
    None
}

#[test]
fn every_message_of_a_real_device_is_stored_as_a_user_expects() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let fixtures = fixtures();
    for zone in [None, Some("Europe/Berlin")] {
        let home = folder.path().join(zone.unwrap_or("none").replace('/', "-"));
        std::fs::create_dir(&home).unwrap();
        let millrace = start(&home, zone);
        let of_zone: Vec<_> =
            fixtures.iter().filter(|(_, fixture)| fixture["zone"].as_str() == zone).collect();
        for (name, fixture) in of_zone {
            let client = fixture["client"].as_str();
            for before in fixture["before"].as_array().into_iter().flatten() {
                publish(&millrace, &home, before, None);
            }
            publish(&millrace, &home, fixture, client);
            wrong.extend(
                problem(&millrace, fixture, client.unwrap_or_default())
                    .map(|problem| format!("{name}: {problem}")),
            );
        }
        let rejected = millrace.rows("rejected");
        let expected = fixtures.iter().filter(|(_, fixture)| {
            fixture["zone"].as_str() == zone && fixture["rejected"].as_bool() == Some(true)
        });
        assert_eq!(rejected.len(), expected.count(), "{rejected:?}");
        assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 0.0);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_no_rule_reads_is_shown_with_a_rule_that_would() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let message = serde_json::json!({ "topic": "shed/door/data", "payload": "{\"open\": true}" });
    publish(&millrace, folder.path(), &message, None);
    let (status, body) = millrace.ask("/api/inputs");
    let inputs: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{body}");
    let group = &inputs["unmapped"][0];
    assert_eq!(
        (group["topic"].as_str(), group["count"].as_u64()),
        (Some("shed/door/data"), Some(1)),
        "{body}"
    );
    assert_eq!(group["suggestion"]["readings"], serde_json::json!(["open/door = 1"]));
    assert_eq!(millrace.metric("millrace_inputs_unmapped_total"), 1.0);
}

#[test]
fn a_bad_file_of_mappings_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mappings.toml");
    std::fs::write(&file, "[[rule]]\ntopic = \"a/#/b\"").unwrap();
    let output =
        Start::new(&folder.path().join("data")).set("INPUTS__MAPPINGS", file.to_str().unwrap()).fails();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("inputs.mappings") && said.contains("line 2, column 9: # stands for"), "{said}");
}
