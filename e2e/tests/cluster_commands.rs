//! Commands in the cluster: in order, recorded once, whoever is killed.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::{Cluster, LONG, Shape as _, Subscriber, eventually};
use serde_json::{Value, json};

/// A device that comes back is looked for within this time.
const LOOKED_FOR: Duration = Duration::from_secs(75);

fn register(cluster: &Cluster, device: &str) {
    let (status, answer) = cluster.post("/api/devices", &json!({ "name": device }));
    assert_eq!(status, 201, "{answer}");
}

fn make(cluster: &Cluster, device: &str) -> String {
    let (status, made) = cluster.post("/api/commands", &json!({ "device": device, "command": "blink" }));
    assert_eq!((status, &made["state"]), (201, &json!("queued")), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn until_it_is(cluster: &Cluster, id: &str, state: &str, within: Duration) {
    eventually(within, || match cluster.get(&format!("/api/commands/{id}")) {
        command if command["state"] == state => Ok(()),
        command => Err(command),
    });
}

/// The id of the command that a subscriber gets next.
fn heard(device: &mut Subscriber) -> String {
    let message = device.hear();
    let command: Value = serde_json::from_str(message.split_once(' ').unwrap().1).unwrap();
    command["id"].as_str().unwrap().to_owned()
}

fn answer(cluster: &Cluster, device: &str, id: &str, status: &str) {
    let result = json!({ "id": id, "status": status }).to_string();
    cluster.publish(&format!("results/{device}"), &["-m", &result]);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_that_was_away_gets_its_commands_in_order() {
    let cluster = Cluster::attach();
    let device = cluster.device("commanded");
    register(&cluster, &device);
    let ids = [(); 3].map(|()| make(&cluster, &device));
    let mut subscriber = Subscriber::new(&cluster, &["-V", "mqttv311", "-t", &format!("commands/{device}")]);
    for id in &ids {
        assert_eq!(heard(&mut subscriber), *id);
        until_it_is(&cluster, id, "sent", LOOKED_FOR);
        answer(&cluster, &device, id, "done");
        answer(&cluster, &device, id, "failed");
        until_it_is(&cluster, id, "done", LONG);
    }
    let state = json!({ "version": 0, "state": { "interval": 10 } }).to_string();
    cluster.publish(&format!("state/{device}"), &["-m", &state]);
    eventually(LONG, || match cluster.get(&format!("/api/devices/{device}/twin")) {
        twin if twin["reported"] == json!({ "interval": 10 }) => Ok(()),
        twin => Err(twin),
    });
    assert!(cluster.readings(&format!("device={device}")).is_empty(), "answers are no readings");
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_killed_gateway_or_node_loses_no_command() {
    let cluster = Cluster::alone();
    let device = cluster.device("commanded");
    register(&cluster, &device);
    for service in ["gateway", "rabbitmq1", "timescaledb", "gateway"] {
        let id = make(&cluster, &device);
        cluster.kill(service);
        cluster.start(service);
        let mut subscriber = Subscriber::new(&cluster, &["-t", &format!("commands/{device}")]);
        assert_eq!(heard(&mut subscriber), id, "{service}");
        answer(&cluster, &device, &id, "done");
        until_it_is(&cluster, &id, "done", LONG);
    }
}
