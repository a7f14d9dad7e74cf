//! What a user of the password file may do over MQTT, and what a client hears that does more.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use e2e::firmware::{Device, Esphome, Firmware, Shelly2, Tasmota, Zigbee2Mqtt};
use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Subscribe, Version};
use e2e::{Millrace, SOON, Shape, Start, eventually};

/// With the users `dev1` and `ann`, who is an operator; each user's password is the name.
fn start(folder: &std::path::Path) -> Millrace {
    let users = folder.join("users");
    let start = Start::new(&folder.join("data"))
        .set("MQTT__PASSWORD_FILE", users.to_str().unwrap())
        .set("MQTT__OPERATORS", "ann, bob")
        .set("MQTT__SYS_INTERVAL", "200ms");
    for user in ["dev1", "ann"] {
        let mut passwd = start.command().args(["passwd", user]).stdin(Stdio::piped()).spawn().unwrap();
        writeln!(passwd.stdin.take().unwrap(), "{user}").unwrap();
        assert!(passwd.wait().unwrap().success());
    }
    start.start()
}

fn connect(millrace: &Millrace, version: Version, user: &str) -> Client {
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version };
    let (user, connect) = (Some(user.into()), Connect::new(version, user));
    endpoint.connect_as(&Connect { password: user.clone(), user, ..connect })
}

/// [MQTT-3.3.5-2]: a publish that is not allowed is acknowledged as if it were, or the connection is closed. Millrace
/// never lets it look like success.
#[test]
fn a_device_that_publishes_as_another_is_told_so_or_cut_off_and_nothing_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    for version in [Version::V31, Version::V311, Version::V5] {
        for qos in [0, 1, 2] {
            let mut device = connect(&millrace, version, "dev1");
            device.send(&Publish::new("temperature/dev1", "21.5").qos(1, 1).written(version));
            assert!(matches!(device.next(), Packet::Ack(ack) if (ack.kind, ack.reason) == (4, 0)));
            device.send(&Publish::new("temperature/dev2", "21.5").qos(qos, 2).written(version));
            match (version, qos) {
                (Version::V5, 0) => device.ping(),
                (Version::V5, _) => {
                    let Packet::Ack(ack) = device.next() else { panic!("an acknowledgement") };
                    assert_eq!((ack.kind, ack.reason), (qos + 3, 0x87));
                    device.ping();
                }
                _ => assert!(device.closed().0.is_empty(), "{version:?} at QoS {qos}: no PUBACK"),
            }
        }
    }
    // Both are kept: what was allowed as readings, and what was not as rejected, in no series of the other's.
    eventually(SOON, || match millrace.readings("device=dev1").len() {
        9 => Ok(()),
        other => Err(other),
    });
    assert!(millrace.readings("device=dev2").is_empty());
    let rejected = millrace.rows("rejected");
    assert_eq!(rejected.len(), 9, "{rejected:?}");
}

/// A payload may name a device: only a gateway publishes for others.
#[test]
fn a_device_does_not_speak_for_another_in_its_payload() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let mut device = connect(&millrace, Version::V5, "dev1");
    for (packet, of) in [(1, "dev1"), (2, "dev2"), (3, "dev1/probe"), (4, "dev10")] {
        let line = format!("env,device={of} temperature=21.5");
        device.send(&Publish::new("telegraf/dev1/x", &line).qos(1, packet).written(Version::V5));
        assert!(matches!(device.next(), Packet::Ack(ack) if (ack.kind, ack.reason) == (4, 0)), "{of}");
    }
    eventually(SOON, || match millrace.rows("rejected").len() {
        2 => Ok(()),
        other => Err(other),
    });
    for (of, count) in [("dev1", 1), ("dev1/probe", 1), ("dev2", 0), ("dev10", 0)] {
        assert_eq!(millrace.readings(&format!("device={of}")).len(), count, "{of}");
    }
    let reason = millrace.rows("rejected")[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("the user dev1 may publish for its own device alone"), "{reason}");
}

