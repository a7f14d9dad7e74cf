//! HTTP/1.1 on a door: warp's routes, with the time limits that warp's own server lacks.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;
use warp::filters::BoxedFilter;
use warp::http::header::{self, HOST};
use warp::http::{HeaderMap, HeaderValue, Request, StatusCode};
use warp::hyper::body::Incoming;
use warp::hyper::server::conn::http1;
use warp::hyper::service::service_fn;
use warp::reply::{Reply, Response};

use super::{Connection, Door, Limits, Tls};
use crate::{SettingError, Settings};

/// Bytes of a request's head, at most.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Bytes that one connection buffers, at most.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// A client that accepts nothing of its answer for this long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// For a year, browsers ask for this site over TLS only.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// The time that requests in flight have when the server stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Where and how HTTP is served.
#[derive(Debug, Clone, Copy)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The connections that may be open.
    pub limits: Limits,
    /// A connection on which no whole head of a request comes for this long is closed, be it idle or half sent.
    pub idle_timeout: Duration,
    /// The time in which the store must answer a query.
    pub query_timeout: Duration,
    /// Requests of one caller to the API in a second; 0 limits nothing.
    pub requests_per_second: u32,
    /// Whether all requests come from a proxy, which names the client in `X-Forwarded-For`.
    pub behind_proxy: bool,
}

/// Who sends a request; in the extensions of each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The name in its certificate.
    pub certificate_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Timeout(#[serde(with = "humantime_serde")] Duration);

/// What `http.query_timeout` may be.
const QUERY_TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10 * 60);

impl HttpConfig {
    /// Reads the section `http`.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let mut config = Self {
            listen: settings.address("http.listen")?,
            limits: Limits::from_settings(settings, "http")?,
            idle_timeout: settings.get::<Timeout>("http.idle_timeout")?.0,
            query_timeout: settings.get::<Timeout>("http.query_timeout")?.0,
            requests_per_second: settings.get("http.requests_per_second")?,
            behind_proxy: settings.get("http.behind_proxy")?,
        };
        if config.idle_timeout < Duration::from_secs(1) {
            return Err(SettingError::new("http.idle_timeout", "must be at least 1s"));
        }
        if !QUERY_TIMEOUTS.contains(&config.query_timeout) {
            return Err(SettingError::new("http.query_timeout", "must be 100ms to 10m"));
        }
        if config.behind_proxy {
            // The proxy is one address, and limits its clients itself.
            config.limits.max_connections_per_address = config.limits.max_connections;
        }
        Ok(config)
    }

    /// Whether other machines reach it, and no proxy stands in front.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        !self.listen.ip().is_loopback() && !self.behind_proxy
    }

    /// Refuses to serve other machines without a login.
    ///
    /// # Errors
    /// Other machines reach it, and there is no user.
    pub fn check_open(&self, has_users: bool) -> Result<(), SettingError> {
        if has_users || !self.is_exposed() {
            return Ok(());
        }
        let problem = format!(
            "{} can be reached from other machines, and there is no user yet. Add one: millrace user add NAME --role \
             admin; or listen on this machine alone: MILLRACE__HTTP__LISTEN=127.0.0.1:{}. A proxy with a login of its \
             own goes with http.behind_proxy = true (MILLRACE__HTTP__BEHIND_PROXY)",
            self.listen,
            self.listen.port()
        );
        Err(SettingError::new("http.listen", problem))
    }

    /// For the admin routes of a single service, which only few programs ask.
    #[must_use]
    pub fn admin(listen: SocketAddr) -> Self {
        let limits = Limits { max_connections: 64, max_connections_per_address: 48 };
        let (idle_timeout, query_timeout) = (Duration::from_secs(20), Duration::from_secs(10));
        Self { listen, limits, idle_timeout, query_timeout, requests_per_second: 0, behind_proxy: false }
    }
}

/// Serves until `stop`: then no more connections come in, and requests in flight have a little time. With `tls`, every
/// connection begins with it.
pub async fn serve_http(
    mut door: Door,
    tls: Option<Arc<Tls>>,
    routes: BoxedFilter<(Response,)>,
    config: HttpConfig,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let served = Served { routes, config, stop };
    while let Some(connection) = served.stop.run_until_cancelled(door.next()).await {
        connections.spawn(served.clone().accept(tls.clone(), connection));
    }
    drop(door);
    connections.close();
    connections.wait().await;
}

/// What all connections of a door share.
#[derive(Clone)]
struct Served {
    routes: BoxedFilter<(Response,)>,
    config: HttpConfig,
    stop: CancellationToken,
}

impl Served {
    async fn accept(self, tls: Option<Arc<Tls>>, connection: Connection) {
        let address = connection.address();
        let connection = connection.with_write_timeout(WRITE_TIMEOUT);
        let Some(tls) = tls else {
            return self.serve(connection, Client { address, tls: false, certificate_name: None }).await;
        };
        match self.stop.run_until_cancelled(tls.accept(connection)).await {
            Some(Ok((stream, certificate_name))) => {
                self.serve(stream, Client { address, tls: true, certificate_name }).await;
            }
            Some(Err(e)) => debug!(%address, "a TLS handshake failed: {e}"),
            None => {}
        }
    }

    async fn serve<S>(self, stream: S, client: Client)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { routes, config, stop } = self;
        let service =
            service_fn(move |request| answer(routes.clone(), request, client.clone(), config.behind_proxy));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(config.idle_timeout);
        http.max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_BUFFER_BYTES);
        let mut served = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        // How a connection ends is the client's affair.
        let ended = stop.run_until_cancelled(served.as_mut()).await;
        if ended.is_none() {
            served.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, served).await;
        }
    }
}

async fn answer(
    routes: BoxedFilter<(Response,)>,
    mut request: Request<Incoming>,
    mut client: Client,
    behind_proxy: bool,
) -> Result<Response, Infallible> {
    if request.headers().get_all(HOST).iter().count() > 1 {
        let problem = warp::reply::with_status("more than one Host header\n", StatusCode::BAD_REQUEST);
        return Ok(problem.into_response());
    }
    if behind_proxy && let Some(address) = forwarded_for(request.headers()) {
        client.address = SocketAddr::new(address, 0);
    }
    let is_strict = client.tls && !is_localhost(request.headers());
    request.extensions_mut().insert(client);
    let mut response = tower_service::Service::call(&mut warp::service(routes), request).await?;
    if is_strict {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    Ok(response)
}

/// A browser that has seen it asks for all ports of a host over TLS: those of `localhost` belong to others, too.
fn is_localhost(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost"))
}

/// The address that the nearest proxy saw: what stands before it, anybody may have written.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let address: IpAddr = last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
