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

/// Adds the first user, and logs in: what the browser sends from then on.
fn log_in(http: &str) -> String {
    let user = json!({ "username": "root", "password": "correct horse", "role": "admin" });
    let added = ureq::post(format!("{http}/api/users")).send_json(&user).unwrap();
    assert_eq!(added.status(), 201);
    let login = json!({ "username": "root", "password": "correct horse" });
    let answer = ureq::post(format!("{http}/api/session")).send_json(&login).unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    format!("Cookie: {}", cookie.split(';').next().unwrap())
}

/// What ends the session of the test, or needs a password or the credential of a device, which no generated request has;
/// dashboard/tests asks those.
const NOT_ASKED: [&str; 8] = [
    "/api/session",
    "/api/sessions/{id}",
    "/api/users/{username}",
    "/api/password",
    "/api/token",
    "/commands",
    "/api/devices/{name}/commands",
    "/api/devices/{name}/commands/{id}/result",
];

#[test]
fn schemathesis_finds_nothing() {
    let program = format!("{HERE}/../target/schemathesis/bin/schemathesis");
    assert!(std::fs::exists(&program).is_ok_and(|there| there), "{program} is missing: `make test-tools`");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let millrace = Start::new(&data).set("HTTP__REQUESTS_PER_SECOND", "0").start();
    fill(&millrace);
    let cookie = log_in(&millrace.http);
    let mut command = Command::new(program);
    command.args(["--config-file", &format!("{HERE}/openapi/schemathesis.toml"), "run"]);
    command.args(["--no-color", "--report-dir", folder.path().to_str().unwrap()]);
    command.args(["--header", &cookie]);
    command.args(NOT_ASKED.iter().flat_map(|path| ["--exclude-path", path]));
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
