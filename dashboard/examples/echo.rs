//! An echo over the WebSockets that pages have: `echo 127.0.0.1:9001`, for the Autobahn suite.

use anyhow::Context;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("say where to listen: echo 127.0.0.1:9001")?;
    let listener = TcpListener::bind(&address).await.with_context(|| format!("listen at {address}"))?;
    dashboard::echo(listener).await;
    Ok(())
}
