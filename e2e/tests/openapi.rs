//! The API does what its OpenAPI document says, for all requests that schemathesis generates.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::process::Command;

use e2e::{LONG, SOON, Shape, Start, eventually};
use serde_json::json;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Stores some of everything: readings with a gap in their numbers, an incident, a silence, rejected payloads.
fn fill(shape: &impl Shape) {
    for number in [1, 2, 5] {
        let reading = json!({ "value": 60 + number, "unit": "celsius", "boot": 1, "seq": number });
        shape.publish("temperature/site-a/lab", &["-m", &reading.to_string()]);
    }
    for payload in ["hello", "{}", "a\u{e9}\"\\"] {
        shape.publish("temperature/site-a/lab", &["-m", payload]);
    }
    let silence = json!({ "device": "site-b/#", "for": "2h", "reason": "moving" });
    assert_eq!(shape.post("/api/silences", &silence).0, 201);
    eventually(SOON, || match shape.rows("incidents").len() {
        0 => Err("no incident has opened"),
        _ => Ok(()),
    });
    for name in ["series", "silences", "rejected", "completeness"] {
        assert!(!shape.rows(name).is_empty(), "there are no {name}");
    }
}

#[test]
fn schemathesis_finds_nothing() {
    let program = format!("{HERE}/../target/schemathesis/bin/schemathesis");
    assert!(std::fs::exists(&program).is_ok_and(|there| there), "{program} is missing: `make test-tools`");
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    fill(&millrace);
    let mut command = Command::new(program);
    command.args(["--config-file", &format!("{HERE}/openapi/schemathesis.toml"), "run"]);
    command.args(["--no-color", "--report-dir", folder.path().to_str().unwrap()]);
    // It writes a cache to the folder in which it runs.
    command.current_dir(folder.path());
    let output = command.arg(format!("{}/api/openapi.json", millrace.http)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually(LONG, || match millrace.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
}
