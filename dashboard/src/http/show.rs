//! The life of an open page: it is sent what it has not seen, and says what it wants to see.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::socket::{Heard, Socket, Why};
use crate::counters::Counters;
use crate::live::Viewer;
use crate::topics::Topics;

#[cfg(test)]
mod tests;

const PING_EVERY: Duration = Duration::from_secs(20);

/// A page that has not answered so many pings when the next one is due, after 60 s, is gone.
const MAX_UNANSWERED: u32 = 2;

/// A page that takes nothing for this long is gone.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);

/// A snapshot that is asked for comes this much later than the frame before it, at least.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);

/// How the life of a page ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Left,
    /// It takes nothing, or nothing comes from it.
    Lost,
    Wrong(Why, String),
}

/// Shows until the page ends it or has to be dropped; safe to cancel, after which the socket can be closed.
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
        let length = frame.len() as u64;
        if socket.text(frame, TAKEN_WITHIN).await.is_err() {
            return End::Lost;
        }
        counters.frames.inc();
        counters.frame_bytes.inc_by(length);
        let sent_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                heard = socket.hear() => {
                    unanswered = 0;
                    match answer(heard) {
                        Ok(None) => {}
                        Ok(Some(topics)) => {
                            viewer.turn_to(topics);
                            sleep_until(sent_at + SNAPSHOT_EVERY).await;
                            break;
                        }
                        Err(end) => return end,
                    }
                }
                _ = pings.tick() => {
                    if unanswered == MAX_UNANSWERED || socket.ping(TAKEN_WITHIN).await.is_err() {
                        return End::Lost;
                    }
                    unanswered += 1;
                }
                () = viewer.news() => break,
            }
        }
    }
}

/// What a page that said this wants to see from now on, if it is to go on.
fn answer(heard: Heard) -> Result<Option<Topics>, End> {
    match heard {
        Heard::Text(text) => Topics::of_message(&text).map(Some).map_err(|e| End::Wrong(Why::Unwanted, e)),
        Heard::Binary(_) => Err(End::Wrong(Why::Unwanted, "send text".into())),
        Heard::Sign => Ok(None),
        Heard::Wrong(why, reason) => Err(End::Wrong(why, reason)),
        Heard::Gone => Err(End::Left),
    }
}
