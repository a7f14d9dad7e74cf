//! One drill: load, fault, and the proof afterwards.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{Cluster, LONG, Load, Shape, binary, eventually};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::ask::management;
use crate::flow::Flow;
use crate::harness::{Harness, until_mailed};
use crate::plan::{CONNECTIONS, Drill, Hit, RATE};
use crate::report::Row;

/// How long everything flows before the fault, and after it.
const STEADY: Duration = Duration::from_secs(3);

/// How long a queue may take to become empty once nothing more is sent.
const DRAIN: Duration = Duration::from_secs(180);

/// Runs a drill.
///
/// # Panics
/// The cluster cannot be asked or repaired: nothing can be said then.
pub(crate) fn run(drill: &'static Drill, cluster: &Cluster, seed: u64) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let canary = Canary::open(cluster, drill);
    let rejected = rejected(cluster);
    let (rate, connections) = (RATE.to_string(), CONNECTIONS.to_string());
    let load = ["load", "--duration", "2h", "--rate", &rate, "--connections", &connections];
    let load = Load::start(&cluster.device_url(), folder.path(), &[&load[..], drill.load].concat());
    let flow = Flow::watch(cluster);
    until_all_flow(&flow);
    std::thread::sleep(STEADY);
    let nodes = nodes(cluster);
    let mut harness =
        Harness { cluster, flow, random: StdRng::seed_from_u64(seed), nodes, violations: Vec::new() };
    harness.flow.forget();
    let hit = (drill.fault)(&mut harness);
    until_all_flow(&harness.flow);
    std::thread::sleep(STEADY);
    let without_flow = harness.flow.longest();
    load.interrupt();
    let (code, summary, _) = load.finish();

    let Drill { name, what, in_each_run, .. } = *drill;
    let kind = drill.kind.text();
    let mut row = Row { name, what, kind, in_each_run, without_flow, ..Row::default() };
    row.violations.append(&mut harness.violations);
    if code != 0 {
        row.violations.push(format!("sensor-sim ended with {code}: {}", summary["sent"]));
    }
    row.acked = summary["acked"].as_u64().unwrap_or_default();
    (row.elsewhere, row.own) = waits(&summary, &harness.nodes, &hit);
    canary.close(cluster, &mut row);
    drained(cluster, &mut row);
    prove(cluster, &summary, folder.path(), &mut row);
    let bad = summary["bad_acked"].as_u64().unwrap_or_default();
    let stored = self::rejected(cluster) - rejected;
    if stored != bad {
        row.violations.push(format!("{bad} bad payloads were acked and {stored} stored"));
    }
    row
}

fn until_all_flow(flow: &Flow) {
    eventually(LONG, || match flow.still() {
        still if still.is_empty() => Ok(()),
        still => Err(format!("nothing passes {still:?}")),
    });
}

/// Which node each client of the load is connected to, by its device.
fn nodes(cluster: &Cluster) -> HashMap<String, String> {
    eventually(LONG, || {
        let connections = management(cluster, "/api/connections?columns=node,client_properties.client_id")?;
        let rows: Vec<Value> = connections.as_array().cloned().unwrap_or_default();
        let nodes: HashMap<_, _> = rows.iter().filter_map(node_of).collect();
        // The management counts every five seconds.
        if nodes.len() == CONNECTIONS as usize { Ok(nodes) } else { Err(format!("{} clients", nodes.len())) }
    })
}

/// A client `load-<boot>-7` publishes for the device `load-0007`.
fn node_of(connection: &Value) -> Option<(String, String)> {
    let client = connection["client_properties"]["client_id"].as_str()?.strip_prefix("load-")?;
    let number: u32 = client.rsplit('-').next()?.parse().ok()?;
    let node = connection["node"].as_str()?.trim_start_matches("rabbit@").to_owned();
    Some((format!("load-{number:04}"), node))
}

/// The longest waits for a PUBACK: elsewhere, and on the nodes that were hit.
fn waits(
    summary: &Value,
    nodes: &HashMap<String, String>,
    hit: &Hit,
) -> (Option<Duration>, Option<Duration>) {
    let (mut elsewhere, mut own) = (None, None);
    for device in summary["devices"].as_array().expect("devices") {
        let waited = Duration::from_secs_f64(device["puback_max_ms"].as_f64().expect("a time") / 1e3);
        let node = device["device"].as_str().and_then(|name| nodes.get(name));
        let side = match node {
            Some(node) if hit.nodes.contains(node) => &mut own,
            _ => &mut elsewhere,
        };
        *side = (*side).max(Some(waited));
    }
    (elsewhere, own)
}

/// Waits until the queues are empty, and checks that nothing was dead-lettered.
fn drained(cluster: &Cluster, row: &mut Row) {
    let stuck = |depths: &std::collections::BTreeMap<String, u64>| {
        ["db-writer", "alerter"].iter().any(|queue| depths.get(*queue) != Some(&0))
    };
    let started = std::time::Instant::now();
    let mut depths = cluster.queue_depths();
    while stuck(&depths) && started.elapsed() < DRAIN {
        std::thread::sleep(Duration::from_millis(200));
        depths = cluster.queue_depths();
    }
    if stuck(&depths) || depths.get("dead-letter") != Some(&0) {
        row.violations.push(format!("stuck in the queues: {depths:?}"));
    }
}

/// Compares the acknowledged readings with the stored ones, and looks for gaps and repeats.
fn prove(cluster: &Cluster, summary: &Value, folder: &Path, row: &mut Row) {
    let output = Command::new(binary("millrace"))
        .env("MILLRACE__STORE__URL", cluster.database_url("millrace"))
        .args(["verify", "--json", "--acked"])
        .arg(folder.join("acked.log"))
        .output()
        .expect("run millrace verify");
    let Ok(ledger) = serde_json::from_slice::<Value>(&output.stdout) else {
        return row.violations.push(String::from_utf8_lossy(&output.stderr).into_owned());
    };
    let boot = &summary["devices"][0]["boot"];
    let of_load = |boots: &Value| -> Vec<Value> {
        boots.as_array().expect("boots").iter().filter(|row| row["boot"] == *boot).cloned().collect()
    };
    let boots = of_load(&ledger["boots"]);
    let sum = |name: &str| boots.iter().map(|row| row[name].as_u64().expect("a number")).sum::<u64>();
    row.stored = sum("stored");
    row.twice = sum("repeated");
    row.lost = ledger["acked"]["not_stored"].as_u64().expect("a number");
    if row.stored != row.acked || row.lost + row.twice + sum("missing") > 0 {
        row.violations.push(format!("{} of the load are missing in the ledger", sum("missing")));
    }
}

fn rejected(cluster: &Cluster) -> u64 {
    cluster.sql("SELECT count(*) FROM rejected").parse().expect("a number")
}

/// An incident that opens before the fault and ends after it: exactly two mails, whatever happens in between.
struct Canary {
    device: Option<String>,
}

impl Canary {
    fn open(cluster: &Cluster, drill: &Drill) -> Self {
        let device = drill.canary.then(|| cluster.device("canary"));
        if let Some(device) = &device {
            cluster.publish(&format!("temperature/{device}"), &["-m", "26.1"]);
            until_mailed(cluster, device, 1);
        }
        Self { device }
    }

    fn close(self, cluster: &Cluster, row: &mut Row) {
        let Some(device) = self.device else { return };
        cluster.publish(&format!("temperature/{device}"), &["-m", "24"]);
        until_mailed(cluster, &device, 2);
        let incidents = cluster.rows_of("incidents", &device).len();
        if incidents != 1 {
            row.violations.push(format!("{incidents} incidents of one"));
        }
    }
}
