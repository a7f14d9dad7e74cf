//! What a cluster's compose files say: ports of this machine, and passwords.

use serde_json::Value;

/// `docker compose config`, with all values filled in.
#[derive(Debug, Clone)]
pub(super) struct Settings(Value);

impl Settings {
    pub(super) fn new(config: Value) -> Self {
        Self(config)
    }

    /// The name that all containers, volumes and networks begin with.
    pub(super) fn project(&self) -> &str {
        self.0["name"].as_str().expect("a project has a name")
    }

    /// Where on this machine a port of a service can be reached: `127.0.0.1:41234`.
    ///
    /// # Panics
    /// It is not published.
    pub(super) fn address(&self, service: &str, port: u64) -> String {
        let ports = self.0["services"][service]["ports"].as_array().map_or(&[][..], Vec::as_slice);
        let of_port = ports.iter().find(|published| published["target"].as_u64() == Some(port));
        let published = of_port.and_then(|found| found["published"].as_str());
        format!("127.0.0.1:{}", published.unwrap_or_else(|| panic!("{service} publishes no port {port}")))
    }

    /// A variable of a service's environment.
    ///
    /// # Panics
    /// It is not set.
    pub(super) fn variable(&self, service: &str, name: &str) -> &str {
        let value = self.0["services"][service]["environment"][name].as_str();
        value.unwrap_or_else(|| panic!("{service} has no {name}"))
    }
}
