//! Which crate may depend on which.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::root;

/// Each crate, and those of ours that it may know; nobody but tests knows `testkit`.
const MAY_KNOW: [(&str, &[&str]); 22] = [
    ("telemetry", &[]),
    ("tls", &[]),
    ("analytics", &[]),
    ("broker", &["telemetry", "tls"]),
    ("store", &["telemetry", "tls"]),
    ("service", &["broker", "store", "telemetry"]),
    ("testkit", &["broker", "service", "store", "telemetry"]),
    ("sensor-sim", &["broker", "service", "telemetry"]),
    ("db-writer", &["broker", "service", "store", "telemetry"]),
    ("alerter", &["analytics", "broker", "service", "store", "telemetry"]),
    ("access", &["store", "telemetry"]),
    ("oidc", &["access", "service", "telemetry"]),
    ("cache", &["service"]),
    ("commands", &["broker", "service", "store", "telemetry"]),
    ("uplink", &["broker", "service", "store", "telemetry"]),
    ("api", &["access", "analytics", "cache", "commands", "oidc", "service", "store", "telemetry"]),
    ("dashboard", &["access", "api", "broker", "cache", "commands", "oidc", "service", "store", "telemetry"]),
    (
        "gateway",
        &["access", "api", "broker", "cache", "commands", "service", "store", "telemetry", "tls", "uplink"],
    ),
    (
        "edge",
        &[
            "access",
            "alerter",
            "api",
            "broker",
            "cache",
            "commands",
            "dashboard",
            "db-writer",
            "sensor-sim",
            "service",
            "store",
            "telemetry",
            "uplink",
        ],
    ),
    (
        "cli",
        &[
            "access",
            "alerter",
            "api",
            "broker",
            "commands",
            "dashboard",
            "edge",
            "service",
            "store",
            "telemetry",
        ],
    ),
    // Runs the binaries and knows nothing about what is in them.
    ("e2e", &[]),
    ("bench", &["alerter", "e2e", "service", "store", "telemetry"]),
];

/// What a crate that does no input and output must not depend on.
const INPUT_AND_OUTPUT: [&str; 6] = ["tokio", "rumqttc", "lapin", "rusqlite", "tokio-postgres", "warp"];

/// A crate of the workspace, as cargo describes it.
pub(crate) struct Package(Value);

impl Package {
    fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    /// Its folder, as a path from the root.
    pub(crate) fn folder(&self) -> String {
        crate::from_root(Path::new(self.0["manifest_path"].as_str().unwrap()).parent().unwrap())
    }

    /// The direct dependencies, those of tests left out.
    fn dependencies(&self) -> BTreeSet<&str> {
        let all = self.0["dependencies"].as_array().unwrap().iter();
        all.filter(|known| known["kind"] != "dev").map(|known| known["name"].as_str().unwrap()).collect()
    }
}

/// All crates of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let metadata = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().cloned().map(Package).collect()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(Package::name).collect();
    assert_eq!(ours, MAY_KNOW.map(|(name, _)| name).into(), "MAY_KNOW lists every crate, and no other");
    for package in &packages {
        let (name, known) = (package.name(), package.dependencies());
        let (_, allowed) = MAY_KNOW.iter().find(|(listed, _)| *listed == name).unwrap();
        let forbidden: Vec<_> =
            known.iter().filter(|known| ours.contains(*known) && !allowed.contains(known)).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn telemetry_does_no_input_and_output() {
    let packages = packages();
    let telemetry = packages.iter().find(|package| package.name() == "telemetry").unwrap();
    let known = telemetry.dependencies();
    let forbidden: Vec<_> = INPUT_AND_OUTPUT.iter().filter(|party| known.contains(*party)).collect();
    assert!(forbidden.is_empty(), "telemetry must not depend on {forbidden:?}");
}
