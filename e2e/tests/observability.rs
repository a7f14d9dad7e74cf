//! What operators see: metrics, rules, alerts, and the queries of dashboards, by a real Prometheus.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::{LONG, Prometheus, Shape, Start, eventually, program};
use serde_json::Value;

/// What an edge has no metrics of.
const NOT_OF_AN_EDGE: [&str; 6] = ["rabbitmq", "erlang_", "pg_", "node_", "prometheus_", "alertmanager_"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a folder with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no .{ending}");
    files
}

fn rule_files() -> Vec<PathBuf> {
    [files("prometheus/rules", "yml"), files("prometheus/rules/cluster", "yml")].concat()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {said}");
}

fn promtool() -> Command {
    program("promtool", "prometheus")
}

#[test]
fn configurations_are_good_and_each_rule_passes_its_tests() {
    for config in ["prometheus.yml", "edge.yml"] {
        succeeds(promtool().args(["check", "config"]).arg(root().join("prometheus").join(config)));
    }
    succeeds(promtool().args(["test", "rules"]).args(files("prometheus/tests", "yml")));
    let alertmanager = root().join("alertmanager/alertmanager.yml");
    succeeds(program("amtool", "prometheus-alertmanager").arg("check-config").arg(alertmanager));
}

/// The alerts of all rules, each with the lines that follow.
fn alerts() -> Vec<(String, String)> {
    let texts = rule_files().into_iter().map(|file| fs::read_to_string(file).unwrap());
    let rules = texts.flat_map(|text| text.split("- alert: ").skip(1).map(str::to_owned).collect::<Vec<_>>());
    rules.map(|rule| (rule.lines().next().unwrap().to_owned(), rule)).collect()
}

#[test]
fn each_alert_says_how_bad_it_is_and_has_a_runbook_and_two_tests() {
    let runbooks = fs::read_to_string(root().join("docs/runbooks.md")).unwrap();
    let tests = files("prometheus/tests", "yml").into_iter().map(|file| fs::read_to_string(file).unwrap());
    let tests = tests.collect::<String>();
    let alerts = alerts();
    assert!(alerts.len() > 30, "{alerts:?}");
    for (alert, rule) in &alerts {
        let severities = ["critical", "warning", "info", "none"];
        assert!(
            severities.iter().any(|one| rule.contains(&format!("severity: {one} "))),
            "{alert}: severity"
        );
        assert!(rule.contains("summary: "), "{alert}: summary");
        let anchor = format!("runbook_url: 'docs/runbooks.md#{}'", alert.to_lowercase());
        assert!(rule.contains(&anchor), "{alert}: {anchor}");
        assert!(runbooks.contains(&format!("\n### {alert}\n")), "{alert} has no section in docs/runbooks.md");
        if alert == "Watchdog" {
            assert!(tests.contains("name: Watchdog always fires"));
            continue;
        }
        let test = |kind: &str| {
            let (_, test) = tests
                .split_once(&format!("name: {alert} {kind}\n"))
                .unwrap_or_else(|| panic!("{alert} {kind}"));
            test.split("- name: ").next().unwrap().to_owned()
        };
        assert!(test("fires").contains("exp_labels"), "{alert} has no test in which it fires");
        assert!(test("is quiet").contains("exp_alerts: []"), "{alert} has no test in which it is quiet");
    }
    let sections = runbooks.lines().filter_map(|line| line.strip_prefix("### "));
    for section in sections {
        assert!(
            alerts.iter().any(|(alert, _)| alert == section),
            "docs/runbooks.md: there is no alert {section}"
        );
    }
}

/// The queries to Prometheus of all panels, as they are on a page with scrapes each second.
fn dashboard_queries() -> Vec<String> {
    let mut queries = Vec::new();
    for file in files("grafana/dashboards", "json") {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let targets =
            panels.iter().flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
        for target in targets.filter(|target| target["datasource"]["uid"] == "prometheus") {
            queries.push(target["expr"].as_str().unwrap().replace("$__rate_interval", "10s"));
        }
    }
    assert!(queries.len() > 80, "{queries:?}");
    queries
}

/// The metrics that the rules in force record.
fn recorded(prometheus: &Prometheus) -> Vec<String> {
    let rules = prometheus.api("/api/v1/rules");
    let groups = rules["data"]["groups"].as_array().unwrap().clone();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let mut names = Vec::new();
    for rule in rules {
        assert_eq!((rule["health"].as_str(), rule["lastError"].as_str()), (Some("ok"), None), "{rule}");
        if rule["type"] == "recording" {
            names.push(rule["name"].as_str().unwrap().to_owned());
        }
    }
    assert!(names.len() > 20, "{names:?}");
    names
}

fn has_series(prometheus: &Prometheus, expression: &str) -> Result<(), String> {
    match prometheus.query(expression)? {
        series if series.is_empty() => Err(format!("{expression} has no series")),
        _ => Ok(()),
    }
}

#[test]
fn every_rule_and_dashboard_has_data_of_a_running_edge_and_alerts_tell_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let edge =
        Start::new(&folder.path().join("edge")).set("SENSORS__COUNT", "3").set("SENSORS__INTERVAL", "500ms");
    let edge = edge.start();
    let address = edge.http.trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::of_edge(folder.path(), &address);
    eventually(LONG, || has_series(&prometheus, "millrace:slo_late:ratio_rate3d{slo=\"page\"} >= 0"));
    eventually(LONG, || has_series(&prometheus, "millrace:stored:rate1m > 0"));

    for name in recorded(&prometheus) {
        eventually(LONG, || has_series(&prometheus, &name));
    }
    let queries = dashboard_queries();
    let is_of_an_edge = |query: &&String| !NOT_OF_AN_EDGE.iter().any(|name| query.contains(name));
    let (seen, all) = (queries.iter().filter(is_of_an_edge), queries.len());
    assert!(seen.clone().count() * 2 > all, "most queries are of an edge");
    seen.for_each(|query| eventually(LONG, || has_series(&prometheus, query)));
    for quick in ["db_writer", "alerter", "dashboard", "edge_puback"] {
        let slow =
            format!("histogram_quantile(0.5, sum by (le) (millrace_{quick}_latency_seconds_bucket)) > 1");
        assert_eq!(
            prometheus.query(&slow).unwrap(),
            Vec::<Value>::new(),
            "half of the readings pass within 1 s"
        );
    }
    assert_eq!(
        prometheus.query("ALERTS{alertstate=\"firing\",alertname!=\"Watchdog\"}").unwrap(),
        Vec::<Value>::new()
    );
    has_series(&prometheus, "ALERTS{alertname=\"Watchdog\",alertstate=\"firing\"}").unwrap();
    check_by_promtool(&edge.ask("/api/metrics").1);

    drop(edge.kill());
    eventually(LONG, || has_series(&prometheus, "ALERTS{alertname=\"MillraceDown\",alertstate=\"pending\"}"));
}

/// Whether the older text format is as promtool wants it: names, types, helps.
fn check_by_promtool(text: &str) {
    let mut command = promtool();
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
