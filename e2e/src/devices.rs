//! Messages of real devices, published as the device does, and what is expected of each.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::Shape;

/// Rules that a person has written for devices of their own make.
pub const HOME_MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../telemetry/tests/home-made.toml");

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../telemetry/tests/fixtures");

/// The messages by the name of their file, in order.
///
/// # Panics
/// A file cannot be read.
#[must_use]
pub fn fixtures() -> Vec<(String, Value)> {
    let folder = std::fs::read_dir(FIXTURES).expect("list the fixtures");
    let read = |path: &Path| {
        let text = std::fs::read(path).expect("read a fixture");
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let mut fixtures: Vec<_> = folder
        .map(|file| file.expect("list the fixtures").path())
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(&path)))
        .collect();
    fixtures.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(fixtures.len() >= 120, "{} fixtures", fixtures.len());
    fixtures
}

/// Publishes a message, and returns when its PUBACK is there.
///
/// # Panics
/// It fails.
pub fn publish(shape: &impl Shape, message: &Value, client: Option<&str>) {
    let payload = match message["payload_base64"].as_str() {
        Some(base64) => decode(base64),
        None => message["payload"].as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    let topic = message["topic"].as_str().expect("a topic");
    let mut file = tempfile::NamedTempFile::new().expect("a file for the payload");
    file.write_all(&payload).expect("write the payload");
    let file = file.path().to_str().expect("a path in UTF-8");
    let client = client.map(|client| ["-i", client]);
    let arguments: Vec<&str> = ["-f", file].into_iter().chain(client.into_iter().flatten()).collect();
    shape.publish(topic, &arguments);
}

fn decode(base64: &str) -> Vec<u8> {
    let mut command = std::process::Command::new("base64");
    let mut child =
        command.arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run base64");
    child.stdin.take().expect("stdin is piped").write_all(base64.as_bytes()).expect("write to base64");
    child.wait_with_output().expect("wait for base64").stdout
}

/// What is wrong with what is stored of this message, published by this client.
///
/// # Panics
/// The fixture names no device or metric.
#[must_use]
pub fn problem(shape: &impl Shape, fixture: &Value, client: &str) -> Option<String> {
    for expected in fixture["expect"].as_array().into_iter().flatten() {
        let device = expected["device"].as_str().expect("a device").replace("{client}", client);
        let metric = expected["metric"].as_str().expect("a metric");
        let rows = shape.readings(&format!("device={device}&metric={metric}"));
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
