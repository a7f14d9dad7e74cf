//! Clients and brokers of other makes: mosquitto's programs, a bridge from mosquitto, and Eclipse Paho.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{LONG, Millrace, Mosquitto, SOON, Shape, Start, Subscriber, eventually, paho};

fn fresh() -> (tempfile::TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let millrace = Start::new(&data).set("MQTT__WEBSOCKET_LISTEN", "127.0.0.1:0").start();
    (folder, millrace)
}

const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

#[test]
fn mosquittos_programs_publish_and_subscribe_in_every_version_at_every_qos() {
    let (_folder, millrace) = fresh();
    for version in VERSIONS {
        let mut subscriber = Subscriber::new(&millrace, &["-V", version, "-q", "2", "-t", "temperature/+"]);
        for qos in ["0", "1", "2"] {
            let device = format!("{version}-{qos}");
            let mut publisher = millrace.mosquitto("mosquitto_pub");
            let topic = format!("temperature/{device}");
            publisher.args(["-V", version, "-q", qos, "-t", &topic, "-m", "21.5"]);
            assert!(publisher.status().unwrap().success());
            assert_eq!(subscriber.hear(), format!("{topic} 21.5"));
            eventually(SOON, || match millrace.readings(&format!("device={device}")).len() {
                1 => Ok(()),
                other => Err(other),
            });
        }
    }
}

#[test]
fn mosquittos_programs_read_what_waited_for_them() {
    let (_folder, millrace) = fresh();
    for version in VERSIONS {
        let session = ["-c", "-i", version, "-V", version, "-q", "2", "-t", "status/+"];
        let expiry = ["-x", "600"];
        let session = [&session[..], if version == "mqttv5" { &expiry } else { &[] }].concat();
        drop(Subscriber::new(&millrace, &session));
        for (qos, payload) in [("1", "one"), ("2", "two")] {
            millrace.publish("status/lab", &["-q", qos, "-m", payload, "-V", version]);
        }
        let mut subscriber = millrace.mosquitto("mosquitto_sub");
        let output = subscriber.args(session).args(["-C", "2", "-W", "10"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\n", "{version}: {output:?}");
    }
}

#[test]
fn a_bridge_carries_messages_both_ways() {
    let (_folder, millrace) = fresh();
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        // The settings that mosquitto's manual shows: the rest are its defaults.
        let protocol = if version == "mqttv5" { "mqttv50" } else { version };
        let settings = format!(
            "connection {version}\naddress {}\nbridge_protocol_version {protocol}\n\
             topic temperature/# out 1\ntopic commands/# in 1\n",
            millrace.mqtt
        );
        let mosquitto = Mosquitto::start_with(folder.path(), &settings);
        let device = format!("bridged-{version}");
        // A message that comes before the bridge is up is not carried.
        eventually(LONG, || {
            mosquitto.publish(&format!("temperature/{device}"), "21.5");
            let stored = millrace.readings(&format!("device={device}"));
            stored.first().map(|_| ()).ok_or("nothing has come over the bridge")
        });
        let mut subscriber = mosquitto.subscriber("commands/#");
        millrace.publish(&format!("commands/{device}"), &["-m", "on"]);
        assert_eq!(subscriber.hear(), format!("commands/{device} on"));
    }
}

#[test]
fn paho_publishes_in_every_version_at_every_qos_over_tcp_and_websocket() {
    let (_folder, millrace) = fresh();
    let websocket = millrace.websocket.clone().unwrap();
    for (transport, url) in [("tcp", millrace.device_url()), ("ws", websocket)] {
        for version in ["3.1", "3", "5"] {
            for qos in ["0", "1", "2"] {
                let device = format!("paho-{transport}-{}-{qos}", version.replace('.', "-"));
                let payloads: Vec<String> = (0..200).map(|value| value.to_string()).collect();
                let arguments = ["--version", version, "--qos", qos, &format!("temperature/{device}")];
                let report = paho(&url, &arguments, &payloads.join("\n"));
                assert_eq!(
                    (&report["acked"], &report["closed"]),
                    (&200.into(), &false.into()),
                    "{device}: {report}"
                );
                eventually(SOON, || match millrace.readings(&format!("device={device}")).len() {
                    200 => Ok(()),
                    other => Err(other),
                });
            }
        }
    }
}
