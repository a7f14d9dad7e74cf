//! The embedded broker is a broker: local subscribers, retained messages, wills, WebSocket, passwords.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use e2e::{Millrace, SOON, Shape, Start, Subscriber, binary, eventually};

fn fresh() -> (tempfile::TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let millrace =
        Start::new(&folder.path().join("data")).set("MQTT__WEBSOCKET_LISTEN", "127.0.0.1:0").start();
    (folder, millrace)
}

#[test]
fn local_subscribers_of_both_versions_get_readings_and_everything_else() {
    let (_folder, millrace) = fresh();
    for version in ["mqttv311", "mqttv5"] {
        let mut subscriber = Subscriber::new(&millrace, &["-V", version, "-t", "#"]);
        millrace.publish("temperature/lab", &["-m", "21.5", "-V", version]);
        assert_eq!(subscriber.hear(), "temperature/lab 21.5");
        millrace.publish("status/lab", &["-m", "online", "-V", version]);
        assert_eq!(subscriber.hear(), "status/lab online");
    }
    assert_eq!(millrace.readings("device=lab").len(), 2);
}

#[test]
fn a_reading_at_any_quality_of_service_is_stored() {
    let (_folder, millrace) = fresh();
    for qos in ["0", "1", "2"] {
        let status = millrace
            .mosquitto("mosquitto_pub")
            .args(["-q", qos, "-t", "humidity/lab", "-m", &format!("4{qos}")])
            .status();
        assert!(status.unwrap().success());
    }
    eventually(SOON, || match millrace.readings("device=lab").len() {
        3 => Ok(()),
        stored => Err(stored),
    });
}

#[test]
fn retained_messages_survive_a_restart_and_can_be_cleared() {
    let (_folder, millrace) = fresh();
    millrace.publish("status/lab", &["-m", "online", "-r"]);
    let (status, again) = millrace.terminate();
    assert!(status.success());
    let millrace = again.start();
    let mut subscriber = Subscriber::new(&millrace, &["-t", "status/#"]);
    assert_eq!(subscriber.hear(), "status/lab online");
    millrace.publish("status/lab", &["-n", "-r"]);
    assert_eq!(subscriber.hear(), "status/lab (null)");
}

#[test]
fn a_device_that_vanishes_is_announced_by_its_will() {
    let (_folder, millrace) = fresh();
    let mut watcher = Subscriber::new(&millrace, &["-t", "status/#"]);
    let device = Subscriber::new(
        &millrace,
        &["-t", "x", "--will-topic", "status/lab", "--will-payload", "offline", "--will-qos", "1"],
    );
    drop(device);
    assert_eq!(watcher.hear(), "status/lab offline");
}

#[test]
fn a_simulated_sensor_publishes_whether_it_is_online() {
    let (_folder, millrace) = fresh();
    let mut watcher = Subscriber::new(&millrace, &["-t", "status/#"]);
    let mut sensor = Command::new(binary("sensor-sim"))
        .args(["run", "--device", "hall", "--count", "3", "--interval", "10ms", "--broker"])
        .arg(format!("mqtt://{}", millrace.mqtt))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(watcher.hear(), "status/hall online");
    assert_eq!(watcher.hear(), "status/hall offline");
    assert!(sensor.wait().unwrap().success());
    assert_eq!(millrace.readings("device=hall").len(), 3);
}

#[test]
fn mqtt_comes_over_websocket_too() {
    let (_folder, millrace) = fresh();
    let url = millrace.websocket.as_deref().expect("the WebSocket address is printed");
    let address = url.trim_start_matches("ws://").trim_end_matches("/mqtt").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let upgrade = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    // CONNECT of MQTT 3.1.1 with client id "ws", in one masked binary frame whose mask is zero.
    let connect = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ws";
    stream
        .write_all(&[&[0x82, 0x80 | connect.len() as u8, 0, 0, 0, 0], connect.as_slice()].concat())
        .unwrap();
    let mut connack = [0; 6];
    stream.read_exact(&mut connack).unwrap();
    assert_eq!(connack, [0x82, 4, 0x20, 2, 0, 0], "a binary frame with CONNACK");
}

#[test]
fn with_a_password_file_only_its_users_connect() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    let start = Start::new(&folder.path().join("data"))
        .set("MQTT__PASSWORD_FILE", file.to_str().unwrap())
        .set("MQTT__LISTEN", "0.0.0.0:0")
        .set("SENSORS__COUNT", "1")
        .set("SENSORS__INTERVAL", "50ms");
    for (user, password) in [("ann", "old"), ("site.ben", "pw"), ("ann", "s3cret:x")] {
        let mut passwd = start.command().args(["passwd", user]).stdin(Stdio::piped()).spawn().unwrap();
        writeln!(passwd.stdin.take().unwrap(), "{password}").unwrap();
        assert!(passwd.wait().unwrap().success());
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.lines().count() == 2 && !kept.contains("s3cret"), "{kept}");

    let millrace = start.start();
    assert!(!millrace.mqtt.starts_with("0.0.0.0"), "others cannot reach {}", millrace.mqtt);
    let port = millrace.mqtt.rsplit_once(':').unwrap().1;
    let publish = |topic: &str, arguments: &[&str]| {
        let mut command = e2e::program("mosquitto_pub", "mosquitto-clients");
        let command =
            command.args(["-h", "127.0.0.1", "-p", port, "-q", "1", "-V", "mqttv5", "-t", topic, "-m", "1"]);
        let output = command.args(arguments).output().unwrap();
        output.status.success() && output.stderr.is_empty()
    };
    assert!(!publish("temperature/ann", &[]), "nobody connects without a name");
    assert!(!publish("temperature/ann", &["-u", "ann", "-P", "old"]));
    assert!(publish("temperature/ann", &["-u", "ann", "-P", "s3cret:x"]));
    assert!(publish("temperature/site/ben", &["-u", "site.ben", "-P", "pw"]));
    assert!(
        !publish("temperature/site/ben", &["-u", "ann", "-P", "s3cret:x"]),
        "a device speaks for itself only"
    );
    assert!(!publish("alerts/ann", &["-u", "ann", "-P", "s3cret:x"]));
    assert_eq!(millrace.readings("device=site/ben").len(), 1);
    // The file is followed: a user of it that is removed is cut off, a new one may connect.
    let mut watcher = e2e::program("mosquitto_sub", "mosquitto-clients")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-u",
            "ann",
            "-P",
            "s3cret:x",
            "-V",
            "mqttv5",
            "-t",
            "commands/ann",
        ])
        .args(["-E"])
        .spawn()
        .unwrap();
    assert!(watcher.wait().unwrap().success(), "a device reads its commands");
    let ben = kept.lines().find(|line| line.starts_with("site.ben:")).unwrap();
    std::fs::write(&file, format!("{ben}\n{}\n", ben.replace("site.ben:", "cat:"))).unwrap();
    eventually(SOON, || {
        publish("temperature/cat", &["-u", "cat", "-P", "pw"]).then_some(()).ok_or("a new user")
    });
    assert!(!publish("temperature/ann", &["-u", "ann", "-P", "s3cret:x"]));
    eventually(SOON, || {
        (millrace.readings("device=data_center_a1").len() > 1).then_some(()).ok_or("own sensor")
    });
}
