//! Edges forward to the cluster, whatever is killed there, and the cluster asks for what it lost.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use e2e::{Cluster, LONG, Load, Millrace, Shape, Start, eventually};
use serde_json::{Value, json};

/// After a kill: queues elect a leader, and devices come back.
const RECOVERED: Duration = Duration::from_secs(240);

/// An edge with a credential of the cluster, that forwards to it.
fn edge(cluster: &Cluster, name: &str, folder: &Path) -> Millrace {
    let (status, made) = cluster.post(&format!("/api/devices/{name}/credentials"), &json!({}));
    assert_eq!((status, &made["in_force"]), (201, &json!(true)), "{made}");
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    let url = format!("mqtt://{}:{}@{}", text("user"), text("password"), cluster.mqtt);
    Start::new(&folder.join("edge")).set("UPLINK__URL", &url).set("UPLINK__EVERY", "200ms").start()
}

/// What makes readings unique, by device, and how often each is there.
fn by_device(rows: &[Value]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut all = BTreeMap::<String, BTreeMap<String, usize>>::new();
    for row in rows {
        let parts =
            ["metric", "value", "unit", "measured_at", "received_at", "boot", "seq"].map(|name| &row[name]);
        let device = row["device"].as_str().unwrap().to_owned();
        *all.entry(device).or_default().entry(format!("{parts:?}")).or_default() += 1;
    }
    all
}

fn row(cluster: &Cluster, edge: &str) -> Value {
    let edges = cluster.get("/api/edges");
    edges["edges"].as_array().unwrap().iter().find(|row| row["edge"] == edge).cloned().unwrap_or_default()
}

/// Waits until all that the edge stored is in the cluster, once.
fn all_arrived_once(edge: &Millrace, cluster: &Cluster, name: &str, within: Duration) {
    let stored = by_device(&edge.readings("metric=temperature"));
    let count: usize = stored.values().map(BTreeMap::len).sum();
    eventually(within, || {
        let row = row(cluster, name);
        let is_done = row["arrived"] == count && row["missing"] == 0;
        is_done.then_some(()).ok_or(format!("{count} stored at the edge: {row}"))
    });
    for (device, readings) in &stored {
        let rows = cluster.readings(&format!("metric=temperature&device={name}/{device}"));
        let arrived = by_device(&rows).remove(&format!("{name}/{device}")).unwrap_or_default();
        assert!(arrived.values().all(|count| *count == 1), "a reading of {device} is there twice");
        let (there, here): (BTreeSet<_>, BTreeSet<_>) = (readings.keys().collect(), arrived.keys().collect());
        assert_eq!(there.difference(&here).count(), 0, "of {device}");
    }
    println!("{count} readings: {}", row(cluster, name));
}

fn until_more_arrived(cluster: &Cluster, name: &str) {
    let before = row(cluster, name)["arrived"].as_u64().unwrap_or(0);
    eventually(RECOVERED, || {
        let row = row(cluster, name);
        (row["arrived"].as_u64() > Some(before)).then_some(()).ok_or(row)
    });
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn what_an_edge_stored_arrives_once_whatever_is_killed() {
    let cluster = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    let name = cluster.device("uplink");
    let mut edge = edge(&cluster, &name, folder.path());
    // The edge is killed, too: devices find it again at another port, by a load of their own.
    for service in ["db-writer", "rabbitmq2", "timescaledb", "rabbitmq1"] {
        let arguments = ["load", "--connections", "10", "--rate", "500", "--duration", "5s"];
        let load = Load::start(&edge.device_url(), folder.path(), &arguments);
        until_more_arrived(&cluster, &name);
        cluster.kill(service);
        let (code, summary, _) = load.finish();
        assert_eq!(code, 0, "{summary}");
        edge = edge.kill().start();
        cluster.start(service);
        until_more_arrived_or_all(&edge, &cluster, &name);
    }
    all_arrived_once(&edge, &cluster, &name, RECOVERED);
}

fn until_more_arrived_or_all(edge: &Millrace, cluster: &Cluster, name: &str) {
    eventually(RECOVERED, || {
        let (row, journal) = (row(cluster, name), edge.metric("millrace_uplink_journal"));
        (row["arrived"].as_f64() == Some(journal)).then_some(()).ok_or(format!("{journal}: {row}"))
    });
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn what_the_cluster_lost_is_asked_for() {
    let cluster = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    let name = cluster.device("asked");
    let edge = edge(&cluster, &name, folder.path());
    let publish = || {
        for number in 0..5 {
            edge.publish("temperature/lab", &["-m", &number.to_string()]);
        }
    };
    publish();
    all_arrived_once(&edge, &cluster, &name, LONG);
    // As after a restore of a backup from before.
    let _ = cluster.sql(&format!("DELETE FROM uplink_ranges WHERE edge = '{name}'"));
    let _ = cluster.sql(&format!(
        "DELETE FROM readings WHERE series IN (SELECT id FROM series WHERE device = '{name}/lab')"
    ));
    publish();
    all_arrived_once(&edge, &cluster, &name, LONG);
    let asked = edge.metric("millrace_uplink_asked_total");
    assert!(asked >= 5.0, "{asked}");
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn an_edge_writes_its_own_uplink_alone() {
    let cluster = Cluster::attach();
    let folder = tempfile::tempdir().unwrap();
    let (name, other) = (cluster.device("own"), cluster.device("other"));
    let edge = edge(&cluster, &name, folder.path());
    edge.publish("temperature/lab", &["-m", "21.5"]);
    all_arrived_once(&edge, &cluster, &name, LONG);
    let stranger = edge.kill().set("UPLINK__EDGE", &other).start();
    stranger.publish("temperature/lab", &["-m", "22.5"]);
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(row(&cluster, &other), Value::Null, "an edge wrote the uplink of another one");
    assert!(stranger.metric("millrace_uplink_unsent") >= 1.0);
}
