//! An echo over the WebSockets that pages have: `echo 127.0.0.1:9001`, for the Autobahn suite.

use std::net::SocketAddr;

use anyhow::Context;
use service::Metrics;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("say where to listen: echo 127.0.0.1:9001")?;
    let address: SocketAddr = address.parse().context("the address must be IP:PORT")?;
    let door = service::admin_door(address, &Metrics::default());
    dashboard::echo(door.with_context(|| format!("listen at {address}"))?).await;
    Ok(())
}
