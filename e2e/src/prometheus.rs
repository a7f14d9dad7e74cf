//! A Prometheus with the project's own configuration, beside one edge.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::process::Process;
use crate::{LONG, eventually, free_address, program};

/// The package that the programs are in; Debian from forky on has promtool in a package of that name.
const PACKAGE: &str = "prometheus";

/// A running `prometheus`; it is killed when dropped.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts one by `prometheus/edge.yml`, which asks the edge at this address every second.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    #[must_use]
    pub fn of_edge(folder: &Path, edge: &str) -> Self {
        let address = free_address();
        let config = folder.join("prometheus.yml");
        fs::write(&config, configuration(edge, address)).expect("write the configuration");
        let log = File::create(folder.join("prometheus.log")).expect("create the log");
        let mut command = program("prometheus", PACKAGE);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()));
        command.arg(format!("--web.listen-address={address}"));
        let process = Process::start(command.stderr(log));
        let prometheus = Self { _process: process, address };
        eventually(LONG, || match crate::http::try_ask(&prometheus.url("/-/ready"))? {
            (200, _) => Ok(()),
            (_, text) => Err(text),
        });
        prometheus
    }

    /// The series that an expression has now.
    ///
    /// # Errors
    /// Prometheus does not take the expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let form = [("query", expression)];
        let answer = ureq::post(self.url("/api/v1/query")).config().http_status_as_error(false).build();
        let mut answer = answer.send_form(form).map_err(|e| e.to_string())?;
        let answer: Value = answer.body_mut().read_json().map_err(|e| e.to_string())?;
        match answer["data"]["result"].as_array() {
            Some(series) => Ok(series.clone()),
            None => Err(answer.to_string()),
        }
    }

    /// What it says at a path of its API.
    ///
    /// # Panics
    /// There is no answer, or it is not JSON.
    #[must_use]
    pub fn api(&self, path: &str) -> Value {
        let (_, text) = crate::http::ask(&self.url(path));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// `prometheus/edge.yml` for other addresses, with shorter intervals. Nobody gets the alerts.
fn configuration(edge: &str, own: SocketAddr) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prometheus");
    let config = fs::read_to_string(folder.join("edge.yml")).expect("read the configuration");
    let rules = folder.join("rules/*.yml");
    let replaced = [
        ("127.0.0.1:8080", edge.to_owned()),
        ("127.0.0.1:9090", own.to_string()),
        ("127.0.0.1:9093", free_address().to_string()),
        ("rules/*.yml", rules.display().to_string()),
        ("10s", "1s".to_owned()),
        ("5s", "1s".to_owned()),
    ];
    replaced.into_iter().fold(config, |config, (from, to)| {
        assert!(config.contains(from), "{from} is not in edge.yml");
        config.replace(from, &to)
    })
}
