//! The routes where something is changed.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use telemetry::MAX_PAYLOAD_BYTES;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::hyper::body::Buf;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::{FOREIGN_NAME, Server, json, parameters, refusal};
use crate::api::{self, Refusal};
use crate::own::{own_host, own_origin};
use crate::query::{self, Parameters};

/// Bytes of a change, and how long they may take to come.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Of a mended payload: JSON writes a byte as six, at most.
const MAX_MENDED_BYTES: usize = 6 * MAX_PAYLOAD_BYTES + MAX_BODY_BYTES;

const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Each answers every method itself, so that it can say which there are.
pub(super) fn routes(server: Server) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let call = move |most: usize| {
        let server = server.clone();
        warp::any()
            .map(move || server.clone())
            .and(warp::method())
            .and(warp::header::headers_cloned())
            .and(parameters())
            .and(warp::body::stream().then(move |body| read(body, most)))
            .map(|server, method, headers, parameters, body| Call {
                server,
                method,
                headers,
                parameters,
                body,
            })
    };
    let silences = warp::path!("api" / "silences")
        .and(call(MAX_BODY_BYTES))
        .then(async |call: Call| call.silences().await.unwrap_or_else(refusal));
    let silence = warp::path!("api" / "silences" / String)
        .and(call(MAX_BODY_BYTES))
        .then(async |id: String, call: Call| call.silence(&id).await.unwrap_or_else(refusal));
    let acknowledgements = warp::path!("api" / "acknowledgements")
        .and(call(MAX_BODY_BYTES))
        .then(async |call: Call| call.acknowledgements().await.unwrap_or_else(refusal));
    let resend = warp::path!("api" / "rejected" / String / "resend")
        .and(call(MAX_MENDED_BYTES))
        .then(async |id: String, call: Call| call.resend(&id).await.unwrap_or_else(refusal));
    silences.or(silence).unify().or(acknowledgements).unify().or(resend).unify()
}

/// A request that may change something.
struct Call {
    server: Server,
    method: Method,
    headers: HeaderMap,
    parameters: Parameters,
    body: Result<Vec<u8>, Refusal>,
}

impl Call {
    async fn silences(self) -> Result<Response, Refusal> {
        let store = self.server.store.clone();
        match self.method {
            Method::GET | Method::HEAD => {
                self.check_host()?;
                Ok(json(StatusCode::OK, api::silences(store.as_ref(), self.parameters).await?))
            }
            Method::POST => {
                Ok(json(StatusCode::CREATED, api::add_silence(store.as_ref(), &self.json()?).await?))
            }
            _ => Err(Refusal::Method("GET, HEAD, POST")),
        }
    }

    async fn silence(self, id: &str) -> Result<Response, Refusal> {
        if self.method != Method::DELETE {
            return Err(Refusal::Method("DELETE"));
        }
        self.check_own()?;
        api::end_silence(self.server.store.as_ref(), id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn acknowledgements(self) -> Result<Response, Refusal> {
        if self.method != Method::POST {
            return Err(Refusal::Method("POST"));
        }
        let store = self.server.store.clone();
        Ok(json(StatusCode::OK, api::acknowledge(store.as_ref(), &self.json()?).await?))
    }

    async fn resend(self, id: &str) -> Result<Response, Refusal> {
        if self.method != Method::POST {
            return Err(Refusal::Method("POST"));
        }
        let (store, resend) = (self.server.store.clone(), self.server.resend.clone());
        Ok(json(StatusCode::OK, api::resend(store.as_ref(), &resend, id, &self.json()?).await?))
    }

    /// The body of a change that may be made.
    fn json(self) -> Result<Vec<u8>, Refusal> {
        self.check_own()?;
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next());
        if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Refusal::NotJson);
        }
        self.body
    }

    fn check_host(&self) -> Result<(), Refusal> {
        let own = own_host(self.header("host"), &self.server.public_url);
        if own { Ok(()) } else { Err(Refusal::Foreign(FOREIGN_NAME)) }
    }

    fn check_own(&self) -> Result<(), Refusal> {
        self.check_host()?;
        if !own_origin(self.header("origin"), self.header("host"), &self.server.public_url) {
            return Err(Refusal::Foreign("only this page itself may change something: see http.public_url"));
        }
        query::nothing(&self.parameters).map_err(Refusal::Bad)
    }

    /// One that cannot be read is as foreign as it can be.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or_default())
    }
}

async fn read(
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    most: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut body = std::pin::pin!(body);
    let read = async {
        let mut bytes = Vec::new();
        while let Some(Ok(mut part)) = body.next().await {
            if bytes.len() + part.remaining() > most {
                return Err(Refusal::TooLarge(most));
            }
            while part.has_remaining() {
                bytes.extend_from_slice(part.chunk());
                part.advance(part.chunk().len());
            }
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or(Err(Refusal::TooSlow))
}
