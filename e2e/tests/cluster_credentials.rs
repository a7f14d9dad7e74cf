//! Devices with credentials of their own in the cluster: made, used, rotated, revoked and mended, whoever is away.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::mqtt::{Client, Connack, Connect, Endpoint, Packet, Publish, Subscribe, Version};
use e2e::{Cluster, LONG, Shape, eventually};
use serde_json::{Value, json};

/// Within this time a revoked credential is worth nothing on any node.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

const NODES: [&str; 3] = ["rabbitmq1", "rabbitmq2", "rabbitmq3"];

/// What a device logs in with.
struct Credential {
    user: String,
    password: String,
}

fn credential(cluster: &Cluster, device: &str, body: &Value) -> Credential {
    let (status, made) = cluster.post(&format!("/api/devices/{device}/credentials"), body);
    assert_eq!((status, &made["in_force"]), (201, &json!(true)), "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Credential { user: text("user"), password: text("password") }
}

impl Credential {
    fn try_at(&self, address: SocketAddr, version: Version) -> (Client, Connack) {
        let connect = Connect {
            user: Some(self.user.clone().into()),
            password: Some(self.password.clone().into()),
            ..Connect::new(version, &self.user)
        };
        Endpoint { address, version }.try_connect(&connect)
    }

    fn connect(&self, cluster: &Cluster, version: Version) -> Client {
        let (client, connack) = self.try_at(cluster.mqtt.parse().unwrap(), version);
        assert_eq!(connack.code, 0, "{}: {connack:?}", self.user);
        client
    }
}

/// The address for MQTT of one node.
fn node(cluster: &Cluster, name: &str) -> SocketAddr {
    format!("{}:1883", cluster.container_ip(name).unwrap()).parse().unwrap()
}

fn publish(device: &mut Client, version: Version, topic: &str, value: &str) {
    device.send(&Publish::new(topic, value).qos(1, 1).written(version));
    assert!(matches!(device.next(), Packet::Ack(ack) if (ack.kind, ack.reason) == (4, 0)), "{topic}");
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_publishes_as_itself_and_reads_its_own_commands() {
    let cluster = Cluster::attach();
    let (device, other) = (cluster.device("own"), cluster.device("other"));
    let lab = credential(&cluster, &format!("site-a.{device}"), &json!({}));
    for version in [Version::V311, Version::V5] {
        let mut own = lab.connect(&cluster, version);
        publish(&mut own, version, &format!("temperature/site-a/{device}"), "21.5");
        own.send(&Subscribe::new(2, &[(&format!("commands/site-a/{device}"), 1)]).written(version));
        let mut subscribed = own.next();
        while !matches!(subscribed, Packet::Suback(_)) {
            subscribed = own.next();
        }
        assert!(matches!(&subscribed, Packet::Suback(suback) if suback.codes[0] < 0x80), "{subscribed:?}");
        publish(&mut own, version, &format!("temperature/site-a/{device}"), "22.5");
        for topic in [
            format!("temperature/{other}"),
            format!("commands/site-a/{device}"),
            format!("alerts/site-a/{device}"),
            format!("temperature/site-a/{device}x"),
        ] {
            let mut own = lab.connect(&cluster, version);
            own.send(&Publish::new(&topic, "1").qos(1, 1).written(version));
            own.closed();
        }
        for filter in [format!("commands/{other}"), "commands/#".into(), "#".into()] {
            let mut own = lab.connect(&cluster, version);
            own.send(&Subscribe::new(2, &[(&filter, 1)]).written(version));
            let refused = own.next();
            assert!(
                matches!(&refused, Packet::Suback(suback) if suback.codes[0] >= 0x80),
                "{filter}: {refused:?}"
            );
        }
    }
    cluster.promised_rows(4, || cluster.readings(&format!("device=site-a/{device}")));
    assert!(cluster.readings(&format!("device={other}")).is_empty());
    // A gateway does what its further rights say.
    let gate =
        credential(&cluster, &cluster.device("gate"), &json!({ "rights": ["readwrite zigbee2mqtt/#"] }));
    let mut gate = gate.connect(&cluster, Version::V5);
    publish(&mut gate, Version::V5, &format!("zigbee2mqtt/{other}"), r#"{"temperature": 20.5}"#);
    gate.send(&Subscribe::new(2, &[("zigbee2mqtt/+/set", 1)]).written(Version::V5));
    let subscribed = gate.next();
    assert!(matches!(&subscribed, Packet::Suback(suback) if suback.codes[0] < 0x80), "{subscribed:?}");
    cluster.promised_rows(1, || cluster.readings(&format!("device={other}")));
}

/// The drill `revoke`: under load, and on each node.
#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_revoked_credential_is_worth_nothing_on_any_node_within_two_seconds() {
    let cluster = Cluster::attach();
    let device = cluster.device("revoked");
    let lab = credential(&cluster, &device, &json!({}));
    let mut open: Vec<_> = NODES
        .iter()
        .map(|name| {
            let (client, connack) = lab.try_at(node(&cluster, name), Version::V311);
            assert_eq!(connack.code, 0, "{name}");
            // One client id on three nodes: the newest stays.
            client
        })
        .collect();
    let topic = format!("temperature/{device}");
    publish(&mut open[2], Version::V311, &topic, "21");
    let began = Instant::now();
    let (status, answer) = cluster.delete(&format!("/api/devices/{device}/credentials/{}", lab.user));
    assert_eq!((status, answer.as_str()), (200, r#"{"in_force":true}"#));
    open[2].closed();
    assert!(began.elapsed() < REVOKED_WITHIN, "{:?}", began.elapsed());
    for name in NODES {
        let (_, connack) = lab.try_at(node(&cluster, name), Version::V311);
        assert_ne!(connack.code, 0, "{name}");
    }
}

/// The drill `rotate`: a device changes its password, and no reading is lost.
#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_gets_another_password_without_a_gap() {
    let cluster = Cluster::attach();
    let device = cluster.device("rotated");
    let topic = format!("temperature/{device}");
    let mut old = credential(&cluster, &device, &json!({}));
    let mut sent = 0;
    for turn in 0..3 {
        let mut client = old.connect(&cluster, Version::V5);
        publish(&mut client, Version::V5, &topic, &format!("{turn}.25"));
        let next = credential(&cluster, &device, &json!({}));
        publish(&mut client, Version::V5, &topic, &format!("{turn}.5"));
        let mut renewed = next.connect(&cluster, Version::V5);
        let revoked = cluster.delete(&format!("/api/devices/{device}/credentials/{}", old.user));
        assert_eq!(revoked.0, 200, "{revoked:?}");
        publish(&mut renewed, Version::V5, &topic, &format!("{turn}.75"));
        client.closed();
        sent += 3;
        old = next;
    }
    cluster.promised_rows(sent, || cluster.readings(&format!("device={device}")));
}

/// The drill `drift`: what others do to RabbitMQ's users is mended.
#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn what_others_change_in_rabbitmq_is_mended() {
    let cluster = Cluster::alone();
    let (removed, wide) = (cluster.device("removed"), cluster.device("wide"));
    let (removed, wide) =
        (credential(&cluster, &removed, &json!({})), credential(&cluster, &wide, &json!({})));
    let control = |arguments: &[&str]| {
        cluster.compose(&[&["exec", "-T", "rabbitmq2", "rabbitmqctl", "-q"], arguments].concat()).unwrap();
    };
    control(&["delete_user", &removed.user]);
    control(&["set_topic_permissions", &wide.user, "amq.topic", ".*", ".*"]);
    let address = cluster.mqtt.parse().unwrap();
    eventually(LONG, || {
        let (mut client, connack) = removed.try_at(address, Version::V5);
        if connack.code != 0 {
            return Err(format!("{connack:?}"));
        }
        publish(&mut client, Version::V5, &format!("temperature/{}", removed.user), "1");
        Ok(())
    });
    let mut client = wide.connect(&cluster, Version::V5);
    client.send(&Publish::new("temperature/another", "1").qos(1, 1).written(Version::V5));
    client.closed();
    assert!(cluster.metric_of_all("gateway", "millrace_gateway_users_drifted_total") >= 2.0);
}

/// The drill `provision-database-away`: devices are let in while the database and every service of Millrace are away.
#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn devices_are_let_in_while_the_database_and_all_services_are_away() {
    const AWAY: [&str; 4] = ["gateway", "dashboard", "alerter", "db-writer"];
    let cluster = Cluster::alone();
    let device = cluster.device("alone");
    let lab = credential(&cluster, &device, &json!({}));
    for service in AWAY {
        cluster.stop(service);
    }
    cluster.pause("timescaledb");
    let topic = format!("temperature/{device}");
    for turn in 0..20 {
        let mut client = lab.connect(&cluster, Version::V311);
        publish(&mut client, Version::V311, &topic, &format!("{turn}.5"));
    }
    cluster.unpause("timescaledb");
    for service in AWAY.iter().rev() {
        cluster.start(service);
    }
    eventually(LONG, || match cluster.ask(&format!("/api/readings?device={device}")) {
        (200, body) if body.matches("\"measured_at\"").count() == 20 => Ok(()),
        other => Err(other),
    });
}
