//! The routes: the page, the API, the WebSocket and the admin routes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::Authority;
use api::{Api, Commanding, DecoderRules, DeviceBroker, Ingest, Limits, Resend, ResendAwaited, Site};
use cache::Cache;
use oidc::Oidc;
use service::{Context, Decoder, Door, Health, HttpConfig, Limits as PageLimits, Metrics, Tls};
use store::Store;
use telemetry::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::counters;
use crate::inputs::count_unmapped;
use crate::live::Live;
use crate::page;
use crate::pipeline::Pipeline;
use crate::websocket::{self, Watch};

/// The time that open pages have for the close handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// What the routes answer from.
#[derive(Clone)]
pub struct Server {
    /// The newest readings and incidents.
    pub live: Live,
    /// The store that the API reads and changes.
    pub store: Arc<dyn Store>,
    /// Who may do what.
    pub access: Authority,
    /// Through what instances share the limits of requests.
    pub cache: Option<Cache>,
    /// Where people may log in, too.
    pub oidc: Option<Oidc>,
    /// Where devices publish.
    pub broker: Arc<dyn DeviceBroker>,
    /// Publishes rejected payloads again.
    pub resend: Resend,
    /// Where readings go that come in over HTTP.
    pub ingest: Ingest,
    /// Records what devices answer to commands.
    pub commanding: Commanding,
    /// What `/readyz` answers.
    pub health: Health,
    /// What `/metrics` answers.
    pub metrics: Metrics,
    /// How the stages are doing that a reading passes.
    pub pipeline: Pipeline,
    /// Reads the messages, and keeps samples of those that it cannot.
    pub decoder: Decoder,
    /// Pages that may be open at the same time.
    pub max_clients: PageLimits,
    /// Where people reach the page, if not at the address it listens on.
    pub public_url: String,
    /// How long a request may take.
    pub limits: Limits,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Stops the server, and closes open pages, when it is cancelled.
    pub stop: CancellationToken,
}

/// Who may do what, by the settings and the store.
///
/// # Errors
/// A setting is wrong, or no password can be hashed on this machine.
pub fn authority(context: &Context, store: &dyn Store) -> anyhow::Result<Authority> {
    let is_required = context.settings.get("access.require_login")?;
    Ok(Authority::new(store, context.clock.clone())?.with_login_required(is_required))
}

/// The identity provider of the settings, for a page at this address; its tokens are accepted from now on. None where none
/// is set.
///
/// # Errors
/// A setting is wrong, or the machine's certificates cannot be read.
pub fn identity_provider(
    context: &Context,
    page: &str,
    access: Authority,
) -> anyhow::Result<(Authority, Option<Oidc>)> {
    let Some(config) = oidc::Config::from_settings(&context.settings)? else { return Ok((access, None)) };
    let oidc = Oidc::new(config, page, context.clock.clone())?;
    Ok((access.with_issuer(Arc::new(oidc.clone())), Some(oidc)))
}

/// Checks that other machines reach the page only where people have to log in.
///
/// # Errors
/// They would reach it without, or the store does not say whether there are users.
pub async fn check_open(http: &HttpConfig, store: &dyn Store) -> anyhow::Result<()> {
    // A store that does not answer is asked only where it matters.
    let has_users = http.is_exposed() && store.has_users().await?;
    Ok(http.check_open(has_users)?)
}

/// Serves until the server's stop, and closes open pages then. With `tls`, over TLS, whose files are followed.
pub async fn serve(door: Door, tls: Option<Arc<Tls>>, config: HttpConfig, server: Server) {
    let tasks = TaskTracker::new();
    tasks.spawn(count_unmapped(server.decoder.clone(), server.live.clone(), server.stop.clone()));
    tasks.spawn(resend_awaited(&server));
    let routes = routes(&server, tasks.clone());
    let follow = async {
        if let Some(tls) = &tls {
            tls.follow(server.stop.clone()).await;
        }
    };
    tokio::join!(service::serve_http(door, tls.clone(), routes, config, server.stop.clone()), follow);
    tasks.close();
    // A page that does not answer is left behind.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, tasks.wait()).await;
}

/// What was rejected for want of an announcement is resent once it has come.
fn resend_awaited(server: &Server) -> impl Future<Output = ()> + use<> {
    let Server { resend, store, decoder, metrics, stop, .. } = server.clone();
    let awaited = ResendAwaited::new(resend, store, decoder, &metrics);
    async move {
        stop.run_until_cancelled(awaited.run()).await;
    }
}

fn routes(server: &Server, pages: TaskTracker) -> BoxedFilter<(Response,)> {
    let site = Site::new(&server.public_url);
    let api = api::routes(&Api {
        store: server.store.clone(),
        history: server.store.with_own_readers(),
        alerts: server.store.with_own_readers(),
        access: server.access.clone(),
        oidc: server.oidc.clone(),
        cache: server.cache.clone(),
        clock: server.clock.clone(),
        series: Arc::new(server.live.clone()),
        pipeline: Arc::new(server.pipeline.clone()),
        broker: server.broker.clone(),
        inputs: Arc::new(DecoderRules(server.decoder.clone())),
        resend: server.resend.clone(),
        ingest: server.ingest.clone(),
        commanding: server.commanding.clone(),
        site: site.clone(),
        limits: server.limits,
        aborted: counters::aborted(&server.metrics),
        stop: server.stop.clone(),
    });
    let watch = Watch {
        live: server.live.clone(),
        access: server.access.clone(),
        site: site.clone(),
        max_clients: server.max_clients,
        stop: server.stop.clone(),
    };
    let websocket = websocket::route(watch, &server.metrics, pages);
    let admin = service::routes(server.health.clone(), server.metrics.clone()).map(Reply::into_response);
    let all = api.or(websocket).unify().or(admin).unify().or(page::route(&site)).unify();
    let all = api::one_host().and(all).recover(api::refuse).unify().recover(refuse).unify();
    api::finished(&server.metrics, all.boxed())
}

/// Only the WebSocket's route rejects what the API cannot explain.
async fn refuse(_: Rejection) -> Result<Response, Infallible> {
    Ok(api::error_response(StatusCode::BAD_REQUEST, "this is a WebSocket: ask for an upgrade"))
}
