//! MQTT over WebSocket: who may ask for one, and its upgrade.

mod incoming;
mod stream;

use api::Site;
use broker::server::{Peer, Server};
use hyper_util::rt::TokioIo;
use service::Client;
use tokio::io::BufReader;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{
    CONNECTION, HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use warp::http::{HeaderMap, StatusCode};
use warp::hyper::upgrade::OnUpgrade;
use warp::reply::{Reply, Response};

use self::stream::ByteStream;

/// What MQTT is called as a subprotocol, from MQTT 3.1.1 on and before.
const PROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

const READ_BUFFER_BYTES: usize = 4 * 1024;

/// The pages whose scripts may connect.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    pub(crate) site: Site,
    /// Besides our own page, such as `https://example.org`.
    pub(crate) allowed: Vec<String>,
}

impl Origins {
    /// Host check and same origin, as for the page's own WebSocket: browsers connect to wherever a page asks them to.
    fn check(&self, host: Option<&str>, origin: Option<&str>) -> Result<(), &'static str> {
        if !self.site.is_known_host(host) {
            return Err(api::UNKNOWN_HOST);
        }
        let allowed = origin.is_some_and(|origin| self.allowed.iter().any(|allowed| allowed == origin));
        if !allowed && !self.site.is_same_origin(origin, host) {
            return Err("pages of other sites may not connect: see mqtt.websocket_origins");
        }
        Ok(())
    }
}

/// `/mqtt`: a WebSocket that the server serves like any other connection.
pub(crate) fn route(server: Server, origins: Origins) -> BoxedFilter<(Response,)> {
    warp::path!("mqtt")
        // Before the filter that takes it out of the request.
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ws())
        .and(warp::ext::get::<Client>())
        .and(warp::header::<String>("sec-websocket-key"))
        .and(warp::header::headers_cloned())
        .map(move |upgrade, _, client, key: String, headers: HeaderMap| match check(&origins, &headers) {
            Ok(protocol) => answer(&server, upgrade, client, &key, protocol),
            Err((status, why)) => warp::reply::with_status(format!("{why}\n"), status).into_response(),
        })
        .boxed()
}

/// The subprotocol to speak.
fn check(origins: &Origins, headers: &HeaderMap) -> Result<&'static str, (StatusCode, &'static str)> {
    // One that is not text is not ours.
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    origins.check(header(HOST), header(ORIGIN)).map_err(|why| (StatusCode::FORBIDDEN, why))?;
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|all| all.split(',')).map(str::trim);
    let chosen = offered.find_map(|offered| PROTOCOLS.into_iter().find(|known| *known == offered));
    chosen.ok_or((StatusCode::BAD_REQUEST, "offer the subprotocol mqtt"))
}

fn answer(
    server: &Server,
    upgrade: Option<OnUpgrade>,
    client: Client,
    key: &str,
    protocol: &'static str,
) -> Response {
    let Some(upgrade) = upgrade else { return StatusCode::UPGRADE_REQUIRED.into_response() };
    let server = server.clone();
    tokio::spawn(async move {
        // It fails when the client is gone before it has the answer.
        if let Ok(upgraded) = upgrade.await {
            let Client { address, tls, certificate_name } = client;
            let stream = BufReader::with_capacity(READ_BUFFER_BYTES, TokioIo::new(upgraded));
            let peer = Peer { address, tls, certificate_name, websocket: true };
            Box::pin(server.serve(ByteStream::new(stream), peer)).await;
        }
    });
    let reply = warp::reply::with_header(StatusCode::SWITCHING_PROTOCOLS, CONNECTION, "upgrade");
    let reply = warp::reply::with_header(reply, UPGRADE, "websocket");
    let reply = warp::reply::with_header(reply, SEC_WEBSOCKET_PROTOCOL, protocol);
    let accept = derive_accept_key(key.as_bytes());
    warp::reply::with_header(reply, SEC_WEBSOCKET_ACCEPT, accept).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_our_own_page_and_allowed_sites_may_connect() {
        let allowed = vec!["https://maps.example.org".to_owned()];
        let origins = Origins { site: Site::new("https://millrace.example.org"), allowed };
        for (host, origin, may) in [
            ("127.0.0.1:9001", None, true),
            ("localhost:9001", None, true),
            ("millrace.example.org:9001", None, true),
            ("127.0.0.1:9001", Some("http://127.0.0.1:9001"), true),
            ("127.0.0.1:9001", Some("https://millrace.example.org"), true),
            ("127.0.0.1:9001", Some("https://maps.example.org"), true),
            ("127.0.0.1:9001", Some("http://maps.example.org"), false),
            ("127.0.0.1:9001", Some("https://maps.example.org.evil.example"), false),
            ("127.0.0.1:9001", Some("http://127.0.0.2:24999"), false),
            ("127.0.0.1:9001", Some("null"), false),
            ("127.0.0.1:9001", Some(""), false),
            ("evil.example:9001", Some("http://evil.example:9001"), false),
            ("evil.example:9001", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(SEC_WEBSOCKET_PROTOCOL, "mqtt".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(check(&origins, &headers).is_ok(), may, "{host} {origin:?}");
        }
    }

    #[test]
    fn a_subprotocol_of_mqtt_must_be_offered() {
        let origins = Origins { site: Site::new(""), allowed: Vec::new() };
        for (offered, expected) in [
            ("mqtt", Some("mqtt")),
            ("mqttv3.1", Some("mqttv3.1")),
            ("chat, mqtt", Some("mqtt")),
            ("mqttv3.1,mqtt", Some("mqttv3.1")),
            ("MQTT", None),
            ("chat", None),
            ("", None),
        ] {
            let headers = [(HOST, "localhost"), (SEC_WEBSOCKET_PROTOCOL, offered)];
            let headers = headers.map(|(name, value)| (name, value.parse().unwrap())).into_iter().collect();
            assert_eq!(check(&origins, &headers).ok(), expected, "{offered}");
        }
    }
}
