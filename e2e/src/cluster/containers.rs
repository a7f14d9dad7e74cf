//! A cluster's containers: breaking them, mending them, and asking how they are.

use std::collections::BTreeMap;
use std::process::Stdio;

use super::{Cluster, OURS};
use crate::http::{metric, try_ask};
use crate::{LONG, SOON, eventually};

/// Where RabbitMQ counts by queue.
const QUEUE_METRICS: &str = ":15692/metrics/detailed?family=queue_coarse_metrics";

impl Cluster {
    /// `kill -9`; it stays away until it is started.
    pub fn kill(&self, service: &str) {
        self.compose.run(&["kill", service]);
    }

    /// Freezes all of its processes. The engine gives it up where one of them makes others meanwhile: then again.
    pub fn pause(&self, service: &str) {
        eventually(SOON, || self.compose.try_run(&["pause", service]));
    }

    pub fn unpause(&self, service: &str) {
        self.compose.run(&["unpause", service]);
    }

    /// SIGTERM, and SIGKILL after its grace.
    pub fn stop(&self, service: &str) {
        self.compose.run(&["stop", service]);
    }

    /// Makes the container where there is none, and waits until it is healthy.
    pub fn start(&self, service: &str) {
        self.compose.run(&["up", "--detach", "--no-deps", "--no-recreate", "--wait", service]);
    }

    /// Stops a service and takes its container away.
    pub fn remove(&self, service: &str) {
        self.compose.run(&["rm", "--stop", "--force", service]);
    }

    /// Stops these and starts them again.
    pub fn restart_services(&self, services: &[&str]) {
        self.compose.run(&[&["restart"], services].concat());
    }

    /// Any other command of `docker compose`: what it prints.
    ///
    /// # Errors
    /// It fails; what it complained.
    pub fn compose(&self, arguments: &[&str]) -> Result<String, String> {
        self.compose.try_run(arguments)
    }

    /// Cuts or joins a service's only network.
    pub fn network(&self, action: &str, service: &str) {
        let (network, id) = (format!("{}_default", self.settings.project()), self.container(service));
        let mut docker = std::process::Command::new("docker");
        docker.args(["network", action]);
        if action == "connect" {
            // Compose gives the name by which the others find it.
            docker.args(["--alias", service]);
        }
        let status = docker.args([&network, &id]).status().expect("run docker");
        assert!(status.success(), "docker network {action} {network} {service}");
    }

    /// Lets a service run in so many containers, and waits until they are healthy.
    pub fn scale(&self, service: &str, count: usize) {
        let scale = format!("{service}={count}");
        let up = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--wait", "--scale", &scale];
        self.compose.run(&[&up, &[service][..]].concat());
    }

    /// The containers of a service that run, each with its address in the cluster's network.
    #[must_use]
    pub fn instances(&self, service: &str) -> Vec<(String, String)> {
        let ids = self.compose.run(&["ps", "--quiet", service]);
        ids.lines().map(|id| (id.to_owned(), self.compose.ip(id).unwrap_or_else(|e| panic!("{e}")))).collect()
    }

    /// `kill -9` of one container of several.
    pub fn kill_container(&self, id: &str) {
        let status = std::process::Command::new("docker").args(["kill", id]).stdout(Stdio::null()).status();
        assert!(status.expect("run docker").success(), "docker kill {id}");
    }

    /// The id of a service's container.
    #[must_use]
    pub fn container(&self, service: &str) -> String {
        self.compose.inspect(service, "{{.Id}}").unwrap_or_else(|e| panic!("{e}"))
    }

    /// The first process of a service's container, as this machine numbers it.
    ///
    /// # Errors
    /// It is not running.
    pub fn process_id(&self, service: &str) -> Result<u32, String> {
        self.compose.inspect(service, "{{.State.Pid}}")?.parse().map_err(|e| format!("{service}: {e}"))
    }

    /// `healthy`, `unhealthy` or `starting` as its health check says, or else its state, such as `paused`.
    #[must_use]
    pub fn state(&self, service: &str) -> String {
        let template =
            "{{if eq .State.Status \"running\"}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}";
        self.compose.inspect(service, template).unwrap_or_else(|_| "missing".into())
    }

