//! The routes: the page, the API, the WebSocket and the admin routes.

mod asset;
mod call;
mod document;
mod echo;
mod encoding;
mod etag;
mod parts;
mod readings;
mod sending;
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
use warp::host::Authority;
use warp::http::StatusCode;
use warp::reject::{InvalidHeader, InvalidQuery, MethodNotAllowed};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::api::{self, Refusal};
use crate::own::own_host;
use crate::query::Parameters;
use crate::{Live, Pipeline, Resend};

pub(crate) use self::asset::Asset;
pub use self::echo::echo;

/// What to do about a name that is not ours.
const FOREIGN_NAME: &str = "ask by address, as localhost or by the name in http.public_url";

/// How long open pages have to take leave.
const FAREWELLS: Duration = Duration::from_secs(3);

/// What the routes serve from.
#[derive(Clone)]
pub struct Server {
    pub live: Live,
    pub store: Arc<dyn Store>,
    pub resend: Resend,
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
    let (page, openapi) = (document::page(&server), document::openapi(&server));
    let readings = readings::route(&server);
    let own = own(&server);
    let with_server = warp::any().map(move || server.clone());
    let asked = read().and(own).and(with_server).and(parameters());
    let series = warp::path!("api" / "series")
        .and(asked.clone())
        .map(|server: Server, parameters| answer(api::series(&server.live, &parameters)));
    let pipeline = warp::path!("api" / "pipeline")
        .and(asked.clone())
        .map(|server: Server, parameters| answer(api::pipeline(&server.pipeline, &parameters)));
    let incidents =
        warp::path!("api" / "incidents").and(asked.clone()).then(async |server: Server, parameters| {
            answer(api::incidents(server.store.as_ref(), parameters).await)
        });
    let completeness =
        warp::path!("api" / "completeness").and(asked.clone()).then(async |server: Server, parameters| {
            answer(api::completeness(server.store.as_ref(), parameters).await)
        });
    let rejected = warp::path!("api" / "rejected").and(asked).then(async |server: Server, parameters| {
        answer(api::rejected(server.store.as_ref(), parameters).await)
    });
    let data = series
        .or(pipeline)
        .unify()
        .or(readings)
        .unify()
        .or(incidents)
        .unify()
        .or(rejected)
        .unify()
        .or(completeness)
        .unify();
    let api = data.or(openapi).unify().or(changes).unify().or(websocket).unify();
    let all = api.or(admin).unify().or(page).unify().recover(refuse).unify();
    warp::method().and(warp::header::headers_cloned()).and(all).then(sending::send)
}

/// A method that reads; of `HEAD` the body is not sent.
fn read() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

/// Answers only under a name of ours: a page of another site may let its own name stand for our address, and would
/// read what is here as its own.
fn own(server: &Server) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let check = async |own| if own { Ok(()) } else { Err(warp::reject::custom(ForeignName)) };
    is_own(server).and_then(check).untuple_one()
}

/// Whether it is asked for under a name of ours.
fn is_own(server: &Server) -> impl Filter<Extract = (bool,), Error = Rejection> + Clone + use<> {
    let public_url = server.public_url.clone();
    warp::host::optional()
        .map(move |host: Option<Authority>| own_host(host.as_ref().map(Authority::as_str), &public_url))
}

/// What is asked for, each by one name.
fn parameters() -> impl Filter<Extract = (Parameters,), Error = Rejection> + Copy {
    warp::query::<Vec<(String, String)>>().and_then(async |named: Vec<(String, String)>| {
        let count = named.len();
        let parameters: Parameters = named.into_iter().collect();
        if parameters.len() == count { Ok(parameters) } else { Err(warp::reject::custom(NamedTwice)) }
    })
}

#[derive(Debug)]
struct NamedTwice;

impl warp::reject::Reject for NamedTwice {}

/// It was asked for under a name that is not ours.
#[derive(Debug)]
struct ForeignName;

impl warp::reject::Reject for ForeignName {}

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
        Refusal::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Away(_) | Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
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
        return Ok(refusal(Refusal::Method("GET, HEAD")));
    }
    if rejection.find::<ForeignName>().is_some() {
        return Ok(refusal(Refusal::Foreign(FOREIGN_NAME)));
    }
    let (status, message) = if rejection.find::<InvalidQuery>().is_some() {
        (StatusCode::BAD_REQUEST, "the query cannot be read")
    } else if rejection.find::<NamedTwice>().is_some() {
        (StatusCode::BAD_REQUEST, "a parameter is there twice")
    } else if rejection.find::<InvalidHeader>().is_some_and(|header| header.name() == "host") {
        (StatusCode::BAD_REQUEST, "the header Host cannot be read")
    } else if rejection.is_not_found() {
        (StatusCode::NOT_FOUND, "there is nothing here")
    } else {
        (StatusCode::BAD_REQUEST, "this is a WebSocket: ask for an upgrade")
    };
    Ok(error(status, message))
}
