//! MQTT over WebSocket (section 6 of both versions).

use std::net::TcpStream;

use e2e::mqtt::{Connect, Packet, Publish, Version, first_packet, pingreq};
use e2e::{SOON, Start};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

struct Peer {
    socket: WebSocket<TcpStream>,
    unread: Vec<u8>,
}

impl Peer {
    /// Connects with these subprotocols, and returns the one that the server has chosen.
    fn open(url: &str, protocols: &str) -> Result<(Self, Option<String>), String> {
        let mut request = url.into_client_request().unwrap();
        let protocols = HeaderValue::from_str(protocols).unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocols);
        let address = url.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let (socket, answer) = tungstenite::client(request, stream).map_err(|e| e.to_string())?;
        let chosen = answer.headers().get("Sec-WebSocket-Protocol");
        let chosen = chosen.map(|chosen| chosen.to_str().unwrap().to_owned());
        Ok((Self { socket, unread: Vec::new() }, chosen))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).unwrap();
    }

    fn next(&mut self, version: Version) -> Packet {
        loop {
            if let Some((packet, length)) = first_packet(version, &self.unread).unwrap() {
                self.unread.drain(..length);
                return packet;
            }
            match self.socket.read().unwrap() {
                Message::Binary(bytes) => self.unread.extend(&bytes),
                other => panic!("not a binary frame: {other:?}"),
            }
        }
    }
}

fn url() -> (e2e::Millrace, tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data")).set("MQTT__WEBSOCKET_LISTEN", "127.0.0.1:0");
    let millrace = start.start();
    let url = millrace.websocket.clone().expect("an address for WebSocket");
    (millrace, folder, url)
}

/// MQTT-6.0.0-2, MQTT-6.0.0-3 and MQTT-6.0.0-4.
#[test]
fn packets_need_not_fit_frames_and_the_subprotocol_is_mqtt() {
    let (_millrace, _folder, url) = url();
    for (version, offered, chosen) in [
        (Version::V311, "mqtt", "mqtt"),
        (Version::V5, "mqtt", "mqtt"),
        (Version::V5, "mqttv3.1, mqtt", "mqtt"),
        (Version::V31, "mqttv3.1", "mqttv3.1"),
    ] {
        let (mut peer, answered) = Peer::open(&url, offered).unwrap();
        assert!(answered.as_deref() == Some(chosen) || offered.contains(answered.as_deref().unwrap()));
        let publish = Publish::new("status/a", "x").qos(1, 1).written(version);
        let bytes = [Connect::new(version, "websocket").written(), publish, pingreq()].concat();
        // Several packets in a frame, and a packet in several frames.
        let (first, second) = bytes.split_at(bytes.len() - 7);
        peer.send(first);
        for byte in second {
            peer.send(&[*byte]);
        }
        assert!(matches!(peer.next(version), Packet::Connack(connack) if connack.code == 0));
        let mut acked = [peer.next(version), peer.next(version)];
        acked.sort_by_key(|packet| matches!(packet, Packet::Pingresp));
        assert!(matches!(&acked, [Packet::Ack(ack), Packet::Pingresp] if ack.id == 1), "{acked:?}");
    }
}

/// MQTT-6.0.0-1.
#[test]
fn a_text_frame_ends_the_connection() {
    let (_millrace, _folder, url) = url();
    let (mut peer, _) = Peer::open(&url, "mqtt").unwrap();
    peer.send(&Connect::new(Version::V311, "text").written());
    assert!(matches!(peer.next(Version::V311), Packet::Connack(_)));
    peer.socket.send(Message::text("\u{00C0}\0")).unwrap();
    let ended = loop {
        match peer.socket.read() {
            Ok(Message::Close(_)) | Err(_) => break true,
            Ok(Message::Binary(_)) => break false,
            Ok(_) => {}
        }
    };
    assert!(ended);
}
