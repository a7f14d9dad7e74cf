//! The routes: the page, the API, the WebSocket and the admin routes.

mod call;
mod echo;
mod show;
mod socket;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use service::{Health, Metrics};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::http::StatusCode;
use warp::reject::{InvalidQuery, MethodNotAllowed};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::api::{self, Refusal};
use crate::query::Parameters;
use crate::{Live, Pipeline, page};

pub use self::echo::echo;

/// How long open pages have to take leave.
const FAREWELLS: Duration = Duration::from_secs(3);

/// What the routes serve from.
#[derive(Clone)]
pub struct Server {
    pub live: Live,
    pub store: Arc<dyn Store>,
    pub health: Health,
    pub metrics: Metrics,
    pub pipeline: Pipeline,
    /// Browsers that may watch at the same time.
    pub max_clients: usize,
    /// Where people reach the page, if not at the address it listens on.
    pub public_url: String,
    pub stop: CancellationToken,
}

/// Serves until the server's stop, and tells open pages of it.
pub async fn serve(listener: TcpListener, server: Server) {
    let (stop, pages) = (server.stop.clone(), TaskTracker::new());
    let routes = routes(server, pages.clone());
    warp::serve(routes).incoming(listener).graceful(async move { stop.cancelled().await }).run().await;
    pages.close();
    // One that does not answer is left.
    let _ = tokio::time::timeout(FAREWELLS, pages.wait()).await;
}

fn routes(
    server: Server,
    pages: TaskTracker,
) -> impl Filter<Extract = (impl Reply,), Error = std::convert::Infallible> + Clone {
    let admin = service::routes(server.health.clone(), server.metrics.clone()).map(Reply::into_response);
    let (websocket, changes) = (watch::route(server.clone(), pages), call::routes(server.clone()));
    let with_server = warp::any().map(move || server.clone());
    let asked = warp::get().and(with_server).and(warp::query::<Parameters>());
    let devices = warp::path!("api" / "devices")
        .and(asked.clone())
        .map(|server: Server, parameters| answer(api::devices(&server.live, &parameters)));
    let pipeline = warp::path!("api" / "pipeline")
        .and(asked.clone())
        .map(|server: Server, parameters| answer(api::pipeline(&server.pipeline, &parameters)));
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
    let api = devices
        .or(pipeline)
        .unify()
        .or(readings)
        .unify()
        .or(alerts)
        .unify()
        .or(rejected)
        .unify()
        .or(completeness)
        .unify();
    let all =
        api.or(changes).unify().or(websocket).unify().or(admin).unify().or(page).unify().recover(refuse);
    all.map(|reply| warp::reply::with_header(reply, "x-content-type-options", "nosniff"))
}

fn answer(answer: Result<String, Refusal>) -> Response {
    answer.map_or_else(refusal, |text| json(StatusCode::OK, text))
}

fn json(status: StatusCode, text: String) -> Response {
    let json = warp::reply::with_header(text, "content-type", "application/json");
    let json = warp::reply::with_header(json, "cache-control", "no-store");
    warp::reply::with_status(json, status).into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of a request")]
fn refusal(refusal: Refusal) -> Response {
    let status = match &refusal {
        Refusal::Bad(_) => StatusCode::BAD_REQUEST,
        Refusal::Foreign(_) => StatusCode::FORBIDDEN,
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::Over(_) => StatusCode::CONFLICT,
        Refusal::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let said = error(status, &refusal.to_string());
    match refusal {
        Refusal::Method(methods) => warp::reply::with_header(said, "allow", methods).into_response(),
        _ => said,
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    warp::reply::with_status(warp::reply::json(&serde_json::json!({ "error": message })), status)
        .into_response()
}

async fn refuse(rejection: Rejection) -> Result<Response, std::convert::Infallible> {
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Ok(refusal(Refusal::Method("GET")));
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
