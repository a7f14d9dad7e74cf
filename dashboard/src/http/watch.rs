//! The WebSocket of an open page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::broadcast::error::RecvError;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};
use warp::ws::{Message, WebSocket, Ws};
use warp::{Filter, Rejection};

use super::{Server, error};
use crate::Live;
use crate::own::own_origin;

/// Bytes a page may send in one message; it has nothing to say.
const MAX_INCOMING_BYTES: usize = 4 * 1024;

/// A page that takes nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn route(server: Server) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let clients = Arc::new(AtomicUsize::new(0));
    let host = warp::header::optional::<String>("host");
    let origin = warp::header::optional::<String>("origin");
    warp::path!("ws").and(warp::ws()).and(host).and(origin).map(
        move |ws: Ws, host: Option<String>, origin: Option<String>| {
            if !own_origin(origin.as_deref(), host.as_deref(), &server.public_url) {
                return error(StatusCode::FORBIDDEN, "only this page itself may watch: see http.public_url");
            }
            let Some(seat) = Seat::take(&clients, server.max_clients) else {
                return error(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many pages are open: see dashboard.max_clients",
                );
            };
            let (live, stop) = (server.live.clone(), server.stop.clone());
            ws.max_message_size(MAX_INCOMING_BYTES)
                .on_upgrade(async move |socket| {
                    stop.run_until_cancelled(show(socket, live)).await;
                    drop(seat);
                })
                .into_response()
        },
    )
}

/// One of the places there are for open pages.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>, all: usize) -> Option<Self> {
        let seat = Self(Arc::clone(taken));
        // A seat that is refused is given back as it drops.
        (taken.fetch_add(1, Ordering::SeqCst) < all).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sends frames until the page is gone; one that is too far behind gets a new snapshot.
async fn show(socket: WebSocket, live: Live) {
    let (mut page, mut said) = socket.split();
    let (mut frame, mut changes) = live.watch();
    loop {
        let send = page.send(Message::text(&*frame));
        if !matches!(tokio::time::timeout(SEND_TIMEOUT, send).await, Ok(Ok(()))) {
            return;
        }
        frame = tokio::select! {
            change = changes.recv() => match change {
                Ok(frame) => frame,
                Err(RecvError::Lagged(_)) => {
                    let (snapshot, from_here) = live.watch();
                    changes = from_here;
                    snapshot
                }
                Err(RecvError::Closed) => return,
            },
            () = gone(&mut said) => return,
        };
    }
}

/// Returns when the page has closed or broken its connection; pings are answered on the way.
async fn gone(said: &mut futures_util::stream::SplitStream<WebSocket>) {
    while let Some(Ok(message)) = said.next().await {
        if message.is_close() {
            return;
        }
    }
}
