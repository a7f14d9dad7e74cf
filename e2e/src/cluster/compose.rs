//! `docker compose` for one cluster.

use std::process::Command;

use serde_json::Value;

/// A compose project: what stands between `docker compose` and a command.
#[derive(Debug, Clone)]
pub(super) struct Compose {
    words: Vec<String>,
}

impl Compose {
    /// From words such as `-p NAME -f FILE`, as `e2e/with-cluster` exports them; no path holds a space.
    pub(super) fn new(words: &str) -> Self {
        Self { words: words.split_whitespace().map(str::to_owned).collect() }
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("compose").args(&self.words).args(arguments);
        command
    }

    /// What it prints, without the last line end.
    ///
    /// # Errors
    /// It fails; what it complained.
    pub(super) fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        output(&mut self.command(arguments))
    }

    /// # Panics
    /// It fails.
    pub(super) fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|e| panic!("{e}"))
    }

    /// All settings with their values filled in.
    pub(super) fn config(&self) -> Value {
        serde_json::from_str(&self.run(&["config", "--format", "json"])).expect("the configuration is JSON")
    }

    /// What the engine knows about a service's container, chosen by a template.
    pub(super) fn inspect(&self, service: &str, template: &str) -> Result<String, String> {
        output(Command::new("docker").args(["inspect", "--format", template, &self.id(service)?]))
    }

    /// The id of a service's container, whether it runs or not; of the first one, where there are several.
    pub(super) fn id(&self, service: &str) -> Result<String, String> {
        match self.try_run(&["ps", "--all", "--quiet", service])?.lines().next() {
            None | Some("") => Err(format!("{service} has no container")),
            Some(id) => Ok(id.to_owned()),
        }
    }

    /// A container's address in the cluster's network.
    pub(super) fn ip(&self, id: &str) -> Result<String, String> {
        let template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        match output(Command::new("docker").args(["inspect", "--format", template, id]))? {
            ip if ip.is_empty() => Err(format!("container {id} has no address")),
            ip => Ok(ip),
        }
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
