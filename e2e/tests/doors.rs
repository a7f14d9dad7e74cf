//! Whoever only connects takes nothing from those who have something to say.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::Read;
use std::net::TcpStream;

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

/// Waits until the peer has closed the connection.
fn closed(stream: &TcpStream) {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut stream = stream;
    assert!(matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)));
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
