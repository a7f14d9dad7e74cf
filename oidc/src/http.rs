//! The client that asks the identity provider: bounded in time and size, and following no redirect.

use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::http::{Request, Response};
use openidconnect::url::Url;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::config::is_safe;

/// How long a request may take, from the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer, at most.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Asks the identity provider. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct HttpError(String);

impl Http {
    /// # Errors
    /// The machine's certificates cannot be read.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("read the machine's certificates")?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https) })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = request.uri().to_string();
        let is_safe = Url::parse(&url).is_ok_and(|url| is_safe(&url));
        if !is_safe {
            return Err(HttpError(format!("{url} is neither over TLS nor on this machine")));
        }
        let answered = tokio::time::timeout(TIMEOUT, self.exchange(request));
        let late = || HttpError(format!("no answer within {TIMEOUT:?}"));
        answered
            .await
            .unwrap_or_else(|_| Err(late()))
            .map_err(|HttpError(e)| HttpError(format!("{url}: {e}")))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, Full::new(Bytes::from(body)));
        let answer = self.client.request(request).await.map_err(|e| HttpError(causes(&e)))?;
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|e| HttpError(e.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes().into()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// What went wrong, down to its cause: an outer error says little by itself.
pub(crate) fn causes(e: &dyn std::error::Error) -> String {
    let causes: Vec<_> = std::iter::successors(Some(e), |e| e.source()).map(ToString::to_string).collect();
    causes.join(": ")
}
