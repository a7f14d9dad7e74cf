//! `/livez`, `/readyz` and `/metrics`.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::door::{Door, Doors, HttpConfig, connect_here, serve_http};
use crate::{Health, Metrics, MetricsFormat, SettingError};

/// The admin routes, for a server of their own or beside other routes. Health and metrics are below `/api`, too, for those
/// who reach nothing else.
pub fn routes(
    health: Health,
    metrics: Metrics,
) -> impl Filter<Extract = (impl Reply,), Error = warp::Rejection> + Clone {
    let read = warp::get().or(warp::head()).unify();
    let livez = warp::path!("livez").and(read).map(|| "live\n".into_response());
    let readyz = warp::path!("readyz").or(warp::path!("api" / "health")).unify();
    let readyz = readyz.and(read).map(move || ready(&health.problems()).into_response());
    let scrape = warp::path!("metrics").or(warp::path!("api" / "metrics")).unify();
    let scrape = scrape.and(read).and(warp::header::headers_cloned());
    let scrape = scrape.map(move |headers: HeaderMap| measurements(&metrics, &headers));
    livez.or(readyz).unify().or(scrape).unify()
}

/// The metrics in the format that the client asks for.
fn measurements(metrics: &Metrics, headers: &HeaderMap) -> Response {
    let accept: Vec<_> = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok()).collect();
    let format = MetricsFormat::accepted(&accept.join(","));
    warp::reply::with_header(metrics.text_in(format), "content-type", format.media_type()).into_response()
}

fn ready(problems: &[String]) -> impl Reply {
    match problems {
        [] => warp::reply::with_status("ready\n".to_string(), StatusCode::OK),
        _ => warp::reply::with_status(problems.join("\n") + "\n", StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Listens on the address of a setting.
///
/// # Errors
/// The address is in use, or not one of this machine: the message names the setting to change.
pub async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, SettingError> {
    TcpListener::bind(address).await.map_err(|e| SettingError::cannot_listen(setting, address, &e))
}

/// A door for the admin routes alone.
///
/// # Errors
/// As the system says: the address is taken or not this machine's.
pub fn admin_door(address: SocketAddr, metrics: &Metrics) -> std::io::Result<Door> {
    let [doors] = Doors::share(metrics, [("admin", HttpConfig::admin(address).limits)]);
    doors.listen(address)
}

/// Serves only the admin routes, until the future is dropped.
pub async fn serve(door: Door, health: Health, metrics: Metrics) {
    let routes = routes(health, metrics).map(Reply::into_response).boxed();
    let config = HttpConfig::admin(door.local_addr());
    serve_http(door, None, routes, config, CancellationToken::new()).await;
}

/// Most bytes of a response from `/readyz`.
const MAX_READY_BYTES: u64 = 64 * 1024;

/// Asks a running service whether it is ready.
///
/// # Errors
/// It is not reachable or not ready; the message says why.
pub async fn ask_ready(address: SocketAddr) -> anyhow::Result<()> {
    readiness(get(address, "/readyz", MAX_READY_BYTES).await?)
}

/// Asks a running service of this machine, which speaks TLS, whether it is ready.
///
/// # Errors
/// It is not reachable or not ready; the message says why.
pub(crate) async fn ask_ready_over_tls(address: SocketAddr) -> anyhow::Result<()> {
    let stream = connect_here(address).await.with_context(|| format!("connect to {address}"))?;
    readiness(ask(stream, &get_request(address, "/readyz"), MAX_READY_BYTES).await?)
}

fn readiness((status, problems): (u16, String)) -> anyhow::Result<()> {
    if status == 200 {
        return Ok(());
    }
    bail!("not ready: {}", problems.trim())
}

/// Makes a GET request over HTTP without TLS, and returns status and body. It has no time-out: the caller sets one.
///
/// The client is written here, as that is no longer than one on hyper's connection, which needs a task that drives it, a
/// type for the body and two more dependencies. It serves health checks and the pipeline's scrapes alone.
///
/// # Errors
/// There is no response, or it is not HTTP, or it has more than `max_bytes`.
pub async fn get(address: SocketAddr, path: &str, max_bytes: u64) -> anyhow::Result<(u16, String)> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
    ask(stream, &get_request(address, path), max_bytes).await
}

fn get_request(address: SocketAddr, path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")
}

/// As [`get`], but posts JSON, with a key where there is one.
///
/// # Errors
/// As of [`get`].
pub async fn post(
    address: SocketAddr,
    path: &str,
    json: &str,
    key: &str,
    max_bytes: u64,
) -> anyhow::Result<(u16, String)> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
    let (length, kind) = (json.len(), "application/json");
    let authorization =
        if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\n{authorization}Content-Type: {kind}\r\nContent-Length: \
         {length}\r\n\r\n{json}"
    );
    ask(stream, &request, max_bytes).await
}

/// Sends the request as HTTP 1.0, where the response ends with the connection: no chunks, no lengths to follow.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    max_bytes: u64,
) -> anyhow::Result<(u16, String)> {
    stream.write_all(request.as_bytes()).await.context("ask")?;
    let mut answer = Vec::new();
    stream.take(max_bytes + 1).read_to_end(&mut answer).await.context("read the answer")?;
    if answer.len() as u64 > max_bytes {
        bail!("the answer has more than {max_bytes} bytes");
    }
    let answer = String::from_utf8(answer).context("read the answer")?;
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => bail!("not an HTTP response"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a server that gives this answer.
    async fn asked(answer: &str, max_bytes: u64) -> Result<(u16, String), String> {
        let (near, mut far) = tokio::io::duplex(1024);
        let answer = answer.to_owned();
        let answers = tokio::spawn(async move {
            let mut question = [0; 64];
            let count = far.read(&mut question).await.unwrap();
            // A client that has read enough closes the connection.
            let _ = far.write_all(answer.as_bytes()).await;
            String::from_utf8_lossy(&question[..count]).into_owned()
        });
        let request = "GET /x?y=1 HTTP/1.0\r\nHost: here:1\r\n\r\n";
        let response = ask(near, request, max_bytes).await.map_err(|e| e.to_string());
        assert_eq!(answers.await.unwrap(), request);
        response
    }

    #[tokio::test]
    async fn an_answer_is_a_status_and_a_body_of_bounded_size() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\na: b\r\n\r\nstore: away\n\r\n\r\nmore";
        assert_eq!(asked(answer, 100).await, Ok((503, "store: away\n\r\n\r\nmore".into())));
        assert_eq!(asked(answer, 50).await, Err("the answer has more than 50 bytes".into()));
        for other in ["", "HTTP/1.0 200 OK\r\n", "\u{1}\u{2}\u{3}", "hello\r\n\r\n"] {
            assert_eq!(asked(other, 100).await, Err("not an HTTP response".into()), "{other:?}");
        }
    }
}
