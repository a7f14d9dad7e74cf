//! What never depends on what.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The direct dependencies of each crate of ours, those of tests left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let names = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"] != "dev");
        all.map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|p| (p["name"].as_str().unwrap().to_owned(), names(p))).collect()
}

/// Rust sources that name a crate, as paths from the root.
fn files_that_name(crate_name: &str) -> Vec<String> {
    let mut grep = Command::new("git");
    grep.args(["grep", "-lE", &format!(r"\b{crate_name}::"), "--", "*.rs"]);
    let output = grep.current_dir(root()).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    files.lines().filter(|file| !file.contains("/tests/")).map(str::to_owned).collect()
}

#[test]
fn dependencies_point_one_way() {
    let dependencies = dependencies();
    let ours: Vec<&String> = dependencies.keys().collect();
    for (name, allowed) in [
        ("telemetry", vec![]),
        ("broker", vec!["telemetry"]),
        ("store", vec!["telemetry"]),
        ("service", vec!["broker", "store", "telemetry"]),
        ("sensor-sim", vec!["broker", "service", "telemetry"]),
        ("db-writer", vec!["broker", "service", "store", "telemetry"]),
        ("alerter", vec!["broker", "service", "store", "telemetry"]),
        ("dashboard", vec!["broker", "service", "store", "telemetry"]),
    ] {
        let known = &dependencies[name];
        let forbidden: Vec<_> =
            known.iter().filter(|d| ours.contains(d) && !allowed.contains(&d.as_str())).collect();
        assert!(forbidden.is_empty(), "{name} must not know {forbidden:?}");
    }
    let io = ["tokio", "rumqttc", "lapin", "rusqlite", "tokio-postgres", "warp"];
    assert!(dependencies["telemetry"].iter().all(|d| !io.contains(&d.as_str())), "telemetry is pure");
}

#[test]
fn each_outside_party_has_one_place() {
    for (party, places) in [
        ("rumqttc", vec!["broker/src/mqtt", "broker/src/outbox"]),
        ("lapin", vec!["broker/src/amqp", "bench/src/writer"]),
        ("mqtt5", vec!["edge/src/mqtt_broker.rs"]),
        ("rusqlite", vec!["store/src/"]),
        ("tokio_postgres", vec!["store/src/", "bench/src/writer"]),
        ("lettre", vec!["alerter/src/mailer.rs", "alerter/src/notifier/mail", "alerter/src/smtp.rs"]),
        ("minijinja", vec!["alerter/src/message/templates.rs"]),
        ("tiny_skia", vec!["alerter/src/message/picture.rs"]),
        ("warp", vec!["service/src/admin.rs", "dashboard/src/http", "dashboard/src/page.rs"]),
        (
            "tokio_tungstenite",
            vec![
                "dashboard/src/http/",
                "dashboard/examples/plain_echo.rs",
                "edge/src/tail/connection.rs",
                "bench/src/relay/",
            ],
        ),
        ("hyper_util", vec!["alerter/src/notifier/webhook.rs", "dashboard/src/http/socket.rs"]),
        (
            "prometheus_client",
            vec![
                "service/src/",
                "db-writer/src/",
                "alerter/src/",
                "dashboard/src/counters.rs",
                "sensor-sim/src/admin.rs",
                "edge/src/hub.rs",
            ],
        ),
    ] {
        let files = files_that_name(party);
        assert!(!files.is_empty(), "{party} is named nowhere: has it a new name?");
        let strays: Vec<_> =
            files.iter().filter(|file| !places.iter().any(|place| file.starts_with(place))).collect();
        assert!(strays.is_empty(), "{party} is named in {strays:?}, and belongs in {places:?}");
    }
}
