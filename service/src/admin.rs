//! `/livez`, `/readyz` and `/metrics`.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warp::http::StatusCode;
use warp::{Filter, Reply};

use crate::{Health, Metrics, SettingError};

/// Prometheus' text format, as prometheus-client writes it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The admin routes, to be served alone or beside others.
pub fn routes(
    health: Health,
    metrics: Metrics,
) -> impl Filter<Extract = (impl Reply,), Error = warp::Rejection> + Clone {
    let read = warp::get().or(warp::head()).unify();
    let livez = warp::path!("livez").and(read).map(|| "live\n".into_response());
    let readyz = warp::path!("readyz").and(read).map(move || ready(&health.problems()).into_response());
    let metrics = warp::path!("metrics")
        .and(read)
        .map(move || warp::reply::with_header(metrics.text(), "content-type", METRICS_TYPE).into_response());
    livez.or(readyz).unify().or(metrics).unify()
}

fn ready(problems: &[String]) -> impl Reply {
    match problems {
        [] => warp::reply::with_status("ready\n".to_string(), StatusCode::OK),
        _ => warp::reply::with_status(problems.join("\n") + "\n", StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Listens where a setting says.
///
/// # Errors
/// The address is taken or not this machine's: the message names the setting to change.
pub async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, SettingError> {
    TcpListener::bind(address).await.map_err(|e| {
        SettingError::new(setting, format!("cannot listen on {address}: {e}. Choose another address or port"))
    })
}

/// Serves the admin routes alone, until it is dropped.
pub async fn serve(listener: TcpListener, health: Health, metrics: Metrics) {
    warp::serve(routes(health, metrics)).incoming(listener).run().await;
}

/// Asks a running service whether it is ready.
///
/// # Errors
/// It is not reachable or not ready; the message says why.
pub async fn ask_ready(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.context("ask")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.context("read the answer")?;
    if answer.split_whitespace().nth(1) == Some("200") {
        return Ok(());
    }
    bail!("not ready: {}", answer.split("\r\n\r\n").nth(1).unwrap_or(&answer).trim());
}
