//! Whoever only connects takes nothing from those who have something to say.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use e2e::{LONG, Millrace, SOON, Shape, Start, eventually};

/// Few enough for 60 strangers to take them all.
const OPEN_FILES: u32 = 80;

const STRANGERS: usize = 60;

fn start() -> (tempfile::TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data"))
        .set("SENSORS__COUNT", "1")
        .set("SENSORS__INTERVAL", "50ms")
        .open_files(OPEN_FILES)
        .start();
    (folder, millrace)
}

fn connect(address: &str) -> Vec<TcpStream> {
    (0..STRANGERS).map(|_| TcpStream::connect(address).unwrap()).collect()
}

/// Waits until the peer has closed the connection, whatever it says before.
fn closed(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let ended = stream.read_to_end(&mut Vec::new());
    assert!(!ended.is_err_and(|e| e.kind() == ErrorKind::WouldBlock), "it is still open");
}

/// More readings come in, and the log has few lines.
fn goes_on(millrace: &Millrace) {
    let acknowledged = millrace.metric_of("edge", "acknowledged_total");
    eventually(SOON, || {
        (millrace.metric_of("edge", "acknowledged_total") > acknowledged + 3.0)
            .then_some(())
            .ok_or("no more readings")
    });
    let log = std::fs::metadata(millrace.start().log()).unwrap().len();
    assert!(log < 16 * 1024, "{log} bytes of log");
}

#[test]
fn idle_http_connections_stop_no_device_and_end_by_themselves() {
    let (_folder, millrace) = start();
    let address = millrace.http.trim_start_matches("http://").to_owned();
    let strangers = connect(&address);
    // Those for which there is no room are closed at once: the page answers other addresses all the while.
    closed(strangers.last().unwrap());
    // The others are closed after http.idle_timeout.
    for stranger in &strangers {
        closed(stranger);
    }
    goes_on(&millrace);
    assert!(millrace.metric_of("db-writer", "stored_total") > 0.0);
}

#[test]
fn idle_mqtt_connections_stop_no_device_and_end_by_themselves() {
    let (_folder, millrace) = start();
    let strangers = connect(&millrace.mqtt);
    goes_on(&millrace);
    // The page and the health check have places of their own.
    eventually(SOON, || match millrace.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
    for stranger in &strangers {
        closed(stranger);
    }
    goes_on(&millrace);
    // There is room again.
    millrace.publish("temperature/lab", &["-m", "21.5"]);
}

#[test]
fn however_long_and_often_a_stranger_writes_the_log_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut passwd = start.command().args(["passwd", "lab"]).stdin(Stdio::piped()).spawn().unwrap();
    writeln!(passwd.stdin.take().unwrap(), "s3cret").unwrap();
    assert!(passwd.wait().unwrap().success());
    let millrace = start.start();
    let name = "\u{202e}x".repeat(3_000);
    let length = |text: &str| u16::try_from(text.len()).unwrap().to_be_bytes();
    let body = [&b"\0\x04MQTT\x04\xc2\0\x3c\0\0"[..], &length(&name), name.as_bytes(), b"\0\x01p"].concat();
    let length = [(body.len() % 128) as u8 | 128, (body.len() / 128) as u8];
    for _ in 0..200 {
        let mut stream = TcpStream::connect(&millrace.mqtt).unwrap();
        stream.write_all(&[&b"\x10"[..], &length, &body].concat()).unwrap();
        closed(&stream);
        let mut stream = TcpStream::connect(millrace.http.trim_start_matches("http://")).unwrap();
        write!(stream, "GET /{name} HTTP/1.1\r\nhost: {name}\r\n\r\n").unwrap();
    }
    let log = std::fs::read_to_string(millrace.start().log()).unwrap();
    assert!(log.len() < 16 * 1024 && !log.contains('\u{202e}'), "{} bytes: {log}", log.len());
    assert_eq!(millrace.metric_of("edge", "logins_refused_total"), 200.0);
}
