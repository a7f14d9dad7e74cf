//! What drills read from the cluster, beyond what tests need.

use std::process::Command;
use std::time::Duration;

use e2e::Cluster;
use serde_json::Value;

/// RabbitMQ's management API, as its operator.
pub(crate) fn management(cluster: &Cluster, path: &str) -> Result<Value, String> {
    let address = cluster.compose(&["port", "haproxy", "15672"])?;
    let url = format!("http://operator:{}@{address}{path}", cluster.broker_password("operator"));
    let mut answer = ureq::get(&url).call().map_err(|e| e.to_string())?;
    answer.body_mut().read_json().map_err(|e| e.to_string())
}

/// How a service's container ended.
pub(crate) fn exit_code(cluster: &Cluster, service: &str) -> String {
    let mut inspect = Command::new("docker");
    inspect.args(["inspect", "--format", "{{.State.ExitCode}}", &cluster.container(service)]);
    String::from_utf8_lossy(&inspect.output().expect("run docker").stdout).trim().to_owned()
}

/// The dashboard's setting `offline_after`, whole seconds.
pub(crate) fn offline_after(cluster: &Cluster) -> Duration {
    let config = cluster.compose(&["config", "--format", "json"]).unwrap_or_else(|e| panic!("{e}"));
    let config: Value = serde_json::from_str(&config).expect("the configuration is JSON");
    let setting = &config["services"]["dashboard"]["environment"]["MILLRACE__DASHBOARD__OFFLINE_AFTER"];
    let seconds = setting.as_str().and_then(|text| text.strip_suffix('s')?.parse().ok());
    Duration::from_secs(seconds.expect("e2e/cluster.yaml sets it in seconds"))
}
