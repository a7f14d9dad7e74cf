//! Devices of other makes in the cluster: what they publish is stored, and they stay connected.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::devices::{fixtures, problem, publish};
use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version, Will};
use e2e::{Cluster, LONG, Shape, eventually};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn every_message_of_a_real_device_is_stored_as_a_user_expects() {
    let cluster = Cluster::attach();
    // The services read times by one zone, and no fixture with another one is for them.
    let fixtures: Vec<_> = fixtures().into_iter().filter(|(_, fixture)| fixture["zone"].is_null()).collect();
    for (_, fixture) in &fixtures {
        for before in fixture["before"].as_array().into_iter().flatten() {
            publish(&cluster, before, None);
        }
        publish(&cluster, fixture, fixture["client"].as_str());
    }
    let wrong = |(name, fixture): &(String, Value)| {
        let client = fixture["client"].as_str().unwrap_or_default();
        problem(&cluster, fixture, client).map(|problem| format!("{name}: {problem}"))
    };
    eventually(LONG, || match fixtures.iter().filter_map(wrong).collect::<Vec<_>>() {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(wrong.join("\n")),
    });
}

/// A client with the user of all devices, which says by its will that it is gone.
fn connect(cluster: &Cluster, version: Version, client_id: &str, will: &str) -> Client {
    let will = Will { retain: true, ..Will::new(will, "Offline") };
    let mut connect = Connect::new(version, client_id).with_will(will);
    connect.user = Some("device".into());
    connect.password = Some(cluster.broker_password("device").into());
    connect.keep_alive = 60;
    Endpoint { address: cluster.mqtt.parse().unwrap(), version }.connect_as(&connect)
}

/// Waits for a message on this topic; others, and acknowledgements, may come before it.
fn until_heard(client: &mut Client, topic: &str) {
    loop {
        if let Packet::Publish(publish) = client.next() {
            client.acknowledge(&publish);
            if publish.topic == topic {
                return;
            }
        }
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn devices_that_subscribe_retain_and_publish_large_messages_stay_connected() {
    let cluster = Cluster::attach();
    for version in [Version::V311, Version::V5] {
        let name = cluster.device("plug");
        let [will, command] = [format!("tele/{name}/LWT"), format!("cmnd/{name}/POWER")];
        let mut plug = connect(&cluster, version, &name, &will);
        for filter in [format!("cmnd/{name}/#"), "cmnd/tasmotas/#".into()] {
            assert!(plug.subscribe(&filter, 1) < 0x80, "{filter}");
        }
        for (topic, payload) in [(&will, "Online"), (&format!("tele/{name}/INFO1"), r#"{"Info1":{}}"#)] {
            assert!(plug.publish(&Publish::new(topic, payload).qos(1, 0).retained()) < 0x80, "{topic}");
        }
        let sensor = format!("tele/{name}/SENSOR");
        assert_eq!(plug.publish(&Publish::new(&sensor, r#"{"AM2301":{"Temperature":21.5}}"#).qos(1, 0)), 0);
        cluster.publish(&command, &["-m", "ON"]);
        until_heard(&mut plug, &command);

        let gateway = cluster.device("gateway");
        let mut bridge = connect(&cluster, version, &gateway, "zigbee2mqtt/bridge/state");
        for filter in ["zigbee2mqtt/#", "homeassistant/status"] {
            assert!(bridge.subscribe(filter, 0) < 0x80, "{filter}");
        }
        let all = Publish::new("zigbee2mqtt/bridge/devices", vec![b'x'; 300_000]).qos(1, 7).retained();
        bridge.send(&all.written(version));
        until_heard(&mut bridge, "zigbee2mqtt/bridge/devices");
        let lamp = format!("zigbee2mqtt/{gateway}");
        bridge.send(&Publish::new(&lamp, r#"{"linkquality":90}"#).qos(1, 8).written(version));
        until_heard(&mut bridge, &lamp);
        cluster.publish(&format!("{lamp}/set"), &["-m", "ON"]);
        until_heard(&mut bridge, &format!("{lamp}/set"));

        // The page still hears everything, and so do the services.
        let filters = [format!("device={name}/AM2301&metric=temperature"), format!("device={gateway}")];
        for filter in filters {
            let readings = eventually(LONG, || match cluster.readings(&filter) {
                readings if readings.is_empty() => Err(filter.clone()),
                readings => Ok(readings),
            });
            assert_eq!(readings.len(), 1, "{filter}: {readings:?}");
        }
        plug.ping();
        drop(plug);
        let online = format!("device={name}&metric=online");
        eventually(LONG, || match cluster.readings(&online).iter().any(|row| row["value"] == 0.0) {
            true => Ok(()),
            false => Err("the will has not come"),
        });
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn what_no_rule_reads_is_seen_on_the_page() {
    let cluster = Cluster::attach();
    let topic = format!("shed-{}/door/data", cluster.device("x"));
    eventually(LONG, || {
        cluster.publish(&topic, &["-m", r#"{"open": true}"#]);
        let inputs = cluster.get("/api/inputs");
        let groups = inputs["unmapped"].as_array().cloned().unwrap_or_default();
        match groups.into_iter().find(|group| group["topic"] == topic.as_str()) {
            Some(group) if group["suggestion"]["readings"][0] == "open/door = 1" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn all_services_read_messages_by_the_same_rules() {
    let cluster = Cluster::attach();
    let devices = |pipeline: &Value| {
        let stages = pipeline["stages"].as_array().unwrap().clone();
        stages.into_iter().find(|stage| stage["id"] == "devices").unwrap_or_default()
    };
    let stage = devices(&cluster.get("/api/pipeline"));
    let problem = stage["problem"].as_str().unwrap_or_default();
    assert!(!problem.contains("rules"), "{stage}");
    let inputs = cluster.get("/api/inputs");
    assert_eq!(inputs["mappings"]["file"], "/mappings/home-made.toml", "{inputs}");
    assert_eq!(inputs["mappings"]["can_add"], false, "the folder is mounted to be read only");
}
