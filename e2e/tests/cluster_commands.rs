//! Commands in the cluster: in order, recorded once, whoever is killed.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::scenarios::commands::{self, answer, heard, make, register, until_it_is};
use e2e::{Cluster, LONG, Shape as _, Subscriber, eventually};
use serde_json::json;

/// A device that comes back is looked for within this time.
const LOOKED_FOR: Duration = Duration::from_secs(75);

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_that_was_away_gets_its_commands_in_order() {
    let cluster = Cluster::attach();
    let device = cluster.device("commanded");
    register(&cluster, &device);
    let ids = [(); 3].map(|()| make(&cluster, &device, "1h"));
    let mut subscriber = Subscriber::new(&cluster, &["-V", "mqttv311", "-t", &format!("commands/{device}")]);
    for id in &ids {
        assert_eq!(heard(&subscriber.hear())["id"], **id);
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
    commands::node(&Cluster::alone());
}
