//! A WebSocket client that reads what a page reads, at the lowest cost.

use anyhow::{Context as _, bail};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Bytes read at once: a larger buffer would cost too much memory with a thousand watchers.
const READ_BUFFER: usize = 16 * 1024;

pub(super) struct Watcher(WebSocketStream<TcpStream>);

/// The parts of a frame that are measured.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    /// The server's time, in microseconds.
    pub(super) at: i64,
    /// For each series: id, value, age in microseconds and state.
    #[serde(default)]
    pub(super) values: Vec<(u32, f64, i64, u8)>,
}

impl Watcher {
    /// Connects to the page at `http`.
    pub(super) async fn open(http: &str) -> anyhow::Result<Self> {
        let address = http.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await.context("connect")?;
        let request = format!("ws://{address}/ws").into_client_request()?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let (socket, _) =
            Box::pin(client_async_with_config(request, stream, Some(config))).await.context("upgrade")?;
        Ok(Self(socket))
    }

    pub(super) async fn text(&mut self) -> anyhow::Result<Utf8Bytes> {
        loop {
            match self.0.next().await.context("the stream ended")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(why) => bail!("the server closed: {why:?}"),
                _ => {}
            }
        }
    }

    pub(super) async fn frame(&mut self) -> anyhow::Result<Frame> {
        serde_json::from_str(&self.text().await?).context("read a frame")
    }

    /// Sends a close frame and waits for the answer.
    pub(super) async fn close(mut self) {
        // The server may have gone first.
        let _ = self.0.close(None).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

/// The server's time in a frame, in microseconds, without parsing the rest.
pub(super) fn time_of(text: &str) -> Option<i64> {
    let (_, rest) = text.get(..200.min(text.len()))?.split_once("\"at\":")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_frame_is_found_without_reading_it_all() {
        assert_eq!(
            time_of(r#"{"type":"changes","at":1768473030500000,"values":[[3,26.2,90000,0]]}"#),
            Some(1_768_473_030_500_000)
        );
        assert_eq!(time_of(r#"{"type":"changes","at":5}"#), Some(5));
        assert_eq!(time_of(r#"{"type":"changes"}"#), None);
    }
}
