//! Long answers, sent while they are read from the store.

use std::time::Duration;

use futures_util::{Stream, stream};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use warp::hyper::body::Bytes;
use warp::reply::{Reply, Response};

use super::pages::Parts;
use crate::Api;

/// Parts that are read ahead of the client.
const AHEAD: usize = 1;

/// A client that takes nothing for this long is given up.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends answers that are too long to hold, until the server stops.
#[derive(Clone)]
pub(super) struct Streamer {
    aborted: Counter,
    stop: CancellationToken,
}

/// A body without its end: the connection is cut, so that no client takes the answer for complete.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut off")]
struct CutOff;

enum Piece {
    Part(Bytes),
    End,
}

impl Streamer {
    pub(super) fn new(api: &Api) -> Self {
        Self { aborted: api.aborted.clone(), stop: api.stop.clone() }
    }

    /// A body that begins with `first`; a client that goes away ends the reading.
    pub(super) fn send(&self, first: String, parts: Parts) -> Response {
        let (out, pieces) = mpsc::channel(AHEAD);
        let Self { aborted, stop } = self.clone();
        tokio::spawn(async move { stop.run_until_cancelled(read(first, parts, &out, &aborted)).await });
        warp::reply::stream(body(pieces)).into_response()
    }
}

async fn read(first: String, mut parts: Parts, out: &mpsc::Sender<Piece>, aborted: &Counter) {
    let mut part = first;
    loop {
        match out.send_timeout(Piece::Part(part.into()), SEND_TIMEOUT).await {
            Ok(()) if !parts.is_over() => {}
            Ok(()) => return drop(out.send(Piece::End).await),
            Err(error) => return debug!(%error, "a client went away"),
        }
        let next = tokio::select! {
            next = parts.next() => next,
            () = out.closed() => return debug!("a client went away"),
        };
        part = match next {
            Ok(part) => part,
            Err(error) => {
                aborted.inc();
                return warn!(%error, "a long answer was cut off: the client must ask again");
            }
        };
    }
}

/// The body ends only with [`Piece::End`]: whatever keeps that from coming cuts the body off.
fn body(pieces: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Bytes, CutOff>> + Send + Sync {
    stream::try_unfold(pieces, async |mut pieces| match pieces.recv().await {
        Some(Piece::Part(part)) => Ok(Some((part, pieces))),
        Some(Piece::End) => Ok(None),
        None => Err(CutOff),
    })
}
