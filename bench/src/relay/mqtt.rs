//! An MQTT 3.1.1 subscriber over WebSocket: what a page would be without the relay.

use anyhow::{Context as _, bail};
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A CONNECT of MQTT 3.1.1 without user, will or keep-alive, with a clean session of the client `bench`.
const CONNECT: &[u8] = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench";

/// A SUBSCRIBE to `temperature/#` at QoS 0.
const SUBSCRIBE: &[u8] = b"\x82\x12\x00\x01\x00\x0dtemperature/#\x00";

const PUBLISH: u8 = 3;
const SUBACK: u8 = 9;

pub(super) struct Subscriber {
    socket: WebSocketStream<TcpStream>,
    /// Bytes that have arrived and are not parsed yet: a packet may be split anywhere.
    buffer: Vec<u8>,
}

#[derive(Deserialize)]
struct Payload {
    measured_at: Timestamp,
}

impl Subscriber {
    /// Connects to `url`, such as `ws://host:port/mqtt`, and subscribes.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("mqtt"));
        let address = request.uri().authority().context("an address")?.to_string();
        let stream = TcpStream::connect(&address).await.context("connect")?;
        let (socket, _) = Box::pin(client_async(request, stream)).await.context("upgrade")?;
        let mut subscriber = Self { socket, buffer: Vec::new() };
        for packet in [CONNECT, SUBSCRIBE] {
            subscriber.socket.send(Message::binary(packet)).await.context("subscribe")?;
        }
        while subscriber.packet().await?.0 != SUBACK {}
        Ok(subscriber)
    }

    /// Waits for the next reading and returns when it was measured.
    pub(super) async fn measured_at(&mut self) -> anyhow::Result<Timestamp> {
        loop {
            let (kind, body) = self.packet().await?;
            if kind == PUBLISH {
                let topic = body.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
                let payload = topic.and_then(|length| body.get(2 + length..)).context("a payload")?;
                return Ok(serde_json::from_slice::<Payload>(payload).context("read a payload")?.measured_at);
            }
        }
    }

    /// The type of the next packet, and what follows its header.
    async fn packet(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((kind, header, length)) = header(&self.buffer)
                && self.buffer.len() >= header + length
            {
                let body = self.buffer[header..header + length].to_vec();
                self.buffer.drain(..header + length);
                return Ok((kind, body));
            }
            match self.socket.next().await.context("the broker ended")?? {
                Message::Binary(bytes) => self.buffer.extend_from_slice(&bytes),
                Message::Close(why) => bail!("the broker closed: {why:?}"),
                _ => {}
            }
        }
    }
}

/// The type of a packet, and the lengths of its header and of the rest; `None` while the header is incomplete.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let mut length = 0;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((bytes[0] >> 4, index + 2, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_long_a_packet_is() {
        assert_eq!(header(CONNECT), Some((1, 2, CONNECT.len() - 2)));
        assert_eq!(header(SUBSCRIBE), Some((8, 2, SUBSCRIBE.len() - 2)));
        assert_eq!(header(b"\x30\xc8\x01"), Some((3, 3, 200)));
        assert_eq!(header(b"\x30\xc8"), None);
        assert_eq!(header(b""), None);
    }
}
