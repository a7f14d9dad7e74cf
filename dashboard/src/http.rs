//! The routes: the page, the API, the WebSocket and the admin routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use service::{Health, Metrics};
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use warp::http::StatusCode;
use warp::reject::{InvalidQuery, MethodNotAllowed};
use warp::reply::{Reply, Response};
use warp::ws::{Message, WebSocket, Ws};
use warp::{Filter, Rejection};

use crate::api::{self, Refusal};
use crate::query::Parameters;
use crate::{Live, page};

/// Bytes a page may send in one message; it has nothing to say.
const MAX_INCOMING_BYTES: usize = 4 * 1024;

/// A page that takes nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// What the routes serve from.
#[derive(Clone)]
pub struct Server {
    pub live: Live,
    pub store: Arc<dyn Store>,
    pub health: Health,
    pub metrics: Metrics,
    /// Browsers that may watch at the same time.
    pub max_clients: usize,
    /// Where people reach the page, if not at the address it listens on.
    pub public_url: String,
    pub stop: CancellationToken,
}

/// Serves until the server's stop.
pub async fn serve(listener: TcpListener, server: Server) {
    let stop = server.stop.clone();
    let routes = routes(server);
    warp::serve(routes).incoming(listener).graceful(async move { stop.cancelled().await }).run().await;
}

fn routes(server: Server) -> impl Filter<Extract = (impl Reply,), Error = std::convert::Infallible> + Clone {
    let admin = service::routes(server.health.clone(), server.metrics.clone()).map(Reply::into_response);
    let websocket = websocket(server.clone());
    let with_server = warp::any().map(move || server.clone());
    let asked = warp::get().and(with_server).and(warp::query::<Parameters>());
    let devices = warp::path!("api" / "devices")
        .and(asked.clone())
        .map(|server: Server, parameters| answer(api::devices(&server.live, &parameters)));
    let readings =
        warp::path!("api" / "readings").and(asked.clone()).then(async |server: Server, parameters| {
            answer(api::readings(server.store.as_ref(), parameters).await)
        });
    let alerts = warp::path!("api" / "alerts").and(asked.clone()).then(async |server: Server, parameters| {
        answer(api::alerts(server.store.as_ref(), parameters).await)
    });
    let completeness =
        warp::path!("api" / "completeness").and(asked.clone()).then(async |server: Server, parameters| {
            answer(api::completeness(server.store.as_ref(), parameters).await)
        });
    let rejected = warp::path!("api" / "rejected").and(asked).then(async |server: Server, parameters| {
        answer(api::rejected(server.store.as_ref(), parameters).await)
    });
    let page = warp::get().and(warp::path::tail()).and_then(async |tail: warp::path::Tail| {
        page::file(tail.as_str()).map(Reply::into_response).ok_or_else(warp::reject::not_found)
    });
    let api = devices.or(readings).unify().or(alerts).unify().or(rejected).unify().or(completeness).unify();
    let all = api.or(websocket).unify().or(admin).unify().or(page).unify().recover(refuse);
    all.map(|reply| warp::reply::with_header(reply, "x-content-type-options", "nosniff"))
}

fn answer(answer: Result<String, Refusal>) -> Response {
    match answer {
        Ok(json) => {
            let json = warp::reply::with_header(json, "content-type", "application/json");
            warp::reply::with_header(json, "cache-control", "no-store").into_response()
        }
        Err(e @ Refusal::Bad(_)) => error(StatusCode::BAD_REQUEST, &e.to_string()),
        Err(e @ Refusal::Unavailable(_)) => error(StatusCode::SERVICE_UNAVAILABLE, &e.to_string()),
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    warp::reply::with_status(warp::reply::json(&json!({ "error": message })), status).into_response()
}

async fn refuse(rejection: Rejection) -> Result<Response, std::convert::Infallible> {
    if rejection.find::<MethodNotAllowed>().is_some() {
        let refusal = error(StatusCode::METHOD_NOT_ALLOWED, "this is only to be read: use GET");
        return Ok(warp::reply::with_header(refusal, "allow", "GET").into_response());
    }
    let (status, message) = if rejection.find::<InvalidQuery>().is_some() {
        (StatusCode::BAD_REQUEST, "the query cannot be read")
    } else if rejection.is_not_found() {
        (StatusCode::NOT_FOUND, "there is nothing here")
    } else {
        (StatusCode::BAD_REQUEST, "this is a WebSocket: ask for an upgrade")
    };
    Ok(error(status, message))
}

fn websocket(server: Server) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
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

/// Another site's script must not read along; what is no browser sends no origin.
fn own_origin(origin: Option<&str>, host: Option<&str>, public_url: &str) -> bool {
    let Some(origin) = origin else { return true };
    let own =
        |url: &str| url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let place = origin.split_once("://").map(|(_, place)| place);
    own(public_url) || (place.is_some() && place == host)
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