    pub fn until_healthy(&self, service: &str) {
        eventually(LONG, || match self.state(service).as_str() {
            "healthy" => Ok(()),
            state => Err(format!("{service} is {state}")),
        });
    }

    /// What a service has logged since it was made.
    #[must_use]
    pub fn logs(&self, service: &str) -> String {
        self.compose.run(&["logs", "--no-color", "--no-log-prefix", service])
    }

    /// Asks a service's container itself: `/readyz`, `/metrics`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask_service(&self, service: &str, path: &str) -> Result<(u16, String), String> {
        let port = if service == "dashboard" { 8080 } else { 9180 };
        try_ask(&format!("http://{}:{port}{path}", self.container_ip(service)?))
    }

    /// The value of a service's metric without labels.
    ///
    /// # Panics
    /// It is not running, or has no such metric.
    #[must_use]
    pub fn metric(&self, service: &str, name: &str) -> f64 {
        let (_, text) = self.ask_service(service, "/metrics").unwrap_or_else(|e| panic!("{e}"));
        metric(&text, name)
    }

    /// The sum of a metric over all containers of a service.
    ///
    /// # Panics
    /// One is not running, or has no such metric.
    #[must_use]
    pub fn metric_of_all(&self, service: &str, name: &str) -> f64 {
        let port = if service == "dashboard" { 8080 } else { 9180 };
        let metric_at = |ip: &str| {
            let (_, text) = try_ask(&format!("http://{ip}:{port}/metrics")).unwrap_or_else(|e| panic!("{e}"));
            metric(&text, name)
        };
        self.instances(service).iter().map(|(_, ip)| metric_at(ip)).sum()
    }

    /// Messages in each queue, as RabbitMQ counted them at most five seconds ago.
    #[must_use]
    pub fn queue_depths(&self) -> BTreeMap<String, u64> {
        let mut depths = BTreeMap::new();
        for node in ["rabbitmq1", "rabbitmq2", "rabbitmq3"] {
            // Only the node that leads a queue counts it; one that is away leads none.
            let Ok(ip) = self.container_ip(node) else { continue };
            let Ok((200, text)) = try_ask(&format!("http://{ip}{QUEUE_METRICS}")) else { continue };
            for (queue, messages) in text.lines().filter_map(read_depth) {
                let depth = depths.entry(queue).or_insert(messages);
                *depth = messages.max(*depth);
            }
        }
        depths
    }

    /// Where a service's container is reached from this machine itself, past the published ports.
    ///
    /// # Errors
    /// It is not running.
    pub fn container_ip(&self, service: &str) -> Result<String, String> {
        self.compose.ip(&self.compose.id(service)?)
    }

    /// Starts and unpauses whatever a test has stopped; what cannot be started makes the next test fail.
    pub(super) fn heal(&self) {
        let existing = self.compose.try_run(&["ps", "--all", "--services"]).unwrap_or_default();
        let mut services: Vec<&str> = existing.lines().chain(OURS).collect();
        services.sort_unstable();
        services.dedup();
        for service in &services {
            if self.state(service) == "paused" {
                let _ = self.compose.try_run(&["unpause", service]);
            }
        }
        let up = ["up", "--detach", "--no-recreate", "--wait", "--wait-timeout", "120"];
        let _ = self.compose.try_run(&[&up, &services[..]].concat());
    }
}

/// A line `rabbitmq_detailed_queue_messages{vhost="/",queue="db-writer"} 12`.
fn read_depth(line: &str) -> Option<(String, u64)> {
    let labels = line.strip_prefix("rabbitmq_detailed_queue_messages{")?;
    let (labels, value) = labels.split_once("} ")?;
    // A virtual host that a test made has queues of the same names.
    let queue = labels.strip_prefix(r#"vhost="/",queue=""#)?.strip_suffix('"')?;
    Some((queue.to_owned(), value.parse::<f64>().ok()? as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_is_read_from_its_own_line_only() {
        let line = "rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"db-writer\"} 12";
        assert_eq!(read_depth(line), Some(("db-writer".into(), 12)));
        assert_eq!(read_depth(&line.replace("messages{", "messages_ready{")), None);
        assert_eq!(read_depth(&line.replace("\"/\"", "\"other\"")), None);
    }
}
