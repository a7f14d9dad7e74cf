//! The session of an open page: the page is sent what it has not seen, and sends what it subscribes to.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::socket::{CloseReason, Received, Socket};
use crate::counters::Counters;
use crate::live::{Topics, Viewer};

#[cfg(test)]
mod tests;

const PING_EVERY: Duration = Duration::from_secs(20);

/// A page that has not answered this many pings when the next one is due, after 60 s, is gone.
const MAX_UNANSWERED: u32 = 2;

/// A page that accepts nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// The time between a frame and the snapshot of a new subscription, at least.
const SNAPSHOT_DELAY: Duration = Duration::from_millis(100);

/// How the session of a page ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The page closed it.
    Left,
    /// The page accepts nothing, or nothing comes from it.
    Lost,
    /// The page sent what it must not.
    Violation(CloseReason, String),
}

/// Sends frames until the page leaves or has to be dropped. Safe to cancel: the socket can be closed then.
pub(super) async fn show<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    mut viewer: Viewer,
    counters: &Counters,
) -> End {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        let frame = viewer.take();
        let (length, begun) = (frame.len() as u64, Instant::now());
        if socket.text(frame, SEND_TIMEOUT).await.is_err() {
            return End::Lost;
        }
        counters.frames.inc();
        counters.frame_bytes.inc_by(length);
        counters.frame_duration.observe(begun.elapsed());
        let sent_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                received = socket.receive() => {
                    unanswered = 0;
                    match subscription(received) {
                        Ok(None) => {}
                        Ok(Some(topics)) => {
                            viewer.subscribe(topics);
                            sleep_until(sent_at + SNAPSHOT_DELAY).await;
                            break;
                        }
                        Err(end) => return end,
                    }
                }
                _ = pings.tick() => {
                    if unanswered == MAX_UNANSWERED || socket.ping(SEND_TIMEOUT).await.is_err() {
                        return End::Lost;
                    }
                    unanswered += 1;
                }
                () = viewer.changed() => break,
            }
        }
    }
}

/// The new subscription in what a page sent, if there is one and the session goes on.
fn subscription(received: Received) -> Result<Option<Topics>, End> {
    match received {
        Received::Text(text) => {
            Topics::of_message(&text).map(Some).map_err(|e| End::Violation(CloseReason::Unwanted, e))
        }
        Received::Binary(_) => Err(End::Violation(CloseReason::Unwanted, "send text".into())),
        Received::Sign => Ok(None),
        Received::Violation(reason, text) => Err(End::Violation(reason, text)),
        Received::Gone => Err(End::Left),
    }
}
