//! Clients of other makes against the cluster, through HAProxy, and what they may do there.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use e2e::{Cluster, LONG, Shape, eventually, paho};
use serde_json::Value;

/// Waits until a device has `count` readings, no more, and returns them.
fn stored(cluster: &Cluster, device: &str, count: usize) -> Vec<Value> {
    let filter = format!("device={device}");
    let readings = eventually(LONG, || match cluster.readings(&filter) {
        readings if readings.len() >= count => Ok(readings),
        readings => Err(format!("{} of {count} are stored", readings.len())),
    });
    assert_eq!(readings.len(), count);
    readings
}

/// `mqtt://…` or `ws://…` as the user `device`.
fn device_urls(cluster: &Cluster) -> [String; 2] {
    let password = cluster.broker_password("device");
    [cluster.device_url(), format!("ws://device:{password}@{}/ws", cluster.web_mqtt())]
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn paho_publishes_a_thousand_readings_at_once_over_tcp_and_websocket_in_both_versions() {
    let cluster = Cluster::attach();
    let mut payloads = "21.5\n".repeat(200);
    for seq in 1..=800 {
        writeln!(payloads, r#"{{"value":21.5,"boot":1,"seq":{seq}}}"#).unwrap();
    }
    for url in device_urls(&cluster) {
        for version in ["3", "5"] {
            let device = cluster.device("paho");
            let report = paho(&url, &["--version", version, &format!("temperature/{device}")], &payloads);
            assert_eq!((&report["acked"], &report["closed"]), (&1_000.into(), &false.into()), "{report}");
            // The broker stamps milliseconds: equal numbers within one are different readings all the same.
            stored(&cluster, &device, 1_000);
        }
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn mosquitto_publishes_equal_numbers_line_by_line_in_both_versions() {
    let cluster = Cluster::attach();
    for version in ["mqttv311", "mqttv5"] {
        let device = cluster.device("mosquitto");
        let mut publish = cluster.mosquitto("mosquitto_pub");
        publish.args(["-V", version, "-q", "1", "-t", &format!("humidity/{device}"), "-l"]);
        let mut publish = publish.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut publish.stdin.take().unwrap(), "48\n".repeat(500).as_bytes()).unwrap();
        assert!(publish.wait().unwrap().success());
        stored(&cluster, &device, 500);
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_subscriber_with_the_right_to_it_hears_what_a_device_publishes() {
    let cluster = Cluster::attach();
    let (host, port) = cluster.mqtt.rsplit_once(':').unwrap();
    for version in ["mqttv311", "mqttv5"] {
        let topic = format!("pressure/{}", cluster.device("heard"));
        // Through a pipe, mosquitto_sub would keep its lines to itself; debug output tells when it is subscribed.
        let mut subscriber = Command::new("stdbuf")
            .args([
                "-oL",
                "mosquitto_sub",
                "-h",
                host,
                "-p",
                port,
                "-V",
                version,
                "-t",
                &topic,
                "-d",
                "-C",
                "1",
            ])
            .args(["-i", &cluster.device("millrace-dashboard"), "-W", "60"])
            .args(["-u", "dashboard", "-P", cluster.broker_password("dashboard")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(subscriber.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("Subscribed")), "{version}: not subscribed");
        cluster.publish(&topic, &["-m", "1013", "-V", version]);
        assert!(lines.any(|line| line == "1013"), "{version}: nothing is heard");
        assert!(subscriber.wait().unwrap().success());
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn a_device_may_publish_and_hear_all_but_what_is_not_for_devices() {
    let cluster = Cluster::attach();
    let device = cluster.device("lab");
    for url in device_urls(&cluster) {
        for version in ["3", "5"] {
            for topic in ["commands/x", "alerts/x", "uplink/x", "commands", "$SYS/x"] {
                let report = paho(&url, &["--version", version, topic], "1");
                assert!(report["acked"] == 0 && report["closed"] == true, "{topic}: {report}");
            }
            for (filter, allowed) in [
                ("#", false),
                ("+/lab", false),
                ("alerts/#", false),
                ("uplink/x", false),
                ("commands/device", true),
                ("cmnd/device/#", true),
            ] {
                let report = paho(&url, &["--version", version, "--subscribe", filter], "");
                let granted = report["suback"].as_array().is_some_and(|reasons| {
                    reasons.iter().any(|reason| reason.as_str().unwrap().starts_with("Granted"))
                });
                assert_eq!(granted, allowed, "{filter}: {report}");
            }
        }
    }
    for topic in [format!("status/{device}"), format!("light/{device}/x"), format!("temperature/{device}")] {
        assert_eq!(paho(&cluster.device_url(), &[&topic], "1")["acked"], 1, "{topic}");
    }
    stored(&cluster, &device, 1);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn the_dashboard_may_publish_readings_and_nothing_else() {
    let cluster = Cluster::attach();
    let url = cluster.mqtt_url("dashboard");
    for topic in ["temperature", "status/x", "alerts/x/y", "commands/x"] {
        let report = paho(&url, &[topic], "1");
        assert!(report["acked"] == 0 && report["closed"] == true, "{topic}: {report}");
    }
    let device = cluster.device("resent");
    assert_eq!(paho(&url, &[&format!("temperature/{device}")], "1")["acked"], 1);
    stored(&cluster, &device, 1);
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn nobody_comes_in_without_the_right_password() {
    let cluster = Cluster::attach();
    let (tcp, web) = (format!("{}/", cluster.mqtt), format!("{}/ws", cluster.web_mqtt()));
    // The broker takes its time with each refusal.
    std::thread::scope(|scope| {
        for credentials in ["", "device:wrong@", "nobody:x@", "guest:guest@", "operator:device@"] {
            for (scheme, place, version) in [("mqtt", &tcp, "3"), ("mqtt", &tcp, "5"), ("ws", &web, "5")] {
                let url = format!("{scheme}://{credentials}{place}");
                scope.spawn(move || {
                    let report = paho(&url, &["--version", version, "temperature/x"], "1");
                    assert!(report["acked"] == 0 && report["connack"] != "Success", "{url}: {report}");
                });
            }
        }
    });
}
