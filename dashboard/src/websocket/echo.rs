//! An echo over the same WebSockets as pages have, for Autobahn's conformance tests.

use std::time::Duration;

use service::{Door, HttpConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::Filter;

use super::socket::{Connection, Received, upgrade};

const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers each message with itself, forever; for tests.
pub async fn echo(door: Door) {
    let tasks = TaskTracker::new();
    let route = upgrade()
        .map(move |upgrade: super::socket::Upgrade| upgrade.accept(MAX_MESSAGE_BYTES, &tasks, answer));
    let config = HttpConfig::admin(door.local_addr());
    service::serve_http(door, None, route.boxed(), config, CancellationToken::new()).await;
}

async fn answer(mut socket: Connection) {
    loop {
        let sent = match socket.receive().await {
            Received::Text(text) => socket.text(text.into(), SEND_TIMEOUT).await,
            Received::Binary(bytes) => socket.binary(bytes, SEND_TIMEOUT).await,
            Received::Sign => Ok(()),
            Received::Violation(reason, text) => return socket.close(reason, &text).await,
            Received::Gone => return socket.closed().await,
        };
        if sent.is_err() {
            return;
        }
    }
}
