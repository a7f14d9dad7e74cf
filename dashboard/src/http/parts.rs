//! Answers that are sent while they are read.

use std::time::Duration;

use futures_util::{Stream, stream};
use service::Metrics;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use warp::hyper::body::Bytes;
use warp::reply::{Reply, Response};

use crate::counters::{self, Counter};
use crate::told::Told;

/// Parts that are read ahead of the asker.
const AHEAD: usize = 1;

/// An asker that takes nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends what is too much to hold, until the server's stop.
#[derive(Clone)]
pub(super) struct Sender {
    broken_off: Counter,
    stop: CancellationToken,
}

/// A body without its end: the connection is cut, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
struct BrokenOff;

enum Piece {
    Part(Bytes),
    End,
}

impl Sender {
    pub(super) fn new(metrics: &Metrics, stop: CancellationToken) -> Self {
        Self { broken_off: counters::broken_off(metrics), stop }
    }

    /// The body that begins with `first`; who goes away ends the reading.
    pub(super) fn send(&self, first: String, told: Told) -> Response {
        let (out, pieces) = mpsc::channel(AHEAD);
        let Self { broken_off, stop } = self.clone();
        tokio::spawn(async move { stop.run_until_cancelled(tell(first, told, &out, &broken_off)).await });
        warp::reply::stream(body(pieces)).into_response()
    }
}

async fn tell(first: String, mut told: Told, out: &mpsc::Sender<Piece>, broken_off: &Counter) {
    let mut part = first;
    loop {
        let piece = Piece::Part(part.into());
        match out.send_timeout(piece, SEND_TIMEOUT).await {
            Ok(()) if !told.is_over() => {}
            Ok(()) => return drop(out.send(Piece::End).await),
            Err(error) => return debug!(%error, "an asker went away"),
        }
        let read = tokio::select! {
            read = told.part() => read,
            () = out.closed() => return debug!("an asker went away"),
        };
        part = match read {
            Ok(part) => part,
            Err(error) => {
                broken_off.inc();
                return warn!(%error, "an answer broke off: whoever asked must ask again");
            }
        };
    }
}

/// Whatever keeps the end from coming breaks the body off.
fn body(pieces: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Bytes, BrokenOff>> + Send + Sync {
    stream::try_unfold(pieces, async |mut pieces| match pieces.recv().await {
        Some(Piece::Part(part)) => Ok(Some((part, pieces))),
        Some(Piece::End) => Ok(None),
        None => Err(BrokenOff),
    })
}
