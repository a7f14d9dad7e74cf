//! An echo over the WebSockets that pages have, so that these can be tested against the protocol's own tests.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use warp::Filter;

use super::socket::{Heard, Upgrading, upgrade};

const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

const TAKEN_WITHIN: Duration = Duration::from_secs(20);

/// Answers each message with itself, for ever; for tests.
pub async fn echo(listener: TcpListener) {
    let tasks = TaskTracker::new();
    let route = upgrade()
        .map(move |upgrade: super::socket::Upgrade| upgrade.accept(MAX_MESSAGE_BYTES, &tasks, answer));
    warp::serve(route).incoming(listener).run().await;
}

async fn answer(mut socket: Upgrading) {
    loop {
        let sent = match socket.hear().await {
            Heard::Text(text) => socket.text(text.into(), TAKEN_WITHIN).await,
            Heard::Binary(bytes) => socket.binary(bytes, TAKEN_WITHIN).await,
            Heard::Sign => Ok(()),
            Heard::Wrong(why, reason) => return socket.close(why, &reason).await,
            Heard::Gone => return socket.closed().await,
        };
        if sent.is_err() {
            return;
        }
    }
}
