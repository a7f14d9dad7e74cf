//! What strangers have asked of the page and its API, each bounded by a number.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::peer::{Held, held, large, published};
use crate::LONG;
use crate::mqtt::{Endpoint, Publish};

/// How many connections a peer tries that wants all.
const ALL: usize = 1_500;

/// Connects and sends this; nothing is read. `None` if there is no room.
fn sent(http: SocketAddr, text: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(http).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    Some(stream)
}

fn get(http: SocketAddr, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {http}\r\nconnection: close\r\n\r\n")
}

/// Asks and reads the whole answer, of which it returns the length.
fn asked(http: SocketAddr, path: &str) -> usize {
    let Some(mut stream) = sent(http, &get(http, path)) else { return 0 };
    let mut body = Vec::new();
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    match stream.read_to_end(&mut body) {
        Err(e) if e.kind() == ErrorKind::WouldBlock => panic!("{path}: no answer"),
        // A connection that is cut off has been answered as far as it goes.
        _ => body.len(),
    }
}

/// Silent ones, and those that send half of a head.
pub(super) fn idle(_: Endpoint, http: SocketAddr) -> Held {
    let half = format!("GET / HTTP/1.1\r\nhost: {http}\r\nx: ");
    held((0..ALL).filter_map(|number| sent(http, if number % 2 == 0 { "" } else { &half })))
}

pub(super) fn pages(_: Endpoint, http: SocketAddr) -> Held {
    let open = format!(
        "GET /ws HTTP/1.1\r\nhost: {http}\r\norigin: http://{http}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    held((0..ALL).filter_map(|_| sent(http, &open)))
}

/// Tables that are longer than what the sockets hold.
pub(super) fn tables(endpoint: Endpoint, http: SocketAddr) -> Held {
    let start = 1_768_473_000_000_u64;
    let readings = |message: u64| {
        let one =
            |number: u64| format!(r#"{{"value":21.5,"measured_at":{}}}"#, start + message * 1_000 + number);
        let all: Vec<String> = (0..1_000).map(one).collect();
        Publish::new("temperature/table", format!("[{}]", all.join(",")))
    };
    published(endpoint, (0..100).map(readings));
    let table = get(http, "/api/readings?format=csv&device=table");
    held((0..150).filter_map(|_| sent(http, &table)))
}

pub(super) fn rejected_lists(endpoint: Endpoint, http: SocketAddr) -> Held {
    let bytes = |_| Publish::new("temperature/flood", vec![0xff; large().len()]);
    published(endpoint, (0..300).map(bytes));
    let ask = || asked(http, "/api/rejected?limit=10000");
    let most = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..30).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().map(|asker| asker.join().expect("an answer")).max()
    });
    assert!(most > Some(1_000), "nobody was answered: {most:?}");
    Held::new()
}