#[test]
fn statistics_are_for_operators() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start(folder.path());
    let mut device = connect(&millrace, Version::V5, "dev1");
    device.send(&Subscribe::new(1, &[("$SYS/#", 0), ("commands/dev1", 1)]).written(Version::V5));
    assert!(matches!(device.next(), Packet::Suback(suback) if suback.codes == [0x87, 1]));
    let mut old = connect(&millrace, Version::V311, "dev1");
    old.send(&Subscribe::new(1, &[("$SYS/#", 0)]).written(Version::V311));
    assert!(matches!(old.next(), Packet::Suback(suback) if suback.codes == [0x80]));
    let mut operator = connect(&millrace, Version::V5, "ann");
    let filter = "$SYS/broker/clients/connected";
    operator.send(&Subscribe::new(1, &[(filter, 0)]).written(Version::V5));
    assert!(matches!(operator.next(), Packet::Suback(suback) if suback.codes == [0]));
    // At once, and then by the interval.
    for is_first in [true, false] {
        let Packet::Publish(told) = operator.next() else { panic!("statistics") };
        assert_eq!((told.topic.as_str(), told.retain), (filter, is_first));
        let connected: u32 = told.text().parse().unwrap();
        assert!(connected >= 2, "{connected}");
    }
}

/// The command in the documentation that adds a user for this firmware, with the device's name in the place of `lab`.
fn documented(firmware: &str, device: &str) -> Vec<String> {
    let document = include_str!("../../docs/devices.md");
    let (_, section) = document.split_once(&format!("\n### {firmware}\n")).unwrap();
    let line = section.lines().find(|line| line.starts_with("millrace passwd ")).unwrap();
    let words = line.split(' ').skip(1).map(|word| word.trim_matches('\'').to_owned());
    words
        .map(|word| if word == "lab" { device.into() } else { word.replace("lab/", &format!("{device}/")) })
        .collect()
}

#[test]
fn a_user_with_the_rights_of_the_documentation_may_do_what_the_firmware_does() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let passwd = |arguments: &[String]| {
        let mut passwd = start.command().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        writeln!(passwd.stdin.take().unwrap(), "{}", arguments[1]).unwrap();
        assert!(passwd.wait().unwrap().success(), "{arguments:?}");
    };
    let house: [(&str, &str, Box<dyn Firmware>); 4] = [
        ("Zigbee2MQTT", "z2m", Box::new(Zigbee2Mqtt::new(Version::V311, "z2m"))),
        ("Tasmota", "plug", Box::new(Tasmota::new("plug"))),
        ("ESPHome", "board", Box::new(Esphome::new("board"))),
        ("Shelly", "shellyplus1pm-two", Box::new(Shelly2::new("two"))),
    ];
    passwd(&["passwd", "ann", "--write", "#"].map(str::to_owned));
    house.iter().for_each(|(firmware, user, _)| passwd(&documented(firmware, user)));
    let millrace = start.clone().start();
    for (name, user, firmware) in house {
        let credentials = Some((user.to_owned(), user.to_owned()));
        let address = millrace.mqtt.parse().unwrap();
        let device = Device::start(firmware, address, credentials.as_ref(), Duration::from_secs(1));
        let (topic, payload) = device.command.clone();
        let mut ann = connect(&millrace, Version::V311, "ann");
        eventually(SOON, || {
            ann.publish(&Publish::new(&topic, &payload).qos(1, 0));
            if device.commands() > 0 { Ok(()) } else { Err(format!("{name}: no command has come")) }
        });
        let tally = device.end().unwrap_or_else(|e| panic!("{name}: {e}"));
        for ((metric, device), count) in tally.series {
            let filter = format!("metric={metric}&device={device}");
            eventually(SOON, || match millrace.readings(&filter).len() {
                stored if stored == count => Ok(()),
                stored => Err(format!("{name}, {metric} of {device}: {stored} of {count}")),
            });
        }
    }
    assert_eq!(millrace.rows("rejected"), Vec::<serde_json::Value>::new());
}
