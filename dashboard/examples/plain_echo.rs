//! An echo server on the WebSocket library as it comes, for the Autobahn suite to compare with: `plain_echo ADDRESS`.

use anyhow::Context as _;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("usage: plain_echo ADDRESS")?;
    let listener = TcpListener::bind(&address).await.with_context(|| format!("listen on {address}"))?;
    loop {
        let (connection, _) = listener.accept().await.context("accept a connection")?;
        // How a conversation ends is for the suite to judge.
        tokio::spawn(async move { drop(echo(connection).await) });
    }
}

async fn echo(connection: TcpStream) -> anyhow::Result<()> {
    let mut socket = accept_async(connection).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
