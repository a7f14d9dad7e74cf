//! What a user of the password file may do over MQTT, and what a client hears that does more.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::Write as _;
use std::process::Stdio;

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
